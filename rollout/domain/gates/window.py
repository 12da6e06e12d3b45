"""The gate of the calendar: a wave moves only on certain days, at certain hours, and never on a frozen date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rollout.domain.gates.gate import (
    Form,
    Gate,
    GateAnswer,
    Needs,
    OverrideHolds,
    Question,
    Setting,
    SettingKey,
)
from rollout.domain.progress.gate_result import Result

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOKS_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days on which nobody is enforced, from `first` to `last`, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Window:
    """`gates.window`: weekdays, hours, time zone and frozen dates.

    The window opens at `opens` and is shut again from `closes` on; None stands for midnight.
    """

    days: tuple[str, ...] = WEEKDAYS
    opens: time = time()
    closes: time | None = None
    zone: tzinfo = UTC
    frozen: tuple[Freeze, ...] = ()

    def is_open(self, now: datetime) -> bool:
        """Tell whether an instant lies inside the window."""
        local = now.astimezone(self.zone)
        day, hour = local.date(), local.time()
        if WEEKDAYS[day.weekday()] not in self.days or any(
            span.first <= day <= span.last for span in self.frozen
        ):
            return False
        return self.opens <= hour and (self.closes is None or hour < self.closes)

    def next_opening(self, now: datetime) -> datetime | None:
        """Find when the window opens next; None if it stays shut for the next 400 days."""
        local = now.astimezone(self.zone)
        day = local.date()
        while day - local.date() < LOOKS_AHEAD:
            # When clocks go back, an hour comes twice; when they go forward, one does not come at all.
            for fold in (0, 1):
                opening = datetime.combine(day, self.opens, self.zone).replace(fold=fold).astimezone(UTC)
                if opening > now and self.is_open(opening):
                    return opening
            day += timedelta(days=1)
        return None


def _ask(question: Question, window: Window) -> GateAnswer:
    """Pass if now is inside the window."""
    local = question.now.astimezone(window.zone)
    moment = f"{local:%a %Y-%m-%d %H:%M} {local.tzname()}"
    if window.is_open(question.now):
        return GateAnswer("window", Result.PASS, f"{moment} is inside the window")
    opening = window.next_opening(question.now)
    until = f"; opens {opening:%Y-%m-%d %H:%M} UTC" if opening else "; it never opens"
    return GateAnswer("window", Result.FAIL, f"{moment} is outside the window{until}", opening)


WINDOW = Gate(
    name="window",
    meaning="it is one of the days and within the hours, in their time zone, and the date is not frozen",
    needs=Needs.CALENDAR,
    cure="wait",
    override_holds=OverrideHolds.RUN,
    ask=_ask,
    setting=Setting(
        "The days and hours at which a wave may be enforced.",
        {
            "days": SettingKey(Form.WEEKDAYS, WEEKDAYS, "Weekdays on which a wave may be enforced."),
            "hours": SettingKey(Form.HOURS, "00:00-24:00", "Start and end within one day: `09:00-16:00`."),
            "zone": SettingKey(Form.ZONE, "UTC", "Time zone of days and hours, such as `Europe/Berlin`."),
            "freeze": SettingKey(
                Form.DAYS,
                (),
                "Days on which nothing is enforced: `2026-12-24`, or `2026-12-20..2027-01-06`, both ends included.",
            ),
        },
        None,
        lambda days, hours, zone, freeze: Window(days, hours[0], hours[1], zone, freeze),
    ),
    opens_by_time=True,
)
