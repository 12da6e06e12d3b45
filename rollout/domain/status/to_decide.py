"""Lists what waits for a person: holds, exemptions, notices, drift and accounts, each with what exactly ends it."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self

from rollout.domain.gates.readiness import PlannedUser
from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.users import tag
from rollout.domain.plan.entries import Header, LeftOut, PlanEntry
from rollout.domain.progress.records import Enforcement
from rollout.domain.status.state_codes import UserState
from rollout.domain.status.user_status import UserStatus
from rollout.domain.verdicts.verdict import Code, Kind

EXEMPT_FOR = timedelta(days=90)
"""How long a suggested exemption lasts."""
ENDS_SOON = timedelta(days=30)
PLAN_AGAIN = "rollout plan"
UNREACHABLE = "unreachable"
KEPT = 200
"""Decisions kept of each reason."""


class Matter(StrEnum):
    """A kind of decision, most urgent first: its heading, and what the list says."""

    heading: str
    meaning: str

    def __new__(cls, name: str, heading: str = "", meaning: str = "") -> Self:
        """Make a member from its row. The defaults only let `Matter("drift")` pass the type checker."""
        matter = str.__new__(cls, name)
        matter._value_ = name
        matter.heading, matter.meaning = heading, meaning
        return matter

    DRIFT = (
        "drift",
        "Drift and failures",
        "Where AWS or the last run differs from the plan, as far as the journal knows. rollout verify looks again.",
    )
    EXEMPTION = (
        "exemption",
        "Exemptions that end",
        "Exemptions that are over, or end within 30 days. After that, the next plan treats the user like any other.",
    )
    NOTICE = "notice", "Undelivered notices", "Nobody is enforced before a notice has arrived."
    HOLD = "hold", "Holds", "Nobody of these is enforced until somebody does what ends the hold."
    ACCOUNT = "account", "Accounts not entered", "Nothing is known about their users."


@dataclass(frozen=True, slots=True)
class WayOut:
    """What ends it: a command to run, or lines of rollout.yaml for a pull request.

    `entry` belongs below the lines `under`, such as `exemptions:`. One of `command` and `entry` may be empty; both are
    where nothing but time, or the person themselves, ends it.
    """

    command: str = ""
    under: str = ""
    entry: str = ""

    @property
    def edit(self) -> str:
        """The lines of rollout.yaml as a whole."""
        return f"{self.under}\n{self.entry}" if self.entry else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing to decide. `reason` is its code, `who` the name of a user or an account, `text` the facts and the cure.

    `owner` is whom to ask, by tag, exemption or address; empty if nobody is known. `since`: when it began, None where
    only the plan's time is known. `ends`: the last day of an exemption.
    """

    matter: Matter
    reason: str
    who: str
    account_id: str
    account_name: str
    way_out: WayOut
    text: str = ""
    arn: str = ""
    user_id: str = ""
    owner: str = ""
    since: datetime | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class DecisionList:
    """The decisions of one matter, by reason (the most frequent first); `total` counts also those that are not kept."""

    matter: Matter
    reasons: tuple[tuple[str, int], ...]
    decisions: tuple[Decision, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(number for _, number in self.reasons)


class DecisionLists:
    """Gathers decisions. Of each reason it counts all and keeps the first, so that a million holds take no memory."""

    def __init__(self) -> None:
        """Have none yet."""
        self._counts: Counter[tuple[Matter, str]] = Counter()
        self._kept: dict[tuple[Matter, str], list[Decision]] = {}

    def take(self, decisions: Iterable[Decision]) -> None:
        """Take in more of them."""
        for one in decisions:
            key = one.matter, one.reason
            self._counts[key] += 1
            if self._counts[key] <= KEPT:
                self._kept.setdefault(key, []).append(one)

    def lists(self) -> tuple[DecisionList, ...]:
        """Give a list for each matter about which something is to be decided, the most urgent first."""
        found = []
        for matter in Matter:
            counts = {reason: number for (about, reason), number in self._counts.items() if about is matter}
            reasons = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            kept = [one for reason, _ in reasons for one in self._kept[matter, reason]]
            if matter is Matter.EXEMPTION:
                kept.sort(key=lambda one: (one.ends or date.max, one.arn))
            if kept:
                found.append(DecisionList(matter, tuple(reasons), tuple(kept)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ToDecide:
    """By what decisions are found: the header of the plan, exemptions, and since when users stand as they do."""

    header: Header
    exemptions: tuple[Exemption, ...]
    now: datetime
    since: Mapping[str, datetime]

    def about(
        self, account_id: str, account_name: str, members: Iterable[tuple[PlanEntry, UserStatus]]
    ) -> Iterator[Decision]:
        """Yield what is to be decided about the users of one account."""
        for entry, status in members:
            found = self._of_user(entry, status)
            if found is None:
                continue
            matter, reason, text, way_out = found
            yield Decision(
                matter,
                reason,
                entry.user.name,
                account_id,
                account_name,
                way_out,
                text,
                entry.user.arn,
                entry.user.id,
                self._owner(entry),
                self.since.get(entry.user.id),
                entry.exempt_until if matter is Matter.EXEMPTION else None,
            )

    def not_entered(self) -> Iterator[Decision]:
        """Yield the accounts that could not be entered."""
        for left in self.header.left_out:
            if left.state == UNREACHABLE:
                text = f"{left.reason}; {left.cure}" if left.cure else left.reason
                yield Decision(
                    Matter.ACCOUNT, left.state, left.name, left.account_id, left.name, _of_account(left), text
                )

    def _of_user(self, entry: PlanEntry, status: UserStatus) -> tuple[Matter, str, str, WayOut] | None:
        arn = entry.user.arn
        if way_out := _drift(status, arn):
            what = "deadlocked" if status.deadlocked else status.state_code
            return Matter.DRIFT, what, status.waits_for, way_out
        if entry.verdict is Kind.EXEMPT:
            return self._exemption(entry)
        if status.state is UserState.UNDELIVERED:
            notice = status.notice
            text = f"{notice.address or 'no address'}: {notice.detail or 'not delivered'}" if notice else ""
            who = f"--wave {shlex.quote(entry.wave)} --user {shlex.quote(arn)}"
            return Matter.NOTICE, str(status.state), text, WayOut(f"rollout apply --stage notify {who}")
        if entry.verdict is Kind.HOLD and entry.reasons:
            first = next((one for one in entry.reasons if one.code.leads_to is Kind.HOLD), entry.reasons[0])
            if first.code is Code.BREAK_GLASS:  # meant to last
                return None
            return (
                Matter.HOLD,
                str(first.code),
                first.detail or first.code.meaning,
                self._of_hold(first.code, entry),
            )
        return None

    def _exemption(self, entry: PlanEntry) -> tuple[Matter, str, str, WayOut] | None:
        until, today = entry.exempt_until, self.now.date()
        if until is None or until > today + ENDS_SOON:
            return None
        text = "; ".join(reason.detail for reason in entry.reasons if reason.code is Code.EXEMPTION)
        over = until < today
        way_out = WayOut(PLAN_AGAIN) if over else self._exempted(entry, text or "…")
        return Matter.EXEMPTION, "over" if over else "ends", text, way_out

    def _of_hold(self, code: Code, entry: PlanEntry) -> WayOut:
        arn = entry.user.arn
        match code:
            case Code.MACHINE:
                return self._exempted(entry, "a machine, until it takes a role")
            case Code.NO_CREDENTIALS:
                return WayOut("", "rules:", "  no_credentials: enforce")
            case Code.CONSOLE_AUTHORIZATION:
                return WayOut("", "rules:", "  console_authorization: proved")
            case Code.UNREACHED:
                return WayOut("rollout notices --unreached people.csv")
            case Code.FIRST_SIGN_IN:
                return WayOut(PLAN_AGAIN)
            case _:
                return WayOut(f"rollout show --evidence --user {shlex.quote(arn)}")

    def _exempted(self, entry: PlanEntry, reason: str) -> WayOut:
        """Suggest an exemption; what is between double quotes is YAML and JSON alike."""
        until = self.now.date() + EXEMPT_FOR
        owner = self._owner(entry) or "OWNER"
        lines = (
            f"  - user: {_quoted(entry.user.arn)}",
            f"    owner: {_quoted(owner)}",
            f"    reason: {_quoted(reason.partition('; owner ')[0])}",
            f"    expires: {until.isoformat()}",
        )
        return WayOut("", "exemptions:", "\n".join(lines))

    def _owner(self, entry: PlanEntry) -> str:
        """Whom to ask: the owner of the exemption, the tag `owner`, the manager, or the person."""
        user = PlannedUser.of(entry)
        exempted = next((one.owner for one in self.exemptions if one.match.matches(user)), "")
        return exempted or tag(user, "owner") or entry.addressee.manager or entry.address


def _drift(status: UserStatus, arn: str) -> WayOut | None:
    who = shlex.quote(arn)
    if status.deadlocked:
        return WayOut(f"rollout release --user {who} --reason deadlock")
    if status.state is UserState.DRIFTED:
        return WayOut("rollout verify --fix")
    if status.enforcement is Enforcement.TAKEN_OUT and status.state is UserState.RELEASED:
        return WayOut(f"rollout release --user {who} --end")
    if status.state in (UserState.FAILED, UserState.UNSETTLED):
        stage = "notify" if status.notice is None and not status.enforced_in else "enforce"
        return WayOut(f"rollout apply --stage {stage} --user {who}")
    return None


def _of_account(left: LeftOut) -> WayOut:
    return WayOut(f"rollout doctor --account {shlex.quote(left.account_id)}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
