"""Computes the day that a notice names: after the lead time, and after the waves ahead have soaked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from rollout.domain.progress.projection import Progress
from rollout.domain.progress.stages import Stage


def due_dates(
    progress: Progress, order: Sequence[str], lead_time: timedelta, soak: timedelta, now: datetime
) -> dict[str, date]:
    """Estimate, for every wave with users, the first day (UTC) on which it may be enforced if notified now."""
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
        days = (notice.due for notice in progress.notices.values() if notice.wave == wave)
        latest = (datetime.combine(due, time(), UTC) for due in days)
        opens = (carried or max([opens, *latest])) + soak
    return {wave: moment.date() for wave, moment in expected.items()}
