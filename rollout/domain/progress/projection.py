"""Derives the progress of an organization from its journal: waves, notices, enforcement, ownership, open changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace

from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    Failed,
    SkipCode,
    Skipped,
    is_about_enrolment,
    name,
    user_of,
)
from rollout.domain.policy.possible import why_impossible
from rollout.domain.progress.following import follow, follow_message, follow_proof, know, leave_alone
from rollout.domain.progress.making import note_attempt, note_made
from rollout.domain.progress.owned import Done, OwnedResources, is_rehearsal
from rollout.domain.progress.progress import (
    RELEASED,
    KnownEnforcement,
    LastGateRead,
    Placed,
    Progress,
)
from rollout.domain.progress.records import (
    AccountFailed,
    Approved,
    Deadlocked,
    DeliverySeen,
    Enforcement,
    EnforcementSeen,
    GateOverridden,
    GateRead,
    Intent,
    LeftAlone,
    ProofIntent,
    ProofRemoved,
    ProofSettled,
    Proved,
    Record,
    Released,
    ReleaseEnded,
    Reminded,
    RunEnded,
    RunEnding,
    RunStarted,
    Sending,
    Settled,
    Told,
    UserSkipped,
    WaveCarried,
    WaveUndone,
)
from rollout.domain.progress.releases import ReleaseRecord, put_on_record
from rollout.domain.progress.stages import Stage

__all__ = [
    "RELEASED",
    "Done",
    "KnownEnforcement",
    "LastGateRead",
    "Placed",
    "Progress",
    "Projection",
    "is_rehearsal",
    "replay",
    "settled_in",
]

_FOUND = {
    SkipCode.RELEASED: Enforcement.LET_OUT,
    SkipCode.GONE: Enforcement.GONE,
    SkipCode.FAILED: Enforcement.NOT_FOUND,
    SkipCode.NOTICE: Enforcement.NOT_FOUND,
    SkipCode.WAITING: Enforcement.NOT_FOUND,
    SkipCode.GATE: Enforcement.NOT_FOUND,
}
"""What an enforce run learned about the enforcement of a user whom it left alone; other codes say nothing about it."""

Key = tuple[str, int]
"""A run, and the number of one of its intents."""


def replay(records: Iterable[Record], organization_id: str) -> Progress:
    """Derive the progress of one organization; records of others in the same store are ignored."""
    return Projection(organization_id).all(records).progress


def settled_in(progress: Progress, account_id: str, records: Iterable[Settled]) -> Progress:
    """Take in outcomes of changes in one account, as `replay` would; `progress` itself stays, for others go by it.

    Copied is what an outcome changes, and of what is kept by account only this one.
    """
    owned, releases, known, made = progress.owned, progress.releases, progress.known, progress.made
    apart = replace(
        progress,
        unsettled=dict(progress.unsettled),
        owned=OwnedResources(
            dict(owned.things),
            {
                arn: list(dones) if dones[0].intent.change.account_id == account_id else dones
                for arn, dones in owned.versions.items()
            },
            dict(owned.released),
        ),
        rolled_back=dict(progress.rolled_back),
        placed=dict(progress.placed),
        last_change=dict(progress.last_change),
        known=known | {account_id: dict(known.get(account_id, {}))},
        left_alone_until=dict(progress.left_alone_until),
        failing=dict(progress.failing),
        made=made | {account_id: deepcopy(progress.made_in(account_id))},
        policy_on=dict(progress.policy_on),
        releases=replace(
            releases,
            to_return=dict(releases.to_return),
            braked=dict(releases.braked),
            braked_at=dict(releases.braked_at),
            deadlocked=dict(releases.deadlocked),
        ),
    )
    projection = Projection("", apart)
    for record in records:
        projection.take(record)
    return projection.progress


@dataclass(slots=True)
class Projection:
    """Replays the journal of one organization, record by record; it can continue where it stopped.

    Of a change that stands, no second outcome is wanted. One that was settled as not made is kept in `not_made`: the
    run that died was perhaps only slow, and may still say that it was made. Segments of earlier versions are read in
    the order in which their runs began by AWS's clock, which has a resolution of one second. So the outcome that a run
    records for one that crashed less than a second earlier may be read before its intent, and waits in `early`.
    """

    organization_id: str
    progress: Progress = field(default_factory=Progress)
    not_made: dict[Key, Done] = field(default_factory=dict)
    early: dict[Key, Settled] = field(default_factory=dict)

    def all(self, records: Iterable[Record]) -> Projection:
        """Replay these records too."""
        for record in self.ours(records):
            self.take(record)
        return self

    def ours(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield those that are about this organization; each has to be taken before the next is asked for."""
        runs, organization_id = self.progress.runs, self.organization_id
        for record in records:
            match record:
                case (
                    RunStarted()
                    | Approved()
                    | Deadlocked()
                    | EnforcementSeen()
                    | LeftAlone()
                    | DeliverySeen()
                ):
                    ours = record.organization_id == organization_id
                case _:
                    ours = record.run in runs
            if ours:
                yield record

    def take(self, record: Record) -> None:  # noqa: C901, PLR0912 - one case for each kind of record
        """Replay the next record of the organization."""
        progress = self.progress
        match record:
            case RunStarted():
                progress.runs[record.run] = record
            case Approved():
                progress.approvals.setdefault((record.plan_checksum, record.wave), []).append(record)
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
            case Sending() | Told() | Reminded() | DeliverySeen():
                follow_message(progress, record)
            case UserSkipped():
                self._skip(record)
            case LeftAlone():
                leave_alone(progress, record.user.id, record.until)
            case AccountFailed():
                if progress.runs[record.run].stage is not Stage.DRY_RUN:
                    progress.last_failure[record.account_id] = record
            case GateRead():
                self._read_gate(record)
            case GateOverridden():
                progress.overrides.append(record)
            case Released() | ReleaseEnded():
                self._release(record)
            case WaveCarried():
                key = record.stage, record.wave
                progress.carried.setdefault(key, record.at)
                progress.carried_by.setdefault(key, progress.runs[record.run].caller)
            case WaveUndone():
                self._undo(record)
            case ProofIntent() | ProofSettled() | ProofRemoved() | Proved():
                follow_proof(progress, record)
            case RunEnded():
                self._end(record)

    def _see(self, seen: EnforcementSeen) -> None:
        """Replay what a look at AWS found. A release by hand disturbs the wave as a release does."""
        before = self.progress.enforcement_of(seen.user.account_id, seen.user.id)
        known = KnownEnforcement(seen.user, seen.at, seen.enforcement, seen.wave, seen.by)
        if known.enforcement is Enforcement.ENFORCED:  # the brake was let go by hand
            self.progress.releases.braked_at.pop(seen.user.account_id, None)
        if known.released and seen.wave and not (before and before.released):
            self.progress.releases.disturbed[seen.wave] = seen.at
        know(self.progress, known)

    def _skip(self, skip: UserSkipped) -> None:
        progress, user = self.progress, skip.user
        if skip.code in (SkipCode.EXEMPT, SkipCode.EXCLUDED):
            leave_alone(progress, user.id, skip.at)
        if skip.code is SkipCode.FAILED:
            progress.failing[user.id] = skip.wave
        elif skip.code not in (SkipCode.BUDGET, SkipCode.GATE):  # nothing was tried again
            progress.failing.pop(user.id, None)
        started, found = progress.runs[skip.run], _FOUND.get(skip.code)
        if started.stage is not Stage.DRY_RUN:
            progress.last_skip[user.id] = skip
        if started.stage is not Stage.ENFORCE or found is None:
            return
        before = progress.enforcement_of(user.account_id, user.id)
        if before is None or before.enforcement is Enforcement.ENFORCED or found is Enforcement.GONE:
            wave, by = (before.wave, before.by) if before else ("", "")
            know(progress, KnownEnforcement(user, skip.at, found, wave, by, started.plan_id))

    def _read_gate(self, read: GateRead) -> None:
        before = self.progress.gates.get((read.wave, read.gate))
        same = before is not None and before.read.result is read.result
        self.progress.gates[read.wave, read.gate] = LastGateRead(
            read, before.since if before and same else read.at
        )

    def _release(self, record: ReleaseRecord) -> None:
        progress, scope = self.progress, record.release_scope
        put_on_record(progress.releases.records, record)
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
            progress.carried_by.pop((stage, record.wave), None)
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
        if started.rehearses_plan and complete:
            self.progress.rehearsed[started.plan_checksum] = record.at

    # --- Changes ---

    def _intend(self, intent: Intent) -> None:
        progress, change, key = self.progress, intent.change, (intent.run, intent.number)
        if why := why_impossible(change):
            progress.impossible.add((change.account_id, name(change).partition(" ")[2], why))
            return
        done = Done(progress.runs[intent.run], intent, None, None)
        progress.unsettled[key] = done
        progress.accounts_tried.add(change.account_id)
        note_attempt(progress.made, intent)
        self._note_last(done)
        if key in self.early:
            self._settle(self.early.pop(key))

    def _settle(self, settled: Settled) -> None:
        progress, key, outcome = self.progress, (settled.of, settled.number), settled.outcome
        begun = progress.unsettled.pop(key, None) or self.not_made.pop(key, None)
        if begun is None:
            if settled.run != settled.of:  # a run's own outcomes follow its intents
                self.early[key] = settled
            return
        done = Done(begun.started, begun.intent, outcome, settled.at)
        self._note_last(done)
        progress.owned.take(done)
        user = user_of(done.intent.change)
        if user is not None:
            if isinstance(outcome, Failed):
                progress.failing[user.id] = done.intent.wave
            elif not isinstance(outcome, Skipped):
                progress.failing.pop(user.id, None)
        note_made(progress.made, done)
        if not isinstance(outcome, Applied | AlreadyInPlace):
            self.not_made[key] = done
            return
        if not is_about_enrolment(done.intent.change):
            follow(progress, done, settled.at, applied=isinstance(outcome, Applied))

    def _note_last(self, done: Done) -> None:
        user = user_of(done.intent.change)
        if user is None or is_rehearsal(done):
            return
        if done.outcome is None or isinstance(done.outcome, Failed):
            self.progress.last_change[user.id] = done
        else:
            self.progress.last_change.pop(user.id, None)
