"""Reads the journal back: where each wave stands, who was told, who is enforced, what was left open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    CreateGroup,
    CreatePolicy,
    DeleteGroup,
    DeletePolicy,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    SkipCode,
    Skipped,
    UserRef,
    is_about_enrolment,
)
from rollout.domain.progress.records import (
    AccountFailed,
    Approved,
    Deadlocked,
    GateOverridden,
    GateRead,
    Intent,
    Record,
    Released,
    ReleaseEnded,
    Reminded,
    RunEnded,
    RunEnding,
    RunStarted,
    Settled,
    Told,
    UserSkipped,
    WaveCarried,
    WaveUndone,
)
from rollout.domain.progress.releases import RELEASE, Releases
from rollout.domain.progress.stages import Stage

Inside = (
    Intent
    | Settled
    | Told
    | Reminded
    | UserSkipped
    | AccountFailed
    | GateRead
    | GateOverridden
    | Released
    | ReleaseEnded
    | WaveCarried
    | WaveUndone
    | RunEnded
)
"""Records that belong to a run."""

UNTRIED = frozenset({SkipCode.BUDGET})
"""Why a user was left alone that says nothing of an earlier failure: nobody has tried again."""


@dataclass(frozen=True, slots=True)
class Done:
    """One change of the past: what was intended, and what came of it (None: left open by a crash)."""

    started: RunStarted
    intent: Intent
    outcome: Outcome | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A user whom this tool put under the policy, when, and in which wave."""

    at: datetime
    wave: str
    by: str
    user: UserRef


@dataclass(slots=True)
class Progress:
    """Everything that the journal says of one organization."""

    runs: dict[str, RunStarted] = field(default_factory=dict)
    ended: dict[str, RunEnded] = field(default_factory=dict)
    changes: list[Done] = field(default_factory=list)
    told: dict[str, list[Told]] = field(default_factory=dict)
    reminded: dict[str, list[Reminded]] = field(default_factory=dict)
    passed: list[UserSkipped] = field(default_factory=list)
    account_failures: list[AccountFailed] = field(default_factory=list)
    carried: dict[tuple[Stage, str], datetime] = field(default_factory=dict)
    undone: dict[str, datetime] = field(default_factory=dict)
    """By wave: when it was last rolled back."""
    rehearsed: dict[str, datetime] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)
    let_out: dict[str, datetime] = field(default_factory=dict)
    """By UserId: when a user was last taken out from under the policy, or seen to be exempt."""
    failing: dict[str, str] = field(default_factory=dict)
    """By UserId: the wave of a user for whom something failed and was not made good since."""
    groups_made: set[tuple[str, str]] = field(default_factory=set)
    policies_made: set[str] = field(default_factory=set)
    gates: list[GateRead] = field(default_factory=list)
    overrides: list[GateOverridden] = field(default_factory=list)
    approvals: dict[tuple[str, str], Approved] = field(default_factory=dict)
    """By plan checksum and wave: who let it go on."""
    releases: Releases = field(default_factory=Releases)

    @property
    def open(self) -> tuple[Done, ...]:
        """Intents without an outcome: the run died between the write and its record."""
        return tuple(done for done in self.changes if done.outcome is None)

    def last_told(self, user_id: str) -> Told | None:
        """The newest notice about a user, delivered or not."""
        notices = self.told.get(user_id)
        return notices[-1] if notices else None

    def failures(self, wave: str) -> int:
        """Users of a wave for whom something failed, or who were let out or trapped, and not made good since."""
        return len(self.failed_users(wave))

    def failed_users(self, wave: str) -> frozenset[str]:
        """Give the UserIds of those whom `failures` counts."""
        return self._failing(wave) | self.releases.failures(wave, self.placed)

    def held_against(self, wave: str) -> frozenset[str]:
        """Give the UserIds whose failing keeps the wave itself from being gone over.

        Once it has been carried, who was let out does not count: they may come back.
        """
        carried = (Stage.ENFORCE, wave) in self.carried
        return self._failing(wave) if carried else self.failed_users(wave)

    def _failing(self, wave: str) -> frozenset[str]:
        return frozenset(user_id for user_id, where in self.failing.items() if where == wave)


def replay(records: Iterable[Record], organization_id: str) -> Progress:
    """Derive the progress of one organization; records of other organizations in the same store are passed over."""
    progress = Progress()
    intents = _Intents()
    for record in records:
        if isinstance(record, RunStarted | Approved | Deadlocked):
            if record.organization_id == organization_id:
                _take_by_itself(record, progress)
        elif record.run in progress.runs:
            _take(record, progress, intents)
    return progress


