"""Keeps nobody waiting for a service that does not answer: people may be locked out meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault

T = TypeVar("T")

SILENT = frozenset({Fault.UNSENT, Fault.UNANSWERED, Fault.UNPARSABLE, Fault.THROTTLED})
"""Failures that took long, and that the next call would only meet again."""


@dataclass(slots=True)
class TimeLimit:
    """Gives each call to one service so many seconds, attempts and name look-ups included; more once it has answered.

    After the first call that takes longer, or that the service does not answer, no other is made.
    """

    seconds: float = 3.0
    once_it_answers: float = 20.0
    _gave_up: CallFailed | None = None
    _answers: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, make: Callable[[], T], operation: str, account_id: str) -> T:
        """Make a call. Raises what it raises, and CallFailed when it takes too long or was not made."""
        if self._gave_up:
            raise self._gave_up
        seconds = self.once_it_answers if self._answers else self.seconds
        made = _Made(make)
        # A thread, for neither a name look-up nor a host of many addresses keeps to the timeouts of a client. It is
        # left behind when it takes too long, and does not keep the command from ending.
        thread = threading.Thread(target=copy_context().run, args=(made.run,), daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            self._give_up(
                CallFailed(
                    operation,
                    account_id,
                    Fault.UNANSWERED,
                    "NoAnswer",
                    f"no answer within {seconds:g} seconds",
                )
            )
        if isinstance(made.problem, CallFailed) and made.problem.fault in SILENT:
            self._give_up(made.problem)
        self._answers = True
        return made.result()

    def _give_up(self, why: CallFailed) -> None:
        """Let no other call be made. Raises the reason, or the one that another thread had before."""
        with self._lock:
            self._gave_up = self._gave_up or why
        raise self._gave_up


class _Made(Generic[T]):
    """A call made in another thread, and what came of it."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._results: list[T] = []
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            self._results.append(self._make())
        except BaseException as problem:  # noqa: BLE001 - raised again in the thread that waits for it
            self.problem = problem

    def result(self) -> T:
        if self.problem is not None:
            raise self.problem
        return self._results[0]
