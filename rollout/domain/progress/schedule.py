"""Which day a person is told: not before the lead time, nor before the waves ahead have soaked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from rollout.domain.progress.replay import Progress
from rollout.domain.progress.stages import Stage


def due_dates(
    progress: Progress, order: Sequence[str], lead_time: timedelta, soak: timedelta, now: datetime
) -> dict[str, date]:
    """Foretell for every wave with users the first day on which it may be enforced, if notified now."""
    earliest = now + lead_time
    expected: dict[str, datetime] = {}
    opens = earliest
    for wave in order:
        opens = max(earliest, opens)
        expected[wave] = opens
        carried = progress.carried.get((Stage.ENFORCE, wave))
        disturbed = progress.releases.disturbed.get(wave)
        if carried is not None and disturbed is not None:
            carried = max(carried, disturbed)
        opens = (carried or max(opens, _latest_told(progress, wave) or opens)) + soak
    return {wave: moment.date() for wave, moment in expected.items()}


def _latest_told(progress: Progress, wave: str) -> datetime | None:
    dates = [notices[-1].due for notices in progress.told.values() if notices[-1].wave == wave]
    return datetime.combine(max(dates), time(), UTC) if dates else None
