"""May this user move? Only when told, in time, of nothing milder than what will happen (design.md#stages-and-gates)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.users import Named
from rollout.domain.policy.changes import (
    SkipCode,
    Skipped,
)
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Told
from rollout.domain.progress.replay import Progress
from rollout.domain.verdicts.verdict import Impact

GOES_STALE_AFTER = timedelta(days=14)


class Readiness(Protocol):
    """The rule that says whether a user may be enforced now."""

    def holds_back(
        self, user_id: str, impact: Impact, progress: Progress, now: datetime, since: datetime | None = None
    ) -> Skipped | None:
        """Say why the user waits; None when ready. A notice from before `since` does not count."""


@dataclass(frozen=True, slots=True)
class Notified:
    """The real rule: a delivered notice, and the later of `lead_time` and the date told has passed."""

    lead_time: timedelta
    unaffected_too: bool = False

    def holds_back(
        self, user_id: str, impact: Impact, progress: Progress, now: datetime, since: datetime | None = None
    ) -> Skipped | None:
        """Say why the user waits; None when ready."""
        if not needs_notice(impact, unaffected_too=self.unaffected_too):
            return None
        told = progress.last_told(user_id)
        if told is None:
            return Skipped(SkipCode.NOTICE, "not told yet: apply --stage notify first")
        why_void = void(told, impact, now, since)
        if why_void:
            return Skipped(SkipCode.NOTICE, f"{why_void}: apply --stage notify again")
        if not told.delivered:
            return Skipped(SkipCode.NOTICE, f"the notice is {told.delivery}, not delivered")
        opens = opens_at(told, self.lead_time)
        if now < opens:
            return Skipped(
                SkipCode.WAITING, f"told for {told.due.isoformat()}; ready from {opens:%Y-%m-%d %H:%M} UTC"
            )
        return None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The rule of a rehearsal: everybody is taken to be told and the time to have passed."""

    def holds_back(
        self, user_id: str, impact: Impact, progress: Progress, now: datetime, since: datetime | None = None
    ) -> Skipped | None:
        """Never hold anybody back."""
        return None


def needs_notice(impact: Impact, *, unaffected_too: bool) -> bool:
    """Tell whether the person must be told before enforcement (`gates.notice_for_unaffected`)."""
    return unaffected_too or impact is not Impact.NONE


def opens_at(told: Told, lead_time: timedelta) -> datetime:
    """Find the moment from which a told user may be enforced."""
    return max(told.at + lead_time, datetime.combine(told.due, time(), UTC))


def free_until(
    user: Named, exemptions: tuple[Exemption, ...], progress: Progress, now: datetime
) -> datetime | None:
    """Find the last moment at which the user was let out or exempt; None when never.

    What was told before then is used up: who comes back gets a fresh notice, never a silent enforcement
    (design.md#verdicts).
    """
    today = now.astimezone(UTC).date()
    ends = [
        datetime.combine(line.expires + timedelta(days=1), time(), UTC)
        for line in exemptions
        if line.match.matches(user) and not line.lives(today)
    ]
    seen = progress.let_out.get(user.id)
    return max([*ends, *([seen] if seen else [])], default=None)


def comes_back(user_id: str, impact: Impact, progress: Progress) -> bool:
    """Tell whether a user comes back from a release, to nothing worse than what they were told before.

    A release with an end is no exemption: who was told and enforced before it is enforced after it.
    """
    return user_id in progress.releases.returning and told_enough(user_id, impact, progress)


def told_enough(user_id: str, impact: Impact, progress: Progress) -> bool:
    """Tell whether nothing worse happens to a user than what they were told before, however long ago."""
    told = progress.last_told(user_id)
    return impact is Impact.NONE or (told is not None and not impact.worse_than(told.impact))


def void(told: Told, impact: Impact, now: datetime, since: datetime | None = None) -> str:
    """Say why a notice no longer counts; empty when it does. `since`: before then it was for something else."""
    if told.delivery is Delivery.FAILED:
        return "the notice could not be sent"
    if since is not None and told.at < since:
        return "told before having been let out or exempt"
    if impact.worse_than(told.impact):
        return f'told about "{told.impact}", but now it is "{impact}"'
    if now > datetime.combine(told.due, time(), UTC) + GOES_STALE_AFTER:
        return f"the date told, {told.due.isoformat()}, is more than 14 days past"
    return ""
