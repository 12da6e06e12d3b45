"""Decides whether a user is ready: notified in time, of nothing milder than comes (design.md#stages-and-gates)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.users import Named
from rollout.domain.policy.changes import SkipCode, Skipped
from rollout.domain.progress.messages import Delivery, NoticeWorth
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Told
from rollout.domain.verdicts.verdict import Impact

GOES_STALE_AFTER = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Notified:
    """The rule of a real run: a notice was delivered, its date has come, and `lead_time` has passed since it was sent.

    `unaffected_too` is `gates.notice_for_unaffected`.
    """

    lead_time: timedelta
    unaffected_too: bool = False

    def holds_back(
        self, user_id: str, impact: Impact, progress: Progress, now: datetime, since: datetime | None = None
    ) -> Skipped | None:
        """Say why the user has to wait; None if ready. A notice from before `since` does not count."""
        if not needs_notice(impact, unaffected_too=self.unaffected_too):
            return None
        notice = progress.latest_notice(user_id)
        if notice is None:
            return Skipped(SkipCode.NOTICE, "not told yet: apply --stage notify first")
        worth, why = worth_of(notice, impact, now, since)
        if worth is NoticeWorth.VOID:
            return Skipped(SkipCode.NOTICE, f"{why}: apply --stage notify again")
        if worth is NoticeWorth.UNPROVEN:
            return Skipped(SkipCode.NOTICE, f"the notice is {why}")
        opens = opens_at(notice, self.lead_time)
        if now < opens:
            why = f"told for {notice.due.isoformat()}; ready from {opens:%Y-%m-%d %H:%M} UTC"
            return Skipped(SkipCode.WAITING, why)
        return None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The rule of a rehearsal: it assumes that everybody was told and that the time has passed."""

    def holds_back(
        self, user_id: str, impact: Impact, progress: Progress, now: datetime, since: datetime | None = None
    ) -> Skipped | None:
        """Never hold anybody back."""
        return None


Readiness = Notified | Rehearsed


def needs_notice(impact: Impact, *, unaffected_too: bool) -> bool:
    """Tell whether a user with this impact gets a notice before enforcement (`gates.notice_for_unaffected`)."""
    return unaffected_too or impact is not Impact.NONE


def opens_at(notice: Told, lead_time: timedelta) -> datetime:
    """Give the moment from which a user with this notice may be enforced."""
    return max(notice.at + lead_time, datetime.combine(notice.due, time(), UTC))


def free_until(
    user: Named, exemptions: tuple[Exemption, ...], progress: Progress, now: datetime
) -> datetime | None:
    """Give the last moment at which the user was taken out for good or exempt; None if that never happened.

    Notices from before then are used up: the user gets a new one, and is never enforced without it
    (design.md#verdicts).
    """
    today = now.astimezone(UTC).date()
    ends = [
        datetime.combine(line.expires + timedelta(days=1), time(), UTC)
        for line in exemptions
        if line.match.matches(user) and not line.lives(today)
    ]
    if taken_out := progress.taken_out_at.get(user.id):
        ends.append(taken_out)
    return max(ends, default=None)


def comes_back(user_id: str, impact: Impact, progress: Progress) -> bool:
    """Tell whether a user comes back from a release, and their latest notice covers what happens to them.

    A release with an end is no exemption: a user who was enforced before it is enforced again after it.
    """
    return user_id in progress.releases.to_return and notice_covers(user_id, impact, progress)


def notice_covers(user_id: str, impact: Impact, progress: Progress) -> bool:
    """Tell whether nothing worse happens to a user than their latest notice says, however old it is."""
    notice = progress.latest_notice(user_id)
    return impact is Impact.NONE or (notice is not None and not impact.worse_than(notice.impact))


def worth_of(
    notice: Told, impact: Impact, now: datetime, since: datetime | None = None
) -> tuple[NoticeWorth, str]:
    """Say what the latest notice of a user to be enforced is worth (`void`, `unproven` or `counts`), and why.

    A notice from before `since` was about an earlier enforcement. The reason is empty where the notice counts.
    """
    if notice.delivery is Delivery.FAILED:
        return NoticeWorth.VOID, "the notice could not be sent"
    if since is not None and notice.at < since:
        return NoticeWorth.VOID, "told before having been let out or exempt"
    if impact.worse_than(notice.impact):
        return NoticeWorth.VOID, f'told about "{notice.impact}", but now it is "{impact}"'
    if now > datetime.combine(notice.due, time(), UTC) + GOES_STALE_AFTER:
        return NoticeWorth.VOID, f"the date told, {notice.due.isoformat()}, is more than 14 days past"
    if not notice.delivered:
        return NoticeWorth.UNPROVEN, f"{notice.delivery}, not known to be delivered"
    return NoticeWorth.COUNTS, ""
