"""How fast calls may be made, as a value: a token bucket that halves when AWS throttles, and recovers slowly.

See aws-facts.md#quotas-and-rates. Times are seconds of any clock that never goes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

RECOVERED_A_SECOND = 0.1
"""The share of the full rate that comes back in a second: it takes five to be as fast as before a single throttle."""
AT_ONCE = 1.0
"""Seconds within which further throttles are answers to what was under way already; they halve nothing again."""


@dataclass(frozen=True, slots=True)
class CallBudget:
    """At most `burst` calls at once, and `rate` in a second: at first and at most `full`, at least `floor`.

    `tokens` are the calls that may be made at `at`; below zero, that many wait already. `slowed_at` is when AWS
    throttled.
    """

    full: float
    burst: float
    floor: float
    rate: float
    tokens: float
    at: float
    slowed_at: float = float("-inf")

    @classmethod
    def new(cls, full: float, burst: float, floor: float, at: float) -> CallBudget:
        """Begin at full speed."""
        return cls(full, burst, floor, full, burst, at)

    def now(self, at: float) -> CallBudget:
        """Let time pass: calls may be made again, and the rate recovers."""
        passed = max(0.0, at - self.at)
        rate = min(self.full, self.rate + passed * RECOVERED_A_SECOND * self.full)
        tokens = min(self.burst, self.tokens + passed * self.rate)
        return replace(self, rate=max(self.floor, rate), tokens=tokens, at=max(self.at, at))

    def take(self, at: float) -> tuple[CallBudget, float]:
        """Make one call, after waiting for so many seconds."""
        then = self.now(at)
        then = replace(then, tokens=then.tokens - 1)
        return then, max(0.0, -then.tokens / then.rate)

    def throttled(self, at: float) -> CallBudget:
        """Halve rate and burst, unless that was done a moment ago."""
        then = self.now(at)
        if at - self.slowed_at < AT_ONCE:
            return then
        rate = max(self.floor, then.rate / 2)
        return replace(then, rate=rate, tokens=min(then.tokens, then.tokens / 2), slowed_at=at)
