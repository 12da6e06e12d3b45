"""Runs account tasks in several processes, each with threads, so that they use all cores of this machine."""

from __future__ import annotations

import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Event
from typing import Any, TypeVar

from rollout.execution.threads import ThreadEngine

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class ProcessEngine:
    """Implements `Engine` for a task, items and answers that can be pickled; otherwise as `ThreadEngine`.

    - The task is pickled once for each process, and each process takes the next item when one of its threads is free.
    - Ctrl-C is for this process: the others finish what they have begun. They end when this process does.
    - What a process had in hand when it ended unexpectedly is begun again, by the others or by this one.
    """

    def __init__(self, processes: int, threads: int, stop: Event | None = None) -> None:
        """`threads` are those of each process."""
        self._processes, self._threads = processes, threads
        self._stop = stop or Event()

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its result, in the order in which they finish. Raises the first error of a task."""
        waiting = iter(items)
        workers = {one.pipe: one for one in self._started(pickle.dumps(task))}
        error: BaseException | None = None
        try:
            while workers:
                for pipe in wait(list(workers)):
                    worker = workers[pipe]  # type: ignore[index]  # these are the pipes that it was given
                    match worker.heard():
                        case ("wants",):
                            given = error is None and not self._stop.is_set()
                            worker.give(list(islice(waiting, 1)) if given else [])
                        case ("done", number, answer):
                            yield worker.in_hand.pop(number), answer
                        case ("failed", number, problem):
                            worker.in_hand.pop(number)
                            error = error or problem
                        case _:
                            del workers[worker.pipe]
                            waiting = chain(list(worker.in_hand.values()), waiting)
        finally:
            for one in workers.values():
                one.process.terminate()
        if error is not None:
            raise error
        # Nothing, unless all processes have ended before their time.
        yield from ThreadEngine(self._threads, self._stop).map(task, waiting)

    def _started(self, task: bytes) -> list[_Worker]:
        # Not forked: a copy of this process would have its locks, and not the threads that hold them.
        context = get_context("spawn")
        started = []
        for _ in range(self._processes):
            here, there = context.Pipe()
            process = context.Process(target=work, args=(there, task, self._threads), daemon=True)
            process.start()
            there.close()
            started.append(_Worker(process, here))
        return started


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, the pipe to it, and what it has in hand, by number."""

    process: BaseProcess
    pipe: Connection
    in_hand: dict[int, Any] = field(default_factory=dict)
    _given: int = 0

    def heard(self) -> tuple[Any, ...]:
        """Return what the process says; nothing when it has ended."""
        try:
            said: tuple[Any, ...] = pickle.loads(self.pipe.recv_bytes())  # noqa: S301 - from a process of our own
            return said
        except (EOFError, OSError):
            self.process.join()
            return ()

    def give(self, items: list[Any]) -> None:
        """Give it an item, or say that there are no more."""
        self._given += 1
        for item in items:
            self.in_hand[self._given] = item
        try:
            self.pipe.send((self._given, *items))
        except OSError:
            return  # it has ended, as `heard` will tell


def work(pipe: Connection, task: bytes, threads: int) -> None:
    """Be one of the processes: do the task for each item that is given, until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    speaking = threading.Lock()
    done: Callable[[Any], Any] = pickle.loads(task)  # noqa: S301 - from the process that has started this one

    def say(*words: Any) -> None:
        spelled = pickle.dumps(words)
        with speaking:
            pipe.send_bytes(spelled)

    def items() -> Iterator[tuple[int, Any]]:
        while True:
            say("wants")
            number, *given = pipe.recv()
            if not given:
                return
            yield number, given[0]

    def do(numbered: tuple[int, Any]) -> None:
        number, item = numbered
        try:
            say("done", number, done(item))
        except BaseException as problem:  # noqa: BLE001 - raised in the process that has given the item
            say("failed", number, problem)

    try:
        for _ in ThreadEngine(threads).map(do, items()):
            pass
    except (EOFError, OSError):
        return  # the process that gave the items has ended
