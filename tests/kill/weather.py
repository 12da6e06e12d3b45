"""What may come instead of an answer, by seeded chance: the figures of the requirement."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from random import Random


class Trouble(StrEnum):
    """What happens to a request."""

    NONE = "answered"
    THROTTLED = "throttled"
    FAILED = "failed"
    FAILED_AFTER = "failed after its effect"
    LOST = "answer lost after its effect"
    LATE = "answer lost, and its effect came later"


CHANCES = (
    (Trouble.THROTTLED, 0.20),
    (Trouble.FAILED, 0.04),
    (Trouble.FAILED_AFTER, 0.01),  # with the above 5 % of 500s, and AWS does not say of which kind one is
    (Trouble.LOST, 0.02),
    (Trouble.LATE, 0.01),
)
LATE = (0.05, 0.8)
"""Seconds after which such an effect is there: AWS itself promises nothing sooner.

See aws-facts.md#eventual-consistency.
"""


class Weather:
    """Draws for each request by what it asks and how often that was asked: threads taking turns change nothing."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def meets(self, request: str) -> Trouble:
        """Draw what happens to this request, this time."""
        self._asked[request] += 1
        drawn = Random(f"{self._seed} {request} {self._asked[request]}").random()
        for trouble, chance in CHANCES:
            drawn -= chance
            if drawn < 0:
                return trouble
        return Trouble.NONE
