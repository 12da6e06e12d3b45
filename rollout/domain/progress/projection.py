"""Derives the progress of an organization from its journal: waves, notices, enforcement, ownership, open changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    DeletePolicy,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
    is_about_enrolment,
    user_of,
)
from rollout.domain.policy.made import Made
from rollout.domain.progress.making import note_attempt, note_made
from rollout.domain.progress.owned import Done, OwnedResources
from rollout.domain.progress.records import (
    AccountFailed,
    Approved,
    Deadlocked,
    Enforcement,
    EnforcementSeen,
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
from rollout.domain.progress.releases import RELEASE, RELEASE_END, ReleaseRecord, Releases, ToReturn
from rollout.domain.progress.stages import Stage

__all__ = ["Done", "KnownEnforcement", "Placed", "Progress", "replay"]

_FOUND = {
    SkipCode.RELEASED: Enforcement.LET_OUT,
    SkipCode.GONE: Enforcement.GONE,
    SkipCode.FAILED: Enforcement.NOT_FOUND,
    SkipCode.NOTICE: Enforcement.NOT_FOUND,
    SkipCode.WAITING: Enforcement.NOT_FOUND,
}
"""What an enforce run learned about the enforcement of a user whom it left alone; other codes say nothing about it."""
RELEASED = frozenset(
    {Enforcement.RELEASED, Enforcement.TAKEN_OUT, Enforcement.BRAKE_PULLED, Enforcement.LET_OUT}
)
_BACK_WITH_THE_POLICY = frozenset({Enforcement.BRAKE_PULLED, Enforcement.WITHOUT_EFFECT})
_BACK_AT_THE_END_OF_A_RELEASE = _BACK_WITH_THE_POLICY | {Enforcement.LET_OUT, Enforcement.ENFORCED}


@dataclass(frozen=True, slots=True)
class Placed:
    """A user whom this tool put under the policy, when, and in which wave."""

    at: datetime
    wave: str
    by: str
    user: UserRef


@dataclass(frozen=True, slots=True)
class KnownEnforcement:
    """What the journal last learned about a user's enforcement, when, and from a run of which plan.

    `by` names what enforces or did so until then; it is empty if this tool never put anything on the user.
    """

    user: UserRef
    at: datetime
    enforcement: Enforcement
    wave: str = ""
    by: str = ""
    plan_id: str = ""

    @property
    def released(self) -> bool:
        """Tell whether the user was enforced by this tool and is let out now, by a release or by hand."""
        return self.enforcement in RELEASED and bool(self.by)


@dataclass(slots=True)
class Progress:
    """Everything that the journal says about one organization. Rehearsals never change `known`."""

    runs: dict[str, RunStarted] = field(default_factory=dict)
    ended: dict[str, RunEnded] = field(default_factory=dict)
    changes: list[Done] = field(default_factory=list)
    owned: OwnedResources = field(default_factory=OwnedResources)
    notices: dict[str, list[Told]] = field(default_factory=dict)
    reminded: dict[str, list[Reminded]] = field(default_factory=dict)
    skips: list[UserSkipped] = field(default_factory=list)
    account_failures: list[AccountFailed] = field(default_factory=list)
    carried: dict[tuple[Stage, str], datetime] = field(default_factory=dict)
    undone: dict[str, datetime] = field(default_factory=dict)
    """By wave: when it was last rolled back."""
    rehearsed: dict[str, datetime] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)
    last_change: dict[str, Done] = field(default_factory=dict)
    """By UserId: the newest change that a run other than a rehearsal made or tried."""
    last_skip: dict[str, UserSkipped] = field(default_factory=dict)
    last_failure: dict[str, AccountFailed] = field(default_factory=dict)
    """By account: the newest failure to enter it, rehearsals apart."""
    known: dict[str, dict[str, KnownEnforcement]] = field(default_factory=dict)
    """By account and UserId; ask `enforcement_of`."""
    taken_out_at: dict[str, datetime] = field(default_factory=dict)
    """By UserId: when the user was last taken out for good, or found exempt."""
    failing: dict[str, str] = field(default_factory=dict)
    """By UserId: the wave of a user for whom something failed and has not succeeded since."""
    made: dict[str, Made] = field(default_factory=dict)
    """By account; ask `made_in`."""
    gates: list[GateRead] = field(default_factory=list)
    overrides: list[GateOverridden] = field(default_factory=list)
    approvals: dict[tuple[str, str], Approved] = field(default_factory=dict)
    """By plan checksum and wave."""
    releases: Releases = field(default_factory=Releases)

    @property
    def open(self) -> tuple[Done, ...]:
        """Intents without an outcome: the run crashed between the write and its record."""
        return tuple(done for done in self.changes if done.outcome is None)

    def made_in(self, account_id: str) -> Made:
        """Give what this tool made in an account, whatever rollout.yaml calls it now."""
        return self.made.get(account_id) or Made()

    def latest_notice(self, user_id: str) -> Told | None:
        """Give the newest notice about a user, delivered or not; None if there is none."""
        notices = self.notices.get(user_id)
        return notices[-1] if notices else None

    def enforcement_of(self, account_id: str, user_id: str) -> KnownEnforcement | None:
        """Give what the journal last learned about a user, brakes included; None if nothing."""
        known = self.known.get(account_id, {}).get(user_id)
        return self.braked(known) if known else None

    def braked(self, known: KnownEnforcement) -> KnownEnforcement:
        """Apply the brake of the user's account if it was pulled after the user was enforced."""
        pulled = self.releases.braked_at.get(known.user.account_id)
        if pulled is None or pulled < known.at or known.enforcement is not Enforcement.ENFORCED:
            return known
        return replace(known, at=pulled, enforcement=Enforcement.BRAKE_PULLED)

    def failed_users(self, wave: str) -> frozenset[str]:
        """Give the UserIds of a wave's users whose last change failed, or who are released or deadlocked now."""
        deadlocked = {user_id for user_id, found in self.releases.deadlocked.items() if found.wave == wave}
        released = {
            user_id
            for users in self.known.values()
            for user_id, known in users.items()
            if known.wave == wave and self.braked(known).released
        }
        return self._failing(wave) | released | deadlocked

    def held_against(self, wave: str) -> frozenset[str]:
        """Give the UserIds whose failures keep a run from going over the wave.

        Once the wave has been carried, released and deadlocked users do not count: they may come back.
        """
        carried = (Stage.ENFORCE, wave) in self.carried
        return self._failing(wave) if carried else self.failed_users(wave)

    def _failing(self, wave: str) -> frozenset[str]:
        return frozenset(user_id for user_id, where in self.failing.items() if where == wave)


