"""Describes what an access key calls, and when; CloudTrail's events follow from it for any span of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rollout.sandbox.world.dates import Moment

_SATURDAY = 5


@dataclass(frozen=True)
class MadeCall:
    """One call at its time."""

    at: datetime
    operation: str
    calls: DescribedCalls


class DescribedCalls(BaseModel):
    """Calls of one kind: the operations in turn, every so many minutes between two hours of the day (UTC).

    `mfa`: with the code of a device, as GetSessionToken and AssumeRole take one. Without `until`, they go on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operations: Annotated[tuple[str, ...], Field(min_length=1)]
    since: Moment
    until: Moment | None = None
    hours: tuple[int, int] = (0, 24)
    every: Annotated[int, Field(ge=1)] = 60
    weekends: bool = True
    region: str = "us-east-1"
    addresses: Annotated[tuple[str, ...], Field(min_length=1)]
    agent: str
    mfa: bool = False

    def newest_first(self, start: datetime, end: datetime) -> Iterator[MadeCall]:
        """Yield the calls of a span of time, both ends included."""
        start, end = max(start, self.since), min(end, self.until or end)
        day = end.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        first, last = (60 * hour for hour in self.hours)
        while day + timedelta(days=1) > start:
            if self.weekends or day.weekday() < _SATURDAY:
                for minute in reversed(range(first, last, self.every)):
                    at = day + timedelta(minutes=minute)
                    if start <= at <= end:
                        turn = (day.toordinal() * 24 * 60 + minute) // self.every
                        yield MadeCall(at, self.operations[turn % len(self.operations)], self)
            day -= timedelta(days=1)
