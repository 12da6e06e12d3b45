"""Runs account tasks in threads, which suffice because the tasks spend most of their time waiting for AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class ThreadEngine:
    """Implements `Engine`: runs one task per item, at most `max_workers` at a time.

    - A worker takes the next item when it is free, so a long list costs no memory; results arrive as they are ready.
    - Each task runs in its own context: a `ContextVar` that it sets (its account's credentials, for example) is
      invisible to other tasks.
    - Once `stop` is set, no further item starts; running tasks finish, and their results are yielded.
    - When a task raises, no further item starts either; the error is raised after the running tasks have finished.
    """

    def __init__(self, max_workers: int, stop: Event | None = None) -> None:
        if max_workers < 1:
            raise ValueError("max_workers must be at least 1")
        self._max_workers = max_workers
        self._stop = stop or Event()

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its result, in the order in which they finish. Raises the first error of a task."""
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
            # Also when the caller abandons the iterator: no task keeps running unnoticed.
            pool.shutdown(wait=True, cancel_futures=True)
        if error is not None:
            raise error
