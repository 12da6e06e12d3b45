"""Computes a run's rate and remaining time, and decides when to print a progress line."""

from __future__ import annotations

from dataclasses import dataclass, field

# In a log, a line every few seconds shows that a run is alive; more would hide what matters.
SECONDS_BETWEEN_LINES = 5.0


@dataclass(slots=True)
class Pacing:
    """Counts towards a total. Times are seconds of a monotonic clock."""

    total: int
    began: float
    done: int = 0
    detail: str = ""
    _said_at: float = field(init=False)

    def __post_init__(self) -> None:
        """Make the first line due at once."""
        self._said_at = self.began

    def advance(self, by: int, detail: str, now: float) -> bool:
        """Add to the count, and tell whether a progress line is due."""
        self.done += by
        self.detail = detail or self.detail
        if now - self._said_at < SECONDS_BETWEEN_LINES:
            return False
        self._said_at = now
        return True

    def rate(self, now: float) -> float | None:
        """Return the rate so far, per second; None while it is unknown."""
        passed = now - self.began
        return self.done / passed if self.done and passed > 0 else None

    def left(self, now: float) -> float | None:
        """Return the seconds left at this rate; None while they are unknown."""
        rate = self.rate(now)
        return None if rate is None else max(self.total - self.done, 0) / rate

    def speed(self, now: float) -> str:
        """Format the rate and the time left, such as `40 per second, 2 min left`; "" while they are unknown."""
        rate, left = self.rate(now), self.left(now)
        if rate is None or left is None:
            return ""
        pace = f"{rate:.0f} per second" if rate >= 1 else f"{rate * 60:.0f} per minute"
        return f"{pace}, {span(left)} left" if left else pace

    def line(self, now: float) -> str:
        """Format the progress line: `120 of 5,000 (2%), 40 per second, 2 min left; <detail>`."""
        share = f" ({self.done * 100 // self.total}%)" if self.total else ""
        said = [f"{self.done:,} of {self.total:,}{share}", self.speed(now)]
        where = f"; {self.detail}" if self.detail else ""
        return ", ".join(text for text in said if text) + where

    def end(self, now: float) -> str:
        """Format the final count, and how long it took if that was several seconds."""
        passed = now - self.began
        took = f" in {span(passed)}" if passed >= SECONDS_BETWEEN_LINES else ""
        return f"{self.done:,} of {self.total:,}{took}"


def span(seconds: float) -> str:
    """Format a duration briefly: `40 s`, `12 min`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
