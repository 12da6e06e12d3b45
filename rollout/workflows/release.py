"""`rollout release`: lets users out at once. No lock, no plan; the journal only tells whom a wave or a glob means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.domain.actions.writes import Write, braking, releasing
from rollout.domain.people.organization import Account, policy_arn
from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import (
    AttachToGroup,
    CreateGroup,
    DetachFromGroup,
    DetachFromUser,
    is_about_enrolment,
)
from rollout.domain.policy.our_resources import Names, brake_of
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Record, Released
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.releases import RELEASE
from rollout.errors import Unwritable
from rollout.workflows.account_run import AccountCommand, AccountRunner, AccountWork, RunResult, Wanted
from rollout.workflows.ports import Journal, OpenAccount, ProgressDisplay
from rollout.workflows.run_context import RunContext

LONG_ENOUGH = 5.0
"""Seconds after which a change that a running apply had in hand has come through or failed."""


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """What is to be let out and why. `half` is the document that denies nothing, where none is left in an account."""

    partition: str
    names: Names
    half: Mapping[str, object]
    release_scope: ReleaseScope
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseShare:
    """One account's share: the whole of it by the brake, or these users."""

    account: Account
    users: tuple[UserRef, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseResult(RunResult):
    """What came of a release. `running` names a run that was under way, and leaves those alone from then on."""

    running: str = ""


class ReleaseFromAccount(AccountCommand):
    """One account in which users, or all, are let out.

    What the other commands go through, this one does without: nothing is settled, read or judged before people are let
    out, no guard, budget or release holds anything back, and no write waits for the success of another.
    """

    unread = True
    independent = True

    def __init__(self, share: ReleaseShare, order: ReleaseOrder) -> None:
        """Take the share."""
        super().__init__(share.account)
        self.users, self.order = share.users, order
        names = order.names
        self.arn = policy_arn(order.partition, share.account.id, names.path, names.policy)

    def wants(self, at: AccountWork) -> Wanted:
        """Find what lets them out, by as few reads as can be."""
        return Wanted(tuple(self._of_users(at) if self.users else self._of_account(at)))

    def _of_account(self, at: AccountWork) -> Iterator[Write]:
        account_id = self.account.id
        policy = at.entered.policy(self.arn)
        at.result.brake_was = brake_of(policy)
        if policy is not None:
            yield from (Write(change) for change in braking(account_id, policy, self.order.half))
        # A policy of the same meaning that is not ours is never braked: what we attached it to is freed instead.
        for group, foreign in _attached_foreign(account_id, self.arn, at.progress):
            change = DetachFromGroup(account_id, group, foreign)
            if not at.entered.holds(change):
                yield Write(change)
        yield from _detached_from_foreign(account_id, self.arn, at.entered, at.progress)

    def _of_users(self, at: AccountWork) -> Iterator[Write]:
        account_id, names, entered = self.account.id, self.order.names, at.entered
        ours = entered.holds(CreateGroup(account_id, names.group, names.path))
        members = entered.members(names.group) if ours else frozenset()
        carriers: dict[str, frozenset[str]] = {}
        for ref in self.users:
            placed = at.progress.placed.get(ref.id)
            wave = placed.wave if placed else self.order.release_scope.wave
            policies = {self.arn, placed.by} if placed and placed.by.startswith("arn:") else {self.arn}
            for arn in policies - carriers.keys():
                carriers[arn] = entered.attached_users(arn)
            mine = {arn: carriers[arn] for arn in sorted(policies)}
            yield from (Write(change, wave) for change in releasing(ref, names.group, members, mine))


def release(
    order: ReleaseOrder,
    shares: Sequence[ReleaseShare],
    known: Progress,
    *,
    run: RunContext,
    running: Callable[[], str],
    pause: Callable[[float], None],
) -> ReleaseResult:
    """Let out whom the order means: first on record and for running applies to see, then in AWS.

    `running` names a run that is under way, `pause` lets its change in hand end.
    """
    run = replace(run, journal=_ForgivingJournal(run.journal, run.progress))
    released = Released(run.id, run.now(), order.release_scope, order.until, order.reason, run.caller)
    run.begin(RELEASE, released)
    try:
        run.marker.add(released)
    except Unwritable as problem:
        run.progress.say(f"Runs under way cannot be told: {problem}. Stop them by hand.")
    at_work = running()
    runner = AccountRunner(run=run, progress=known)
    commands = [ReleaseFromAccount(share, order) for share in shares]
    result = runner.carry_all(commands, "Letting out in accounts")
    if at_work and not run.rehearsal:
        # What it had in hand when it was told may have come after us.
        pause(LONG_ENOUGH)
        result = _both(result, runner.carry_all(commands, "Letting out in accounts"))
    run.end(result.ending, {"writes": result.writes})
    return ReleaseResult(result.accounts, result.unbegun, at_work)


def _both(first: RunResult, again: RunResult) -> RunResult:
    """Add what was still to be written when accounts were looked at again."""
    accounts = {one.account.id: one for one in first.accounts}
    for one in again.accounts:
        if one.account.id in accounts:
            accounts[one.account.id].written += one.written
        else:
            accounts[one.account.id] = one
    results = tuple(accounts[account_id] for account_id in sorted(accounts))
    return RunResult(results, min(first.unbegun, again.unbegun))


def _attached_foreign(account_id: str, arn: str, known: Progress) -> Iterator[tuple[str, str]]:
    for done in known.owned.of(AttachToGroup):
        change = done.intent.change
        if not isinstance(change, AttachToGroup) or change.account_id != account_id:
            continue
        if change.policy_arn != arn and not is_about_enrolment(change):
            yield change.group, change.policy_arn


def _detached_from_foreign(
    account_id: str, arn: str, entered: OpenAccount, known: Progress
) -> Iterator[Write]:
    for placed in known.placed.values():
        by = placed.by
        if placed.user.account_id == account_id and by.startswith("arn:") and by != arn:
            change = DetachFromUser(account_id, placed.user, by)
            if not entered.holds(change):
                yield Write(change, placed.wave)


@dataclass(slots=True)
class _ForgivingJournal:
    """A journal that cannot be written stops no release: the brake itself says that it is pulled."""

    inner: Journal
    progress: ProgressDisplay
    broken: bool = False

    def append(self, *records: Record) -> None:
        """Write, or say once that it cannot be written."""
        if self.broken:
            return
        try:
            self.inner.append(*records)
        except Unwritable as problem:
            self.broken = True
            self.progress.say(f"This release is not on record: {problem}")

    def records(self) -> Iterator[Record]:
        """Read what is there."""
        return self.inner.records()