@dataclass(slots=True)
class _Intents:
    """Brings intents and outcomes together, by run and number.

    Segments are read in the order in which their runs began by AWS's clock, which tells whole seconds: what a run
    settles for one that died less than a second before may be read first.
    """

    at: dict[tuple[str, int], int] = field(default_factory=dict)
    early: dict[tuple[str, int], Settled] = field(default_factory=dict)

    def intend(self, intent: Intent, progress: Progress) -> None:
        key = intent.run, intent.number
        self.at[key] = len(progress.changes)
        progress.changes.append(Done(progress.runs[intent.run], intent, None, None))
        if key in self.early:
            self.settle(self.early.pop(key), progress)

    def settle(self, settled: Settled, progress: Progress) -> None:
        key = settled.of, settled.number
        if key not in self.at:
            self.early[key] = settled
            return
        done = progress.changes[self.at[key]]
        progress.changes[self.at[key]] = Done(done.started, done.intent, settled.outcome, settled.at)
        _place(done.intent, settled, progress)


def _take_by_itself(record: RunStarted | Approved | Deadlocked, progress: Progress) -> None:
    """Take a record that names its organization itself."""
    match record:
        case RunStarted():
            progress.runs[record.run] = record
        case Approved():
            progress.approvals[record.plan_checksum, record.wave] = record
        case Deadlocked():
            progress.releases.find(record)


def _take(record: Inside, progress: Progress, intents: _Intents) -> None:
    match record:
        case Intent():
            intents.intend(record, progress)
        case Settled():
            intents.settle(record, progress)
        case Told():
            progress.told.setdefault(record.user.id, []).append(record)
        case Reminded():
            progress.reminded.setdefault(record.user.id, []).append(record)
        case UserSkipped():
            progress.passed.append(record)
            if record.code is SkipCode.EXEMPT:
                progress.let_out[record.user.id] = record.at
            if record.code is SkipCode.FAILED:
                progress.failing[record.user.id] = record.wave
            elif record.code not in UNTRIED:
                progress.failing.pop(record.user.id, None)
        case AccountFailed():
            progress.account_failures.append(record)
        case GateRead():
            progress.gates.append(record)
        case GateOverridden():
            progress.overrides.append(record)
        case WaveCarried() | WaveUndone() | RunEnded():
            _turn(record, progress)
        case Released() | ReleaseEnded():
            progress.releases.say(record, progress.placed.values())


def _turn(record: WaveCarried | WaveUndone | RunEnded, progress: Progress) -> None:
    match record:
        case WaveCarried():
            progress.carried.setdefault((record.stage, record.wave), record.at)
        case WaveUndone():
            progress.undone[record.wave] = record.at
            for stage in Stage:
                progress.carried.pop((stage, record.wave), None)
        case RunEnded():
            progress.ended[record.run] = record
            started = progress.runs[record.run]
            # An account that cannot be entered has nothing to rehearse; it stops nobody else
            # (design.md#stages-and-gates).
            complete = record.ending is RunEnding.DONE or (
                record.ending is RunEnding.IN_PART and not record.counts.get("failed")
            )
            if started.stage is Stage.DRY_RUN and complete:
                progress.rehearsed[started.plan_checksum] = record.at


def _place(intent: Intent, settled: Settled, progress: Progress) -> None:
    user = getattr(intent.change, "user", None)
    if isinstance(user, UserRef):
        if isinstance(settled.outcome, Failed):
            progress.failing[user.id] = intent.wave
        elif not isinstance(settled.outcome, Skipped):
            progress.failing.pop(user.id, None)
    if not isinstance(settled.outcome, Applied | AlreadyInPlace):
        return
    change, command = intent.change, progress.runs[intent.run].command
    progress.releases.settle(intent, settled, command)
    match change:
        case (
            CreateGroup(account_id=account_id, group=group)
            | AttachToGroup(account_id=account_id, group=group)
        ):
            progress.groups_made.add((account_id, group))
        case DeleteGroup(account_id=account_id, group=group):
            progress.groups_made.discard((account_id, group))
        case CreatePolicy(policy_arn=arn):
            progress.policies_made.add(arn)
        case DeletePolicy(policy_arn=arn):
            progress.policies_made.discard(arn)
        case AddMember(group=group, user=user) if not is_about_enrolment(change):
            progress.placed.setdefault(user.id, Placed(settled.at, intent.wave, f"group {group}", user))
        case AttachToUser(user=user, policy_arn=arn) if not is_about_enrolment(change):
            progress.placed.setdefault(user.id, Placed(settled.at, intent.wave, arn, user))
        case RemoveMember(user=user) | DetachFromUser(user=user) if not is_about_enrolment(change):
            progress.placed.pop(user.id, None)
            if command != RELEASE:  # a release is meant to end; what was told before it still counts then
                progress.let_out[user.id] = settled.at
        case _:
            pass
