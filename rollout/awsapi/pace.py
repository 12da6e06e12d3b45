"""Paces the calls into one account: a token bucket that halves when AWS throttles, and recovers.

See aws-facts.md#quotas-and-rates.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Pace:
    """At most `burst` calls at once and `rate` a second; safe to share between threads.

    IAM publishes no rates, so the bucket starts wide, halves at every throttled answer down to `floor`, and wins
    back a tenth of the full rate with every answer that was not.
    """

    def __init__(
        self,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
        *,
        rate: float = 50.0,
        burst: float = 50.0,
        floor: float = 0.5,
    ) -> None:
        """Start full."""
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
        """Calls a second that are let through now."""
        return self._rate

    def take(self) -> None:
        """Wait until the next call may go."""
        with self._lock:
            now = self._monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            self._tokens -= 1
            # In debt: this call's turn comes when the bucket has filled up to zero again.
            wait = max(0.0, -self._tokens / self._rate)
        if wait:
            self._sleep(wait)

    def slow_down(self) -> None:
        """AWS throttled a call."""
        with self._lock:
            self._rate = max(self._floor, self._rate / 2)
            self._tokens = min(self._tokens, self._tokens / 2)

    def speed_up(self) -> None:
        """AWS answered a call."""
        with self._lock:
            self._rate = min(self._full, self._rate + self._full / 10)
