"""The gate of the calendar: on which days and hours, and never on a frozen date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Key, Needs, OverrideHolds, Question, Setting
from rollout.domain.progress.gate_result import Result

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


def _ask(question: Question, window: Window) -> GateAnswer:
    """Pass inside the window."""
    local = question.now.astimezone(window.zone)
    said = f"{local:%a %Y-%m-%d %H:%M} {local.tzname()}"
    if window.is_open(question.now):
        return GateAnswer("window", Result.PASS, f"{said} is inside the window")
    opening = window.next_opening(question.now)
    until = f"; opens {opening:%Y-%m-%d %H:%M} UTC" if opening else "; it never opens"
    return GateAnswer("window", Result.FAIL, f"{said} is outside the window{until}", opening)


def _read(
    days: tuple[str, ...], hours: tuple[time, time | None], zone: tzinfo, freeze: tuple[Freeze, ...]
) -> Window:
    return Window(days, *hours, zone, freeze)


WINDOW = Gate(
    name="window",
    meaning="it is one of the days and within the hours, in their time zone, and the date is not frozen",
    needs=Needs.CALENDAR,
    cure="wait",
    override_holds=OverrideHolds.RUN,
    ask=_ask,
    setting=Setting(
        "When on the calendar a wave may be enforced.",
        {
            "days": Key(Form.WEEKDAYS, WEEKDAYS, "Weekdays on which a wave may be enforced."),
            "hours": Key(Form.HOURS, "00:00-24:00", "From and to, inside one day: `09:00-16:00`."),
            "zone": Key(Form.ZONE, "UTC", "Time zone of days and hours, such as `Europe/Berlin`."),
            "freeze": Key(
                Form.DAYS,
                (),
                "Days on which nothing is enforced: `2026-12-24`, or `2026-12-20..2027-01-06`, both ends included.",
            ),
        },
        None,
        _read,
    ),
    opens_by_time=True,
)
