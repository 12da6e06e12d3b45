"""When a person is reminded of the day told: once for each mark before it, and never of another day.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Reminded, Told


def mark_due(
    told: Told, marks: Iterable[timedelta], reminded: Iterable[Reminded], now: datetime
) -> timedelta | None:
    """Find the mark (so long before the day told) that a reminder is due for; None when none is.

    - A mark that had passed when the notice went out asks for nothing: the notice was the reminder.
    - Where several have passed since, one reminder stands for all of them.
    - A reminder that could not be sent is tried again.
    """
    day = datetime.combine(told.due, time(), UTC)
    if now >= day:
        return None
    passed = [mark for mark in marks if told.at < day - mark <= now]
    if not passed:
        return None
    nearest = min(passed)
    sent = any(
        one.due == told.due
        and one.at >= told.at
        and one.mark <= nearest
        and one.delivery is not Delivery.FAILED
        for one in reminded
    )
    return None if sent else nearest
