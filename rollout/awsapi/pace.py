"""Paces calls by a budget, so that AWS rarely throttles them (aws-facts.md#quotas-and-rates)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rollout.awsapi.call_budget import CallBudget

A_SECOND = 50.0
"""Calls of IAM in one account. IAM publishes no rate limits, so this starts high."""


class Pace:
    """Lets calls through as a budget allows; one for all who share it, in any thread."""

    def __init__(
        self,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
        *,
        rate: float = A_SECOND,
        burst: float = A_SECOND,
        floor: float = 0.5,
    ) -> None:
        """Start with a full bucket."""
        self._sleep = sleep
        self._monotonic = monotonic
        self._budget = CallBudget.new(rate, burst, floor, monotonic())
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Calls per second allowed at present."""
        return self._budget.now(self._monotonic()).rate

    def take(self) -> float:
        """Block until the next call may be made; return for how many seconds that was."""
        with self._lock:
            self._budget, wait = self._budget.take(self._monotonic())
        if wait:
            self._sleep(wait)
        return wait

    def slow_down(self) -> None:
        """Halve the rate, after AWS throttled a call."""
        with self._lock:
            self._budget = self._budget.throttled(self._monotonic())
