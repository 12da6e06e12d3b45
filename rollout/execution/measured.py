"""Chooses between threads and processes by what the first accounts have cost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from typing import TypeVar

from rollout.execution.threads import ThreadEngine
from rollout.execution.worker_processes import ProcessEngine

Item = TypeVar("Item")
Answer = TypeVar("Answer")

WORTH_A_PROCESS = 4.0
"""Seconds of work for each process that is started: it takes one second before it does any."""
MOST_PROCESSES = 8
"""Each takes 100 MB."""


class MeasuredEngine:
    """Implements `Engine`: begins with threads, and goes on in processes where the rest is worth them.

    One thread at a time computes in Python, so threads use one core however many there are. Task, items and answers can
    be pickled.
    """

    def __init__(self, max_workers: int, stop: Event | None = None, cores: int | None = None) -> None:
        """Up to `max_workers` tasks at a time, in all processes together; `cores`: as many as this process may use."""
        self._max_workers, self._stop = max_workers, stop or Event()
        self._cores = min(cores or usable_cores(), MOST_PROCESSES)

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its result, in the order in which they finish. Raises the first error of a task."""
        todo = list(items)
        threads = ThreadEngine(self._max_workers, self._stop)
        first, rest = todo[: self._max_workers], todo[self._max_workers :]
        begun = time.process_time()
        yield from threads.map(task, first)
        each = (time.process_time() - begun) / max(len(first), 1)
        if self._cores > 1 and each * len(rest) >= WORTH_A_PROCESS * self._cores:
            share = -(-self._max_workers // self._cores)
            yield from ProcessEngine(self._cores, share, self._stop).map(task, rest)
        else:
            yield from threads.map(task, rest)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
