"""Finds where each user stands now: what the plan's look saw, moved on by what the journal did since."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from rollout.domain.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    RemoveMember,
    SetDefaultVersion,
    UserRef,
)
from rollout.domain.journal.records import AccountFailed, GateRead, Passed, Told
from rollout.domain.journal.replay import Done, Progress
from rollout.domain.notices import Delivery
from rollout.domain.plan import Entry, Header
from rollout.domain.stages import Stage
from rollout.domain.verdicts.verdict import Kind

# AWS names the first version of a policy v1; ours is the Allow half, the brake, and is never pruned (DESIGN §5).
_BRAKE = "v1"
# The enrolment policy only allows; hanging on a user it enforces nothing.
_ENROLMENT = "Enrolment"


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands with one user now, in one word, and what is waited for where something is."""

    enforced: bool
    enforced_by: str
    state: str
    waits_for: str = ""
    told: Told | None = None


@dataclass(slots=True)
class Since:
    """What the journal has changed since the plan's look."""

    placed: dict[str, str] = field(default_factory=dict)
    policy_of: dict[tuple[str, str], str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    braked: set[str] = field(default_factory=set)
    last: dict[str, Done] = field(default_factory=dict)

    def enforced_by(self, entry: Entry) -> str:
        """Name what puts the user under MFA now; empty when nothing does."""
        user = entry.user
        if user.account_id in self.braked or user.id in self.removed:
            return entry.covered_by  # others' policies stand, whatever we undo
        return self.placed.get(user.id) or entry.enforced_by


def user_of(change: Change) -> UserRef | None:
    """Name the user whom a change is about; None for changes of policies and groups."""
    match change:
        case (
            AddMember(user=user)
            | RemoveMember(user=user)
            | AttachToUser(user=user)
            | DetachFromUser(user=user)
        ):
            return user
        case _:
            return None


def is_rehearsal(done: Done) -> bool:
    """Tell whether a change was only noted."""
    return done.started.stage is Stage.DRY_RUN


def since_the_look(header: Header, progress: Progress) -> Since:
    """Follow the changes made after the plan's look; older ones the look has seen for itself."""
    since = Since()
    for done in progress.changes:
        if is_rehearsal(done):
            continue
        change = done.intent.change
        if isinstance(change, AttachToGroup):
            since.policy_of[change.account_id, change.group] = change.policy_arn.rsplit("/", 1)[-1]
        later = done.settled_at is None or done.settled_at >= header.inventory_at
        if not later and done.started.plan_id != header.id:
            continue
        user = user_of(done.intent.change)
        if user:
            since.last[user.id] = done
        if isinstance(done.outcome, Applied | AlreadyInPlace):
            _follow(done.intent.change, since)
    return since


def _follow(change: Change, since: Since) -> None:
    match change:
        case AddMember(account_id=account, group=group, user=user):
            policy = since.policy_of.get((account, group))
            since.placed[user.id] = f"{policy} (group {group})" if policy else f"group {group}"
            since.removed.discard(user.id)
        case AttachToUser(user=user, policy_arn=arn) if not arn.endswith(_ENROLMENT):
            since.placed[user.id] = f"{arn.rsplit('/', 1)[-1]} (attached to the user)"
            since.removed.discard(user.id)
        case RemoveMember(user=user):
            since.placed.pop(user.id, None)
            since.removed.add(user.id)
        case DetachFromUser(user=user, policy_arn=arn) if not arn.endswith(_ENROLMENT):
            since.placed.pop(user.id, None)
            since.removed.add(user.id)
        case SetDefaultVersion(account_id=account, version_id=version):
            (since.braked.add if version == _BRAKE else since.braked.discard)(account)
        case DetachFromGroup(account_id=account, policy_arn=arn) if not arn.endswith(_ENROLMENT):
            since.braked.add(account)
        case (
            AttachToGroup(account_id=account, policy_arn=arn)
            | CreateVersion(account_id=account, policy_arn=arn)
        ) if not arn.endswith(_ENROLMENT):
            since.braked.discard(account)
        case _:
            pass


_Event: TypeAlias = Told | Passed | AccountFailed


class Standings:
    """Answers for every user of one plan; made once a report."""

    def __init__(self, header: Header, progress: Progress, now: datetime) -> None:
        self._since = since_the_look(header, progress)
        self._progress = progress
        self._today = now.date()
        order = {run: number for number, run in enumerate(progress.runs)}
        self._order = order
        self._passed: dict[tuple[str, str], Passed] = {
            (passed.user.id, passed.wave): passed for passed in progress.passed
        }
        self._failed_accounts = {failure.account_id: failure for failure in progress.account_failures}
        self.gates = gates_that_wait(progress)

    def of(self, entry: Entry) -> Standing:
        """Say where one user stands."""
        by = self._since.enforced_by(entry)
        told = self._told(entry)
        if entry.verdict is not Kind.ENFORCE:
            return Standing(bool(by), by, self._left_alone(entry, by), told=told)
        if by:
            return Standing(enforced=True, enforced_by=by, state="enforced", told=told)
        state, waits_for = self._waiting(entry, told)
        return Standing(enforced=False, enforced_by="", state=state, waits_for=waits_for, told=told)

    def _told(self, entry: Entry) -> Told | None:
        """Find the last notice that counts: one of the user's wave; for others the last there was."""
        notices = self._progress.told.get(entry.user.id, [])
        if entry.verdict is Kind.ENFORCE:
            notices = [notice for notice in notices if notice.wave == entry.wave]
        return notices[-1] if notices else None

    def _left_alone(self, entry: Entry, by: str) -> str:
        if entry.verdict is Kind.COVERED:
            return "covered"
        if by:
            return "enforced"
        if entry.verdict is Kind.HOLD:
            return "held"
        over = entry.exempt_until is not None and entry.exempt_until < self._today
        return "exemption-over" if over else "exempt"

    def _waiting(self, entry: Entry, told: Told | None) -> tuple[str, str]:
        user = entry.user
        last = self._since.last.get(user.id)
        if last and last.outcome is None:
            return "unsettled", "the next run: one broke off in the middle of a change"
        if last and isinstance(last.outcome, Failed):
            return "failed", f"another try: {last.outcome.why}"
        if user.id in self._since.removed or user.account_id in self._since.braked:
            return "released", "the end of the release"
        newest = self._newest(
            told, self._passed.get((user.id, entry.wave)), self._failed_accounts.get(user.account_id)
        )
        match newest:
            case AccountFailed(reason=reason):
                return "failed", f"its account, which could not be entered: {reason}"
            case Passed(code=code, detail=detail):
                return f"skipped({code})", self._after_skip(code, detail, told)
            case Told():
                return ("undelivered" if newest.delivery is Delivery.FAILED else "told"), self._after(
                    entry, newest
                )
            case _:
                return "waiting", self._gate(
                    entry.wave
                ) or "its turn: a notice where one is due, then the policy"

    def _newest(self, *events: _Event | None) -> _Event | None:
        """Find what happened last. Of one run, the later argument: a skip says more than the notice before it."""
        there = [(self._order.get(event.run, -1), place) for place, event in enumerate(events) if event]
        return events[max(there)[1]] if there else None

    def _after_skip(self, code: str, detail: str, told: Told | None) -> str:
        if code == "notice" and told and told.due > self._today:
            return f"the date told: {told.due.isoformat()}"
        return f"{code}: {detail}" if detail else code

    def _after(self, entry: Entry, told: Told) -> str:
        if told.delivery is Delivery.FAILED:
            return f"a notice that arrives: {told.detail or 'the last one failed'}"
        if entry.impact and entry.impact.worse_than(told.impact):
            return f"a new notice: enforcement now means {entry.impact}, told was {told.impact}"
        if told.due > self._today:
            return f"the date told: {told.due.isoformat()}"
        if told.delivery is Delivery.QUEUED:
            return "proof that the notice was delivered"
        return self._gate(entry.wave) or "the next enforce run"

    def _gate(self, wave: str) -> str:
        blocked = self.gates.get(wave)
        return say_gate(blocked[0]) if blocked else ""


def say_gate(read: GateRead) -> str:
    """Say what a gate answered, with its numbers."""
    return f"gate {read.gate} ({read.result}): {read.detail}"


def gates_that_wait(progress: Progress) -> dict[str, tuple[GateRead, ...]]:
    """Find the gates of each wave whose last answer was no pass and that nobody has overridden since."""
    last: dict[tuple[str, str], GateRead] = {}
    for read in progress.gates:
        last[read.wave, read.gate] = read
    overridden = {(override.wave, override.gate): override.at for override in progress.overrides}
    found: defaultdict[str, list[GateRead]] = defaultdict(list)
    for read in last.values():
        let_through = overridden.get((read.wave, read.gate))
        if read.result != "pass" and (let_through is None or let_through < read.at):
            found[read.wave].append(read)
    return {wave: tuple(reads) for wave, reads in found.items()}


def told_in_wave(told: Told | None, wave: str) -> bool:
    """Tell whether a notice of this wave went out and did not fail."""
    return told is not None and told.wave == wave and told.delivery is not Delivery.FAILED


def days_left(until: date, today: date) -> int:
    """Count the days an exemption still covers, its last one included; 0 or less once it is over."""
    return (until - today).days + 1
