"""The sandbox has a clock of its own, because weeks must pass in a demonstration that takes a minute."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def real_now() -> datetime:
    """Give the time of this machine: sessions end by it, because clients refresh them by it."""
    return datetime.fromtimestamp(time.time(), UTC)


class Clock:
    """Starts at a given moment, runs on in real time, and can be moved forward; it never goes back."""

    def __init__(self, start: datetime, *, ticking: bool = True) -> None:
        """Begin at `start`; a clock that does not tick moves only by `advance`."""
        self._start = start.astimezone(UTC)
        self._ticking = ticking
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Tell the sandbox's time in whole seconds, which is as fine as IAM's own dates are."""
        elapsed = time.monotonic() - self._began if self._ticking else 0.0
        return (self._start + timedelta(seconds=elapsed)).replace(microsecond=0)

    def naive(self) -> datetime:
        """Tell the same time without a zone, the form in which moto keeps its dates."""
        return self.now().replace(tzinfo=None)

    def advance(self, delta: timedelta) -> datetime:
        """Move forward by `delta` and tell the new time."""
        if delta < timedelta(0):
            msg = "the sandbox's clock only moves forward"
            raise ValueError(msg)
        self._start += delta
        return self.now()
