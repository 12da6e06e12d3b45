"""Runs account tasks in threads: they wait for AWS nearly all the time, so threads are enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class ThreadEngine:
    """Runs one task per item, at most `max_workers` side by side (fills `Engine`).

    - Items are taken up as workers come free, so a long list costs no memory, and answers come as they are ready.
    - Each task runs in a context of its own: what it keeps in a `ContextVar` (its account's credentials, say) reaches
      no other task.
    - Once `stop` is set no further item is begun; those in hand are finished and answered.
    - A task that raises stops the taking up too; the error is raised when those in hand have been answered.
    """

    def __init__(self, max_workers: int, stop: Event | None = None) -> None:
        if max_workers < 1:
            raise ValueError("an engine needs at least one worker")
        self._max_workers = max_workers
        self._stop = stop or Event()

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its answer as it comes."""
        waiting = iter(items)
        running: dict[Future[Answer], Item] = {}
        error: BaseException | None = None
        pool = ThreadPoolExecutor(self._max_workers, thread_name_prefix="account")
        try:
            while True:
                while error is None and len(running) < self._max_workers and not self._stop.is_set():
                    try:
                        item = next(waiting)
                    except StopIteration:
                        break
                    running[pool.submit(copy_context().run, task, item)] = item
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    item = running.pop(future)
                    problem = future.exception()
                    if problem is None:
                        yield item, future.result()
                    elif error is None:
                        error = problem
                    else:
                        error.add_note(f"another task failed too: {problem!r}")
        finally:
            # Also when the caller stops listening: nothing is left running behind his back.
            pool.shutdown(wait=True, cancel_futures=True)
        if error is not None:
            raise error
