"""Draws what became of the rollout over time: how many users are left, at which pace, and the way of each wave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollout.domain.status.over_time import DailyPace, KeptLook, StateChange, pace_of, say_pace
from rollout.reporting import spelling
from rollout.reporting.frames import Counts
from rollout.reporting.report_data import ReportData, WaveProgress

AHEAD = timedelta(days=120)
"""How far beyond today a forecast is drawn."""
SHOWN = 100
"""Changes by name that are listed."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line of the chart, in thousandths of both sides, and what it is about. `ahead` is its forecast."""

    name: str
    label: str
    points: str
    last: int
    first: int
    ahead: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a time: where it stands in thousandths of the width, and a sentence."""

    x: int
    text: str


@dataclass(frozen=True, slots=True)
class WaveBar:
    """The way of one wave, in thousandths of the width: from being told to the date told, and enforced since."""

    wave: WaveProgress
    told: tuple[int, int] | None
    soon: tuple[int, int] | None
    enforced: tuple[int, int] | None
    marks: tuple[Mark, ...]
    text: str


@dataclass(frozen=True, slots=True)
class BurnDown:
    """The chart of all looks. `series` is empty where there is only one time to show."""

    series: tuple[Series, ...]
    marks: tuple[Mark, ...]
    begins: datetime
    ends: datetime
    today: int
    most: int
    pace: DailyPace | None
    forecast: str
    looks: tuple[KeptLook, ...]
    changed: tuple[StateChange, ...]
    changes: int
    since: datetime | None


def burn_down(report: ReportData, counts: Counts, looks: Sequence[KeptLook]) -> BurnDown:
    """Put the looks on one scale, with today's figures at the end and a forecast at today's pace."""
    # Looks go by AWS's clock, this report perhaps by that of a machine which is slow.
    known, left = tuple(looks), counts.users - counts.under_mfa
    now = max([report.now, *(look.at for look in known)])
    pace = pace_of(known, left, now)
    begins = min((look.at for look in known), default=now)
    ahead = datetime.combine(pace.ends, now.timetz()) if pace and pace.ends and left else None
    ends = max(now, min(ahead, now + AHEAD)) if ahead else now
    scale = _scale(begins, ends)
    totals = [(look.at, look.unprotected) for look in known]
    keys = [(look.at, look.key_users) for look in known]
    most = max([left, 1, *(number for _, number in (*totals, *keys))])
    high: Callable[[float], int] = lambda number: 1000 - round(1000 * number / most)  # noqa: E731 - a scale
    forecast = ""
    if ahead and pace:
        still = max(0.0, left - pace.a_day * ((ends - now) / timedelta(days=1)))
        forecast = f"{scale(now)},{high(left)} {scale(ends)},{high(still)}"
    series = []
    for name, label, points in (
        ("waiting", "Users on whom MFA is not enforced", [*totals, (now, left)]),
        ("hold", "of them, with access keys used in the 30 days before", keys),
    ):
        if len(points) > 1:
            line = " ".join(f"{scale(at)},{high(number)}" for at, number in points)
            ahead_line = forecast if name == "waiting" else ""
            series.append(Series(name, label, line, points[-1][1], points[0][1], ahead_line))
    last = known[-1] if known else None
    return BurnDown(
        tuple(series) if begins < now else (),
        tuple(_wave_marks(report, begins, scale)),
        begins,
        ends,
        scale(now),
        most,
        pace,
        say_pace(pace, left),
        known,
        last.changed[:SHOWN] if last else (),
        last.changes if last else 0,
        last.before if last else None,
    )


def _scale(begins: datetime, ends: datetime) -> Callable[[datetime], int]:
    length = (ends - begins) / timedelta(seconds=1) or 1.0
    return lambda at: max(0, min(1000, round(1000 * ((at - begins) / timedelta(seconds=1)) / length)))


def _wave_marks(report: ReportData, begins: datetime, scale: Callable[[datetime], int]) -> list[Mark]:
    moments = [
        (at, f"{what} {wave.name}")
        for wave in report.waves
        for at, what in ((wave.notified_at, "notified:"), (wave.enforced_at, "enforced:"))
        if at is not None and at >= begins
    ]
    return [Mark(scale(at), f"{spelling.day(at)} {text}") for at, text in sorted(moments)]


@dataclass(frozen=True, slots=True)
class Gantt:
    """The ways of all waves on one scale."""

    bars: tuple[WaveBar, ...]
    begins: datetime
    ends: datetime
    today: int


def gantt(report: ReportData) -> Gantt:
    """Lay out the waves between the first and the last of their dates, today included."""
    now = report.now
    moments = [now]
    for wave in report.waves:
        moments += [at for at in (wave.notified_at, wave.due, wave.enforced_at) if at]
        moments += [decision.at for decision in wave.decisions]
    begins, ends = min(moments), max(moments)
    scale = _scale(begins, ends)
    return Gantt(tuple(_bar(wave, scale, now) for wave in report.waves), begins, ends, scale(now))


def _bar(wave: WaveProgress, scale: Callable[[datetime], int], now: datetime) -> WaveBar:
    def between(one: datetime | None, other: datetime | None) -> tuple[int, int] | None:
        return (scale(one), scale(other) - scale(one)) if one and other and one < other else None

    until = wave.enforced_at or now
    due = wave.due or until
    said = (
        ("notified", wave.notified_at),
        ("last date told", wave.due),
        ("enforced", wave.enforced_at),
    )
    text = ", ".join(f"{what} {spelling.day(at)}" for what, at in said if at) or "not begun"
    return WaveBar(
        wave,
        between(wave.notified_at, min(due, until)),
        between(until, due) if not wave.enforced_at else between(due, until),
        between(wave.enforced_at, now),
        tuple(Mark(scale(decision.at), decision.text) for decision in wave.decisions),
        f"Wave {wave.name}: {text}",
    )
