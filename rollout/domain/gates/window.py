"""The gate of the calendar: on which days and hours, and never on a frozen date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rollout.domain.gates.answer import GateAnswer, failed, passed

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOKS_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days on which nothing moves, both ends included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Window:
    """`gates.window`: weekdays, hours from `opens` to before `closes`, in a time zone, and frozen dates."""

    days: tuple[str, ...] = WEEKDAYS
    opens: time = time()
    closes: time | None = None
    zone: tzinfo = UTC
    frozen: tuple[Freeze, ...] = ()

    def is_open(self, now: datetime) -> bool:
        """Tell whether an instant lies inside."""
        local = now.astimezone(self.zone)
        if not self._takes(local.date()):
            return False
        return self.opens <= local.time() and (self.closes is None or local.time() < self.closes)

    def next_opening(self, now: datetime) -> datetime | None:
        """Find when it opens next; None when it does not within a year or so."""
        local = now.astimezone(self.zone)
        day = local.date()
        while day - local.date() < LOOKS_AHEAD:
            # Where clocks are put back, an hour comes twice; where they are put on, one does not come at all.
            for fold in (0, 1):
                opening = datetime.combine(day, self.opens, self.zone).replace(fold=fold).astimezone(UTC)
                if opening > now and self.is_open(opening):
                    return opening
            day += timedelta(days=1)
        return None

    def _takes(self, day: date) -> bool:
        if WEEKDAYS[day.weekday()] not in self.days:
            return False
        return not any(freeze.first <= day <= freeze.last for freeze in self.frozen)


def window(when: Window, now: datetime) -> GateAnswer:
    """Pass inside the window."""
    local = now.astimezone(when.zone)
    said = f"{local:%a %Y-%m-%d %H:%M} {local.tzname()}"
    if when.is_open(now):
        return passed("window", f"{said} is inside the window")
    opening = when.next_opening(now)
    until = f"; opens {opening:%Y-%m-%d %H:%M} UTC" if opening else "; it never opens"
    return failed("window", f"{said} is outside the window{until}", opening)