def replay(records: Iterable[Record], organization_id: str) -> Progress:
    """Derive the progress of one organization; records of others in the same store are ignored."""
    fold = _Fold()
    for record in records:
        match record:
            case RunStarted() | Approved() | Deadlocked() | EnforcementSeen():
                ours = record.organization_id == organization_id
            case _:
                ours = record.run in fold.progress.runs
        if ours:
            fold.take(record)
    return fold.progress


@dataclass(slots=True)
class _Fold:
    """Reads the journal, record by record.

    `intents` and `early` match intents with outcomes, by run and number. Segments are read in the order in which their
    runs began by AWS's clock, which has a resolution of one second. So the outcome that a run records for one that
    crashed less than a second earlier may be read before its intent.
    """

    progress: Progress = field(default_factory=Progress)
    intents: dict[tuple[str, int], int] = field(default_factory=dict)
    early: dict[tuple[str, int], Settled] = field(default_factory=dict)
    policy_of: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, record: Record) -> None:  # noqa: C901, PLR0912 - one case for each kind of record
        """Take in the next record of the organization."""
        progress = self.progress
        match record:
            case RunStarted():
                progress.runs[record.run] = record
            case Approved():
                progress.approvals[record.plan_checksum, record.wave] = record
            case Deadlocked(user=user, over=True):
                progress.releases.deadlocked.pop(user.id, None)
            case Deadlocked(user=user):
                progress.releases.deadlocked[user.id] = record
                progress.releases.disturbed[record.wave] = record.at
            case EnforcementSeen():
                self._see(record)
            case Intent():
                self._intend(record)
            case Settled():
                self._settle(record)
            case Told():
                progress.notices.setdefault(record.user.id, []).append(record)
            case Reminded():
                progress.reminded.setdefault(record.user.id, []).append(record)
            case UserSkipped():
                self._skip(record)
            case AccountFailed():
                progress.account_failures.append(record)
                if progress.runs[record.run].stage is not Stage.DRY_RUN:
                    progress.last_failure[record.account_id] = record
            case GateRead():
                progress.gates.append(record)
            case GateOverridden():
                progress.overrides.append(record)
            case Released() | ReleaseEnded():
                self._release(record)
            case WaveCarried():
                progress.carried.setdefault((record.stage, record.wave), record.at)
            case WaveUndone():
                self._undo(record)
            case RunEnded():
                self._end(record)

    def _see(self, seen: EnforcementSeen) -> None:
        """Take in what a look found. Somebody let out by hand disturbs the wave as a release does."""
        before = self.progress.enforcement_of(seen.user.account_id, seen.user.id)
        known = KnownEnforcement(seen.user, seen.at, seen.enforcement, seen.wave, seen.by)
        if known.enforcement is Enforcement.ENFORCED:  # the brake was let go by hand
            self.progress.releases.braked_at.pop(seen.user.account_id, None)
        if known.released and seen.wave and not (before and before.released):
            self.progress.releases.disturbed[seen.wave] = seen.at
        self._know(known)

    def _skip(self, skip: UserSkipped) -> None:
        progress, user = self.progress, skip.user
        progress.skips.append(skip)
        if skip.code is SkipCode.EXEMPT:
            progress.taken_out_at[user.id] = skip.at
        if skip.code is SkipCode.FAILED:
            progress.failing[user.id] = skip.wave
        elif skip.code is not SkipCode.BUDGET:  # with no budget left, nothing was tried again
            progress.failing.pop(user.id, None)
        started, found = progress.runs[skip.run], _FOUND.get(skip.code)
        if started.stage is not Stage.DRY_RUN:
            progress.last_skip[user.id] = skip
        if started.stage is not Stage.ENFORCE or found is None:
            return
        before = progress.enforcement_of(user.account_id, user.id)
        if before is None or before.enforcement is Enforcement.ENFORCED or found is Enforcement.GONE:
            wave, by = (before.wave, before.by) if before else ("", "")
            self._know(KnownEnforcement(user, skip.at, found, wave, by, started.plan_id))

    def _release(self, record: ReleaseRecord) -> None:
        progress, scope = self.progress, record.release_scope
        records = progress.releases.records
        if records and (records[-1].run, type(records[-1])) == (record.run, type(record)):
            records.pop()  # the run put it on record again, for it has reached more people
        records.append(record)
        waves = {
            placed.wave
            for placed in progress.placed.values()
            if scope.takes(placed.user.account_id, placed.user.id, placed.wave)
        }
        for wave in {*waves, scope.wave} - {""}:
            progress.releases.disturbed[wave] = record.at

    def _undo(self, record: WaveUndone) -> None:
        """Note that after a rollback nobody of the wave is enforced or released."""
        progress = self.progress
        progress.undone[record.wave] = record.at
        for stage in Stage:
            progress.carried.pop((stage, record.wave), None)
        for users in progress.known.values():
            for known in users.values():
                if known.wave == record.wave and known.released:
                    users[known.user.id] = replace(known, at=record.at, enforcement=Enforcement.UNDONE)

    def _end(self, record: RunEnded) -> None:
        self.progress.ended[record.run] = record
        started = self.progress.runs[record.run]
        # An account that cannot be entered has nothing to rehearse and stops no other (design.md#stages-and-gates).
        complete = record.ending is RunEnding.DONE or (
            record.ending is RunEnding.IN_PART and not record.counts.get("failed")
        )
        if started.stage is Stage.DRY_RUN and complete:
            self.progress.rehearsed[started.plan_checksum] = record.at

    # --- Changes ---

    def _intend(self, intent: Intent) -> None:
        key = intent.run, intent.number
        self.intents[key] = len(self.progress.changes)
        note_attempt(self.progress.made, intent)
        self._note_change(Done(self.progress.runs[intent.run], intent, None, None), self.intents[key])
        if key in self.early:
            self._settle(self.early.pop(key))

    def _settle(self, settled: Settled) -> None:
        key = settled.of, settled.number
        if key not in self.intents:
            self.early[key] = settled
            return
        at = self.intents[key]
        begun = self.progress.changes[at]
        done = Done(begun.started, begun.intent, settled.outcome, settled.at)
        self._note_change(done, at)
        self.progress.owned.take(done)
        user = user_of(done.intent.change)
        if user is not None:
            if isinstance(settled.outcome, Failed):
                self.progress.failing[user.id] = done.intent.wave
            elif not isinstance(settled.outcome, Skipped):
                self.progress.failing.pop(user.id, None)
        note_made(self.progress.made, done)
        effective = isinstance(settled.outcome, Applied | AlreadyInPlace)
        if effective and not is_about_enrolment(done.intent.change):
            self._follow(done, settled.at, applied=isinstance(settled.outcome, Applied))

    def _note_change(self, done: Done, at: int) -> None:
        self.progress.changes[at : at + 1] = [done]
        user = user_of(done.intent.change)
        if user is not None and not is_rehearsal(done):
            self.progress.last_change[user.id] = done

    def _follow(self, done: Done, at: datetime, *, applied: bool) -> None:
        """Follow a change to what users are under."""
        releases, change = self.progress.releases, done.intent.change
        by_release = done.started.command == RELEASE
        match change:
            case AddMember(account_id=account, group=group, user=user):
                policy = self.policy_of.get((account, group))
                by = f"{policy} (group {group})" if policy else place_of(change)
                self._put(done, at, user, place_of(change), by)
            case AttachToUser(user=user, policy_arn=arn):
                self._put(done, at, user, arn, place_of(change))
            case DetachFromUser(user=user, policy_arn=arn) if self._is_replaced(user, arn):
                pass
            case RemoveMember(user=user) | DetachFromUser(user=user):
                self._take_out(done, at, user, applied=applied)
            case SetDefaultVersion() | CreateVersion() | DetachFromGroup() if by_release:
                releases.braked[change.account_id] = done.intent.run
                if not is_rehearsal(done):
                    releases.braked_at[change.account_id] = at
            case SetDefaultVersion() | CreateVersion() | AttachToGroup() | DeletePolicy():
                was_braked = releases.braked.pop(change.account_id, None) is not None
                if isinstance(change, AttachToGroup):
                    self.policy_of[change.account_id, change.group] = _name_of(change.policy_arn)
                if not is_rehearsal(done):
                    releases.braked_at.pop(change.account_id, None)
                    if not isinstance(change, DeletePolicy):
                        ends = was_braked or done.started.command == RELEASE_END
                        self._bring_back(change.account_id, at, release_ends=ends)
            case _:
                pass

    def _is_replaced(self, user: UserRef, arn: str) -> bool:
        """Tell whether a policy was detached in whose place another one has been attached to the user."""
        placed = self.progress.placed.get(user.id)
        return placed is not None and placed.by.startswith("arn:") and placed.by != arn

    def _put(self, done: Done, at: datetime, user: UserRef, place: str, by: str) -> None:
        progress = self.progress
        placed = progress.placed.setdefault(user.id, Placed(at, done.intent.wave, place, user))
        if placed.by.startswith("arn:") and place.startswith("arn:"):
            progress.placed[user.id] = placed = replace(placed, by=place)
        progress.releases.to_return.pop(user.id, None)
        if not is_rehearsal(done):
            plan = done.started.plan_id
            self._know(KnownEnforcement(user, at, Enforcement.ENFORCED, placed.wave, by, plan))

    def _take_out(self, done: Done, at: datetime, user: UserRef, *, applied: bool) -> None:
        progress, by_release = self.progress, done.started.command == RELEASE
        progress.releases.deadlocked.pop(user.id, None)
        progress.placed.pop(user.id, None)
        if by_release:
            progress.releases.to_return[user.id] = ToReturn(user, done.intent.wave, at)
        else:
            progress.releases.to_return.pop(user.id, None)
            # A release is meant to end, and notices from before it still count then.
            progress.taken_out_at[user.id] = at
        if is_rehearsal(done):
            return
        before = progress.known.get(user.account_id, {}).get(user.id)
        by = before.by if before else place_of(done.intent.change) if applied else ""
        wave = done.intent.wave or (before.wave if before else "")
        out = Enforcement.RELEASED if by_release else Enforcement.UNDONE
        self._know(KnownEnforcement(user, at, out, wave, by, done.started.plan_id))

    def _bring_back(self, account_id: str, at: datetime, *, release_ends: bool) -> None:
        """Note that the policy is in force again for users who never left the group."""
        users = self.progress.known.get(account_id, {})
        back = _BACK_AT_THE_END_OF_A_RELEASE if release_ends else _BACK_WITH_THE_POLICY
        for user_id, known in users.items():
            if known.enforcement in back and user_id in self.progress.placed:
                users[user_id] = replace(known, at=at, enforcement=Enforcement.ENFORCED)

    def _know(self, known: KnownEnforcement) -> None:
        self.progress.known.setdefault(known.user.account_id, {})[known.user.id] = known


def place_of(change: Change) -> str:
    """Name the group or the policy of a change about a user; empty for other changes."""
    match change:
        case AddMember() | RemoveMember():
            return f"group {change.group}"
        case AttachToUser() | DetachFromUser():
            return f"{_name_of(change.policy_arn)} (attached to the user)"
        case _:
            return ""


def is_rehearsal(done: Done) -> bool:
    """Tell whether a change was only rehearsed."""
    return done.started.stage is Stage.DRY_RUN


def _name_of(policy_arn: str) -> str:
    return policy_arn.rsplit("/", 1)[-1]
