"""Runs account tasks in threads, which suffice because the tasks spend most of their time waiting for AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from queue import SimpleQueue
from threading import BoundedSemaphore, Event, Lock
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class ThreadEngine:
    """Implements `Engine`: runs one task per item, at most `max_workers` at a time.

    - A worker takes the next item when it is free, so a long list costs no memory; results arrive as they are ready.
    - A task that waits by `wait_aside` lets another one work meanwhile; so many may wait as may work.
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
        places = _Places(self._max_workers)
        error: BaseException | None = None
        pool = ThreadPoolExecutor(2 * self._max_workers, thread_name_prefix="account")
        try:
            while True:
                while error is None and len(running) < places.room and not self._stop.is_set():
                    try:
                        item = next(waiting)
                    except StopIteration:
                        break
                    future = pool.submit(copy_context().run, places.working, task, item)
                    running[future] = item
                    future.add_done_callback(places.tell)
                if not running:
                    break
                done = places.news.get()
                if done is None:  # one has begun to wait: there is room for another
                    continue
                item = running.pop(done)
                problem = done.exception()
                if problem is None:
                    yield item, done.result()
                elif error is None:
                    error = problem
                else:
                    error.add_note(f"another task failed too: {problem!r}")
        finally:
            # Also when the caller abandons the iterator: no task keeps running unnoticed.
            pool.shutdown(wait=True, cancel_futures=True)
        if error is not None:
            raise error


def wait_aside(seconds: float) -> None:
    """Wait; in a task of a `ThreadEngine`, another one works meanwhile."""
    place = _place.get()
    with place.left() if place else nullcontext():
        time.sleep(seconds)


class _Places:
    """The places of the tasks that work; `news` tells of each that is done, and of each that begins to wait (None)."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._free = BoundedSemaphore(number)
        self._counting = Lock()
        self._waiting = 0
        self.news: SimpleQueue[Future[Any] | None] = SimpleQueue()

    @property
    def room(self) -> int:
        """How many tasks may have begun."""
        return self._number + min(self._waiting, self._number)

    def working(self, task: Callable[[Item], Answer], item: Item) -> Answer:
        """Do the task as soon as there is a place."""
        _place.set(self)
        with self._free:
            return task(item)

    @contextmanager
    def left(self) -> Iterator[None]:
        """Give the place to another task while the block runs."""
        self._count(1)
        self._free.release()
        self.news.put(None)
        try:
            yield
        finally:
            self._free.acquire()
            self._count(-1)

    def tell(self, done: Future[Any]) -> None:
        """Tell of a task that is done."""
        self.news.put(done)

    def _count(self, by: int) -> None:
        with self._counting:
            self._waiting += by


_place: ContextVar[_Places | None] = ContextVar("place", default=None)
