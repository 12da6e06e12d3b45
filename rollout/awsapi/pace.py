"""Paces the calls into one account with a token bucket, so that AWS rarely throttles them.

See aws-facts.md#quotas-and-rates.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

A_SECOND = 50.0
"""Calls of IAM in one account."""


class Pace:
    """Allows at most `burst` calls at once and `rate` calls a second; safe to share between threads.

    IAM publishes no rate limits. The rate therefore starts high, halves with every throttled response (but not below
    `floor`), and regains a tenth of the full rate with every other response.
    """

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
        self._full = rate
        self._burst = burst
        self._floor = floor
        self._rate = rate
        self._tokens = burst
        self._filled_at = monotonic()
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Calls per second allowed at present."""
        return self._rate

    def take(self) -> None:
        """Block until the next call may be made."""
        with self._lock:
            now = self._monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            self._tokens -= 1
            # The balance is negative: wait until the bucket has refilled to zero.
            wait = max(0.0, -self._tokens / self._rate)
        if wait:
            self._sleep(wait)

    def slow_down(self) -> None:
        """Halve the rate, after AWS throttled a call."""
        with self._lock:
            self._rate = max(self._floor, self._rate / 2)
            self._tokens = min(self._tokens, self._tokens / 2)

    def speed_up(self) -> None:
        """Raise the rate a little, after AWS answered a call."""
        with self._lock:
            self._rate = min(self._full, self._rate + self._full / 10)
