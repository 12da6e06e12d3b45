"""Gives the sandbox its own clock, so that weeks can pass in a demonstration of one minute."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def real_now() -> datetime:
    """Return the time of this machine, by which sessions expire, since clients refresh them by it."""
    return datetime.fromtimestamp(time.time(), UTC)


class SandboxClock:
    """Starts at a given time, runs in real time, and can be moved forward, but never back."""

    def __init__(self, start: datetime, *, ticking: bool = True) -> None:
        """Start at `start`; a clock that is not ticking only moves through `advance`."""
        self._start = start.astimezone(UTC)
        self._ticking = ticking
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Return the sandbox's time in whole seconds, the precision of IAM's dates."""
        elapsed = time.monotonic() - self._began if self._ticking else 0.0
        return (self._start + timedelta(seconds=elapsed)).replace(microsecond=0)

    def naive(self) -> datetime:
        """Return the same time without a time zone, as moto stores its dates."""
        return self.now().replace(tzinfo=None)

    def advance(self, delta: timedelta) -> datetime:
        """Move forward by `delta` and return the new time. Raises ValueError for a negative `delta`."""
        if delta < timedelta(0):
            msg = "the sandbox's clock can only move forward"
            raise ValueError(msg)
        self._start += delta
        return self.now()
