"""Decides whether a user is ready: notified in time, of nothing milder than comes (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from rollout.domain.gates.left_alone import left_alone_until
from rollout.domain.people.addresses import normalised_address
from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.users import Named
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.policy.changes import SkipCode, Skipped
from rollout.domain.progress.messages import Delivery, NoticeWorth
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Told
from rollout.domain.verdicts.rules import DecisionRules
from rollout.domain.verdicts.verdict import Impact

GOES_STALE_AFTER = timedelta(days=14)
_FAILURES = {
    Delivery.REFUSED: "the notice could not be sent",
    Delivery.BOUNCED: "the notice came back",
    Delivery.COMPLAINED: "the person reported the notice as unwanted",
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a notice must have reached, and of what: a user as they are now.

    `address` is where notices about the user go. Notices sent until `left_alone_until` do not count.
    """

    user_id: str
    impact: Impact
    address: str
    left_alone_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlannedUser:
    """A user of a plan, as exemptions match them: by ARN, UserId and tags."""

    arn: str
    id: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, entry: PlanEntry) -> Self:
        """Take them out of the plan."""
        return cls(entry.user.arn, entry.user.id, entry.facts.tags)


@dataclass(frozen=True, slots=True)
class Notified:
    """The rule of a real run: a notice was delivered, its date has come, and `lead_time` has passed since it was sent.

    `unaffected_too` is `gates.notice_for_unaffected`.
    """

    lead_time: timedelta
    unaffected_too: bool = False
    exemptions: tuple[Exemption, ...] = ()

    @classmethod
    def by(cls, rules: DecisionRules) -> Self:
        """Take the rule out of what decides."""
        return cls(rules.lead_time, rules.notice_for_unaffected, rules.exemptions)

    def recipient(
        self, user: Named, impact: Impact | None, address: str, progress: Progress, now: datetime
    ) -> Recipient:
        """Describe a user as a notice must have found them. Without an impact, nothing happens to them."""
        until = left_alone_until(user, self.exemptions, progress, now)
        return Recipient(user.id, impact or Impact.NONE, address, until)

    def planned_recipient(
        self, entry: PlanEntry, seen_at: datetime, progress: Progress, now: datetime
    ) -> Recipient:
        """Describe a user of a plan whose inventory is of `seen_at`; a notice sent after that has the newer address."""
        notice = progress.latest_notice(entry.user.id)
        address = notice.address if notice and notice.at >= seen_at else entry.address
        return self.recipient(PlannedUser.of(entry), entry.impact, address, progress, now)

    def needs_notice(self, impact: Impact) -> bool:
        """Tell whether a user with this impact gets a notice before enforcement."""
        return needs_notice(impact, unaffected_too=self.unaffected_too)

    def opens_at(self, notice: Told) -> datetime:
        """Give the moment from which a user with this notice may be enforced."""
        return max(notice.at + self.lead_time, notice.due)

    def holds_back(self, who: Recipient, progress: Progress, now: datetime) -> Skipped | None:
        """Say why the user has to wait; None if ready."""
        if not self.needs_notice(who.impact):
            return None
        notice = progress.latest_notice(who.user_id)
        if notice is None:
            return Skipped(SkipCode.NOTICE, "not told yet: apply --stage notify first")
        worth, why = worth_of(notice, who, now)
        return self._not_ready(notice, worth, why, now)

    def keeps_out(self, who: Recipient, progress: Progress, now: datetime) -> Skipped | None:
        """Say why a user who was under the policy before may not be put back; None if they may.

        They need no new notice for nothing worse than they were told of, however long ago. A notice that they got while
        they were released is one like any other.
        """
        if who.impact is Impact.NONE:
            return None
        notice, released = progress.latest_notice(who.user_id), progress.releases.to_return.get(who.user_id)
        if notice is None:
            return Skipped(
                SkipCode.NOTICE, f'was never told about "{who.impact}": apply --stage notify first'
            )
        if released is not None and notice.at > released.at:
            return self._not_ready(notice, *worth_of(notice, who, now), now)
        return self._not_ready(notice, *_lasting_worth_of(notice, who), now)

    def comes_back(self, who: Recipient, progress: Progress, now: datetime) -> bool:
        """Tell whether a user comes back from a release, and needs no new notice.

        A release with an end is no exemption: a user who was enforced before it is enforced again after it.
        """
        returns = who.user_id in progress.releases.to_return
        return returns and self.keeps_out(who, progress, now) is None

    def _not_ready(self, notice: Told, worth: NoticeWorth, why: str, now: datetime) -> Skipped | None:
        if worth is NoticeWorth.VOID:
            return Skipped(SkipCode.NOTICE, f"{why}: apply --stage notify again")
        if worth is NoticeWorth.UNPROVEN:
            return Skipped(SkipCode.NOTICE, f"the notice is {why}")
        opens = self.opens_at(notice)
        if now < opens:
            later = f"; ready from {_minute(opens)}" if opens > notice.due else ""
            why = f"told for {_minute(notice.due)}{later}"
            return Skipped(SkipCode.WAITING, why)
        return None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The rule of a rehearsal: it assumes that everybody was told and that the time has passed."""

    def holds_back(self, who: Recipient, progress: Progress, now: datetime) -> Skipped | None:
        """Never hold anybody back."""
        return None

    def keeps_out(self, who: Recipient, progress: Progress, now: datetime) -> Skipped | None:
        """Never keep anybody out."""
        return None

    def comes_back(self, who: Recipient, progress: Progress, now: datetime) -> bool:
        """Let everybody come back."""
        return True


Readiness = Notified | Rehearsed


def needs_notice(impact: Impact, *, unaffected_too: bool) -> bool:
    """Tell whether a user with this impact gets a notice before enforcement (`gates.notice_for_unaffected`)."""
    return unaffected_too or impact is not Impact.NONE


def worth_of(notice: Told, who: Recipient, now: datetime) -> tuple[NoticeWorth, str]:
    """Say what the latest notice of a user to be enforced is worth (`void`, `unproven` or `counts`), and why.

    The reason is empty where the notice counts.
    """
    worth, why = _lasting_worth_of(notice, who)
    if worth is NoticeWorth.VOID:
        return worth, why
    if now > notice.due + GOES_STALE_AFTER:
        return NoticeWorth.VOID, f"the date told, {_minute(notice.due)}, is more than 14 days past"
    return worth, why


def _lasting_worth_of(notice: Told, who: Recipient) -> tuple[NoticeWorth, str]:
    """Say what a notice is worth, however old it is."""
    if notice.delivery.failed:
        return NoticeWorth.VOID, _FAILURES[notice.delivery]
    if who.left_alone_until is not None and notice.at <= who.left_alone_until:
        return NoticeWorth.VOID, "told before having been let out or exempt"
    if normalised_address(notice.address) != normalised_address(who.address):
        return NoticeWorth.VOID, f"told at {notice.address}, but the address is {who.address} now"
    if who.impact.worse_than(notice.impact):
        return NoticeWorth.VOID, f'told about "{notice.impact}", but now it is "{who.impact}"'
    if not notice.delivered:
        return NoticeWorth.UNPROVEN, f"{notice.delivery}, not known to be delivered"
    return NoticeWorth.COUNTS, ""


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
