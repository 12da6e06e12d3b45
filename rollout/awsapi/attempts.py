"""Describes one AWS call, its result, and the request counts that reports show."""

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


class CallCounts:
    """Counts the calls of one account, for the log and the reports; safe to share between threads."""

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        """Add one to `calls`, `retries` or `throttled`."""
        with self._lock:
            self._counts[what] += 1

    @property
    def calls(self) -> int:
        """Number of requests sent, retries included."""
        return self._counts["calls"]

    @property
    def retries(self) -> int:
        """Number of requests that repeated a failed one."""
        return self._counts["retries"]

    @property
    def throttled(self) -> int:
        """Number of requests that AWS throttled."""
        return self._counts["throttled"]

    @property
    def effort(self) -> Effort:
        """The counts so far, as an immutable value."""
        return Effort(self.calls, self.retries)


@dataclass(frozen=True, slots=True)
class CallResult(Generic[T_co]):
    """The response to a call and the number of attempts it took."""

    value: T_co
    attempts: int


@dataclass(frozen=True, slots=True)
class CallRequest(Generic[T]):
    """A call to make: the operation, the account, and how to recover when it fails.

    `renew` fetches fresh credentials after the session has expired. `just_made` says that the object the call names
    was created moments ago, so "not found" may only mean "not visible yet".
    """

    make: Callable[[], T]
    operation: Operation
    account_id: str
    pace: Pace
    tally: CallCounts
    own_credentials: bool
    renew: Callable[[], None] | None = None
    just_made: bool = False
