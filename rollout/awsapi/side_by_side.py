"""Makes several calls side by side that do not need each other's answers; each is paced and retried as ever.

Nobody waits for what is under way when the process ends: Ctrl-C, while an endpoint says nothing, ends the command.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
First = TypeVar("First")
Second = TypeVar("Second")

_MOST = 8


def begun(task: Callable[[], First]) -> Callable[[], First]:
    """Run the task in a thread of its own; the function that is returned waits for its answer, or raises its error."""
    answer: Future[First] = Future()

    def run() -> None:
        try:
            answer.set_result(task())
        except BaseException as problem:  # noqa: BLE001 - raised where the answer is needed
            answer.set_exception(problem)

    threading.Thread(target=copy_context().run, args=(run,), name="begun", daemon=True).start()
    return answer.result


def side_by_side(ask: Callable[[Item], First], items: Iterable[Item]) -> list[First]:
    """Ask about each item, a few at a time; the answers are in the order of the items. Raises an error of one."""
    wanted = list(items)
    if len(wanted) < 2:
        return [ask(item) for item in wanted]
    places: SimpleQueue[int | None] = SimpleQueue()
    several = min(_MOST, len(wanted))
    for place in (*range(len(wanted)), *[None] * several):
        places.put(place)
    answers: dict[int, First] = {}
    failed = threading.Event()

    def work() -> None:
        while not failed.is_set() and (place := places.get()) is not None:
            try:
                answers[place] = ask(wanted[place])
            except BaseException:
                failed.set()
                raise

    for done in [begun(work) for _ in range(several)]:
        done()
    return [answers[place] for place in range(len(wanted))]


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Ask two questions at once. Raises the first one's error, else the second one's."""
    other = begun(second)
    return first(), other()
