"""Spells times, always in UTC, and numbers, for machines and for people."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from rollout.counted import number_of


def stamp(moment: datetime) -> str:
    """Spell a time for machines: `2026-11-24T09:00:00Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def minute(moment: datetime | None) -> str:
    """Spell a time for people: `2026-11-24 09:00 UTC`; a dash for none."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else "–"


def day(moment: date | datetime | None) -> str:
    """Spell a day: `2026-11-24`; a dash for none."""
    if moment is None:
        return "–"
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC).date()
    return moment.isoformat()


def span(length: timedelta) -> str:
    """Spell a length of time roughly, never rounded up: `3 days`, `5 hours`, `less than a minute`."""
    seconds = int(length.total_seconds())
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return number_of(seconds // size, name)
    return "less than a minute"
