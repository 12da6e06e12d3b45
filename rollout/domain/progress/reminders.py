"""Decides when a person is reminded of the time told: once for each mark before it, and never of another time.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from rollout.domain.progress.progress import Progress
from rollout.domain.progress.records import Reminded, Told


def mark_due(
    notice: Told, marks: Iterable[timedelta], reminded: Iterable[Reminded], now: datetime
) -> timedelta | None:
    """Find the mark (a time before the one told) for which a reminder is due; None if none is.

    - A mark that had passed when the notice was sent needs no reminder.
    - If several marks have passed since then, one reminder is enough.
    - A reminder that could not be sent is sent again.
    """
    if now >= notice.due:
        return None
    reached = [mark for mark in marks if notice.at < notice.due - mark <= now]
    if not reached:
        return None
    nearest = min(reached)
    sent = any(
        reminder.due == notice.due
        and reminder.at >= notice.at
        and reminder.mark <= nearest
        and not reminder.delivery.failed
        for reminder in reminded
    )
    return None if sent else nearest


_LATELY = timedelta(days=2)


def enforced_lately(progress: Progress, user_id: str, now: datetime) -> bool:
    """Tell whether a run has enforced a user in the last two days, and nothing says that the user was told so."""
    placed = progress.placed.get(user_id)
    if placed is None or now - placed.at > _LATELY:
        return False
    return not any(
        not one.mark and one.at >= placed.at and not one.delivery.failed
        for one in progress.reminded.get(user_id, ())
    )
