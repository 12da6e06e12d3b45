"""Begins something at once, for whoever needs it later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def begun(task: Callable[[], T]) -> Callable[[], T]:
    """Run the task in a thread of its own; the function that is returned waits for its answer, or raises its error.

    Nobody waits for it when the process ends.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(task())
        except BaseException as problem:  # noqa: BLE001 - raised where the answer is needed
            answer.set_exception(problem)

    threading.Thread(target=copy_context().run, args=(run,), name="begun", daemon=True).start()
    return answer.result
