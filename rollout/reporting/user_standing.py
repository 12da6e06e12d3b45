"""Finds where each user stands now: what the plan's look saw, moved on by what the journal did since."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from rollout.domain.gates import Result, gate_named, override_in_force
from rollout.domain.gates.readiness import void
from rollout.domain.plan.entries import Entry, Header
from rollout.domain.policy.changes import (
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
    SkipCode,
    UserRef,
)
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import AccountFailed, GateRead, RunStarted, Told, UserSkipped
from rollout.domain.progress.releases import RELEASE
from rollout.domain.progress.replay import Done, Progress
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Impact, Kind

# AWS names the first version of a policy v1; ours is the Allow half, the brake, and is never pruned
# (design.md#policy-documents).
_BRAKE = "v1"
# The enrolment policy and its group only allow: whoever has them is not enforced by that.
_ENROLMENT = "Enrolment"
# An enforce run says these only of users whom it did not find under the policy.
_NOT_THERE = frozenset({SkipCode.FAILED, SkipCode.GONE, SkipCode.NOTICE, SkipCode.RELEASED, SkipCode.WAITING})


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands with one user now, in one word, and what is waited for where something is."""

    enforced: bool
    enforced_by: str
    state: str
    waits_for: str = ""
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where this tool put a user, and in which run, counted from the first."""

    by: str
    run: int


@dataclass(slots=True)
class Since:
    """What the journal knows that the plan's look could not yet see."""

    placed: dict[str, _Place] = field(default_factory=dict)
    policy_of: dict[tuple[str, str], str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    braked: set[str] = field(default_factory=set)
    not_there: dict[str, int] = field(default_factory=dict)
    last: dict[str, Done] = field(default_factory=dict)

    def enforced_by(self, entry: Entry) -> str:
        """Name what puts the user under MFA now; empty when nothing does."""
        user, place = entry.user, self.placed.get(entry.user.id)
        missed = self.not_there.get(user.id, -1) >= (place.run if place else 0)
        if missed or user.account_id in self.braked or user.id in self.removed:
            return entry.covered_by  # others' policies stand, whatever becomes of ours
        return place.by if place else entry.enforced_by


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
    """Follow what was done and found after the plan's look; what is older, the look has seen for itself."""
    since = Since()
    order = {run: number for number, run in enumerate(progress.runs)}
    for done in progress.changes:
        if is_rehearsal(done):
            continue
        change = done.intent.change
        if isinstance(change, AttachToGroup):
            since.policy_of[change.account_id, change.group] = _name_of(change.policy_arn)
        if not _is_later(done.started, done.settled_at, header):
            continue
        user = user_of(change)
        if user:
            since.last[user.id] = done
        if isinstance(done.outcome, Applied | AlreadyInPlace) and not is_about_enrolment(change):
            _follow(change, order[done.started.run], since, lets_out=done.started.command == RELEASE)
    for passed in progress.passed:
        started = progress.runs[passed.run]
        says_so = started.stage is Stage.ENFORCE and passed.code in _NOT_THERE
        if says_so and _is_later(started, passed.at, header):
            since.not_there[passed.user.id] = order[passed.run]
    return since


def _is_later(started: RunStarted, at: datetime | None, header: Header) -> bool:
    return at is None or at >= header.inventory_at or started.plan_id == header.id


def _name_of(policy_arn: str) -> str:
    return policy_arn.rsplit("/", 1)[-1]


def is_about_enrolment(change: Change) -> bool:
    """Tell whether a change is about the policy or group that only lets people enrol."""
    names = (getattr(change, "policy_arn", ""), getattr(change, "group", ""))
    return any(name.endswith(_ENROLMENT) for name in names)


def _follow(change: Change, run: int, since: Since, *, lets_out: bool) -> None:
    match change:
        case SetDefaultVersion(account_id=account) | CreateVersion(account_id=account) if lets_out:
            since.braked.add(account)
        case AddMember(account_id=account, group=group, user=user):
            policy = since.policy_of.get((account, group))
            since.placed[user.id] = _Place(f"{policy} (group {group})" if policy else f"group {group}", run)
            since.removed.discard(user.id)
        case AttachToUser(user=user, policy_arn=arn):
            since.placed[user.id] = _Place(f"{_name_of(arn)} (attached to the user)", run)
            since.removed.discard(user.id)
        case RemoveMember(user=user) | DetachFromUser(user=user):
            since.placed.pop(user.id, None)
            since.removed.add(user.id)
        case SetDefaultVersion(account_id=account, version_id=version):
            (since.braked.add if version == _BRAKE else since.braked.discard)(account)
        case DetachFromGroup(account_id=account):
            since.braked.add(account)
        case AttachToGroup(account_id=account) | CreateVersion(account_id=account):
            since.braked.discard(account)
        case _:
            pass


_Event: TypeAlias = Told | UserSkipped | AccountFailed


class Standings:
    """Answers for every user of one plan; made once a report."""

    def __init__(self, header: Header, progress: Progress, now: datetime) -> None:
        self._since = since_the_look(header, progress)
        self._progress = progress
        self._now = now
        self._order = {run: number for number, run in enumerate(progress.runs)}
        self._passed = {passed.user.id: passed for passed in progress.passed if not self._noted(passed.run)}
        self._failed_accounts = {
            failure.account_id: failure
            for failure in progress.account_failures
            if not self._noted(failure.run)
        }
        self.gates = gates_that_wait(progress, header)

    def _noted(self, run: str) -> bool:
        return self._progress.runs[run].stage is Stage.DRY_RUN

    def of(self, entry: Entry) -> Standing:
        """Say where one user stands."""
        by = self._since.enforced_by(entry)
        told = self._progress.last_told(entry.user.id)
        if entry.verdict is not Kind.ENFORCE:
            return Standing(bool(by), by, self._left_alone(entry, by), told=told)
        if by:
            return Standing(enforced=True, enforced_by=by, state="enforced", told=told)
        state, waits_for = self._waiting(entry, told)
        return Standing(enforced=False, enforced_by="", state=state, waits_for=waits_for, told=told)

    def _left_alone(self, entry: Entry, by: str) -> str:
        if entry.verdict is Kind.COVERED:
            return "covered"
        if by:
            return "enforced"
        if entry.verdict is Kind.HOLD:
            return "held"
        over = entry.exempt_until is not None and entry.exempt_until < self._now.date()
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
        match self._newest(told, self._passed.get(user.id), self._failed_accounts.get(user.account_id)):
            case AccountFailed(reason=reason):
                return "failed", f"its account, which could not be entered: {reason}"
            case UserSkipped(code=SkipCode.FAILED, detail=detail):
                return "failed", f"another try: {detail}"
            case UserSkipped(code=SkipCode.RELEASED, detail=detail):
                return "released", f"the end of the release: {detail}"
            case UserSkipped(code=code, detail=detail) if code != "waiting" or told is None:
                return f"skipped({code})", f"{code}: {detail}" if detail else code
            case None:
                return "waiting", self._gate(entry.wave) or (
                    "its wave's turn" if entry.impact is Impact.NONE else "a notice"
                )
            case _:
                return self._after_notice(entry, told)

    def _newest(self, *events: _Event | None) -> _Event | None:
        """Find what happened last. Of one run, the later argument: a skip says more than the notice before it."""
        there = [(self._order.get(event.run, -1), place) for place, event in enumerate(events) if event]
        return events[max(there)[1]] if there else None

    def _after_notice(self, entry: Entry, told: Told | None) -> tuple[str, str]:
        if told is None or told.delivery is Delivery.FAILED:
            why = told.detail if told else ""
            return "undelivered", f"a notice that arrives: {why or 'the last one failed'}"
        why_void = void(told, entry.impact or Impact.NONE, self._now)
        if why_void:
            return "told", f"a new notice: {why_void}"
        if told.due > self._now.date():
            return "told", f"the date told: {told.due.isoformat()}"
        if told.delivery is Delivery.QUEUED:
            return "told", "proof that the notice was delivered"
        return "told", self._gate(entry.wave) or "the next enforce run"

    def _gate(self, wave: str) -> str:
        blocked = self.gates.get(wave)
        return say_gate(blocked[0]) if blocked else ""


def say_gate(read: GateRead) -> str:
    """Say what a gate answered, with its numbers."""
    return f"gate {read.gate} ({read.result}): {read.detail}"


def gates_that_wait(progress: Progress, header: Header) -> dict[str, tuple[GateRead, ...]]:
    """Find the gates of each wave whose last answer was no pass, and that no word of an operator opens."""
    order = tuple(wave for wave, users in header.waves.items() if users)
    last: dict[tuple[str, str], GateRead] = {}
    for read in progress.gates:
        last[read.wave, read.gate] = read
    overridden = {(override.wave, override.gate): override.at for override in progress.overrides}
    found: defaultdict[str, list[GateRead]] = defaultdict(list)
    for read in last.values():
        let_through = overridden.get((read.wave, read.gate))
        if read.result is Result.PASS or (let_through is not None and let_through >= read.at):
            continue
        gate = gate_named(read.gate)
        if override_in_force(progress, order, read.wave, gate, header.checksum) is None:
            found[read.wave].append(read)
    return {wave: tuple(reads) for wave, reads in found.items()}


def is_told(told: Told | None) -> bool:
    """Tell whether a notice went out and did not fail."""
    return told is not None and told.delivery is not Delivery.FAILED


def days_left(until: date, today: date) -> int:
    """Count the days an exemption still covers, its last one included; 0 or less once it is over."""
    return (until - today).days + 1
