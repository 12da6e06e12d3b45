"""One call to be made, what came of it, and the counts that reports show."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rollout.awsapi.operations import Operation
from rollout.awsapi.pace import Pace
from rollout.domain.people.observations import Effort

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Tally:
    """Counts the calls of one account, for the log and the reports; safe to share between threads."""

    def __init__(self) -> None:
        """Nothing was called yet."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        """Count one of `calls`, `retries`, `throttled`."""
        with self._lock:
            self._counts[what] += 1

    @property
    def calls(self) -> int:
        """Requests sent, the repeated ones too."""
        return self._counts["calls"]

    @property
    def retries(self) -> int:
        """Requests that repeated one that went wrong."""
        return self._counts["retries"]

    @property
    def throttled(self) -> int:
        """Requests that AWS throttled."""
        return self._counts["throttled"]

    @property
    def effort(self) -> Effort:
        """What was counted so far, as a value."""
        return Effort(self.calls, self.retries)


@dataclass(frozen=True, slots=True)
class Answered(Generic[T_co]):
    """An answer and how many attempts it took."""

    value: T_co
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """One call to be made: what it is, where, and what may be done when it goes wrong.

    `renew` gets fresh credentials when the session has expired; `just_made` says that what the call names was made
    moments ago, so "not found" may only mean "not yet".
    """

    make: Callable[[], T]
    operation: Operation
    account_id: str
    pace: Pace
    tally: Tally
    own_credentials: bool
    renew: Callable[[], None] | None = None
    just_made: bool = False
