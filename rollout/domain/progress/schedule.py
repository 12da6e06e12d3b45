"""Computes the time that a notice names: when a day begins, after the lead time and the soak of the waves ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from rollout.domain.progress.projection import Progress
from rollout.domain.progress.stages import Stage

LAST_ZONE = timezone(-timedelta(hours=12))
"""Where a day begins last. Once it has begun there, it has begun wherever a reader may be."""


def beginning_of(day: date, zone: tzinfo | None = None) -> datetime:
    """Return when a day begins in a time zone, in UTC; without a zone, when it has begun everywhere: at 12:00 UTC."""
    return datetime.combine(day, time(), zone or LAST_ZONE).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The settings that decide which day a notice names: `gates.lead_time`, `gates.soak` and `notify.zone`."""

    lead_time: timedelta
    soak: timedelta
    zone: tzinfo | None = None

    def due(self, progress: Progress, order: Sequence[str], now: datetime) -> dict[str, datetime]:
        """Estimate, for every wave with users, the time before which it is not enforced if it is notified now.

        It is the beginning of the first day on which the wave may be enforced.
        """
        earliest = now + self.lead_time
        expected: dict[str, datetime] = {}
        opens = earliest
        for wave in order:
            opens = max(earliest, opens)
            expected[wave] = opens
            carried = progress.carried.get((Stage.ENFORCE, wave))
            disturbed = progress.releases.disturbed.get(wave)
            if carried is not None and disturbed is not None:
                carried = max(carried, disturbed)
            latest = (notice.due for notice in progress.notices.values() if notice.wave == wave)
            opens = (carried or max([opens, *latest])) + self.soak
        zone = self.zone
        return {
            wave: beginning_of(moment.astimezone(zone or UTC).date(), zone)
            for wave, moment in expected.items()
        }
