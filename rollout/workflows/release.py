"""`rollout release`: lets users out at once. No lock, no plan; the journal only tells whom a wave or a glob means."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.actions.writes import Write, braking, halves, releasing, renamed
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
from rollout.errors import Refused, Unwritable
from rollout.workflows.account_run import AccountCommand, AccountRunner, AccountWork, RunResult, Wanted
from rollout.workflows.ports import Journal, OpenAccount, ProgressDisplay
from rollout.workflows.run_context import RunContext

LONG_ENOUGH = 5.0
"""Seconds after which a change that a running apply had in hand has come through or failed."""


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """How people are let out, and why. `half` is the document that denies nothing, where none is left in an account."""

    partition: str
    names: Names
    half: Mapping[str, object]
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseShare:
    """One account's share: the whole of it by the brake, or these users."""

    account: Account
    users: tuple[UserRef, ...] = ()


ReleaseSelection = tuple[ReleaseScope, tuple[ReleaseShare, ...]]


@dataclass(frozen=True, slots=True)
class ReleaseResult(RunResult):
    """What came of a release of `release_scope`.

    `running` names a run that was under way, and leaves those alone from then on.
    """

    release_scope: ReleaseScope = field(default_factory=ReleaseScope)
    running: str = ""


class ReleaseFromAccount(AccountCommand):
    """One account in which users, or all, are let out.

    What the other commands go through, this one does without: nothing is settled, read or judged before people are let
    out, no guard, budget or release holds anything back, and no write waits for the success of another.
    """

    unread = True
    independent = True

    def __init__(self, share: ReleaseShare, order: ReleaseOrder, wave: str) -> None:
        """Take the share. `wave` is the one that is released, empty where it is none."""
        super().__init__(share.account)
        self.users, self.order, self.wave = share.users, order, wave
        names = order.names
        self.arn = policy_arn(order.partition, share.account.id, names.path, names.policy)

    def wants(self, at: AccountWork) -> Wanted:
        """Find what lets them out, by as few reads as can be."""
        return Wanted(tuple(self._of_users(at) if self.users else self._of_account(at)))

    def _of_account(self, at: AccountWork) -> Iterator[Write]:
        account_id, owned, arns = self.account.id, at.progress.owned, self._policies(at)
        found = [policy for arn in arns if (policy := at.entered.policy(arn)) is not None]
        at.result.brake_was = brake_of(found[0] if found else None)
        for policy in found:
            ours = halves(policy.arn, self.order.half, owned)
            yield from (Write(change) for change in braking(account_id, policy, ours))
        # A policy of the same meaning that is not ours is never braked: what we attached it to is freed instead.
        for group, foreign in _attached_foreign(account_id, arns, at.progress):
            change = DetachFromGroup(account_id, group, foreign)
            if not at.entered.holds(change):
                yield Write(change)
        yield from _detached_from_foreign(account_id, arns, at.entered, at.progress)

    def _policies(self, at: AccountWork) -> tuple[str, ...]:
        """ARNs of our policy: by the name of the settings, and by those that it had when people came under it."""
        former = (arn for arn in at.progress.policies_in(self.account.id) if not arn.endswith("Enrolment"))
        return tuple(dict.fromkeys((self.arn, *former)))

    def _groups(self, at: AccountWork) -> Iterator[str]:
        """Name our group, as it is called now and as it was, wherever it stands at our path."""
        former = (
            group for group in at.progress.groups_in(self.account.id) if not group.endswith("Enrolment")
        )
        for group in dict.fromkeys((self.order.names.group, *former)):
            if at.entered.holds(CreateGroup(self.account.id, group, self.order.names.path)):
                yield group

    def _of_users(self, at: AccountWork) -> Iterator[Write]:
        entered, ours = at.entered, self._policies(at)
        groups = {group: entered.members(group) for group in self._groups(at)}
        carriers: dict[str, Mapping[str, str]] = {}
        for ref in self.users:
            placed = at.progress.placed.get(ref.id)
            wave = placed.wave if placed else self.wave
            policies = {*ours, placed.by} if placed and placed.by.startswith("arn:") else {*ours}
            for arn in policies - carriers.keys():
                carriers[arn] = entered.attached_users(arn)
            mine = {arn: carriers[arn] for arn in sorted(policies)}
            yield from (Write(change, wave) for change in releasing(ref, groups, mine))


def release(
    order: ReleaseOrder,
    choose: Callable[[Progress], ReleaseSelection],
    journalled: Callable[[], Progress],
    *,
    run: RunContext,
    running: Callable[[], str],
    pause: Callable[[float], None],
) -> ReleaseResult:
    """Let out whom `choose` means: first on record and for running applies to see, then in AWS.

    `journalled` reads what the journal says now, as far as it can be read. Who is meant is decided here, after the
    operator was asked, and again once a running apply has had time to see the release: `running` names it, `pause` lets
    its change in hand end. Raises EmptySelection, before any write.
    """
    run = replace(run, journal=_ForgivingJournal(run.journal, run.progress))
    known = journalled()
    scope, shares = choose(known)
    run.begin(RELEASE)
    _put_on_record(order, scope, run)
    at_work = running()
    result = _carry(order, scope, shares, known, run)
    if at_work and not run.rehearsal:
        # What it had in hand when it was told may have come after us.
        pause(LONG_ENOUGH)
        known = journalled()
        before, (scope, shares) = scope, choose(known)
        if scope != before:
            _put_on_record(order, scope, run)
        result = _both(result, _carry(order, scope, shares, known, run))
    run.end(result.ending, {"writes": result.writes})
    return ReleaseResult(result.accounts, result.unbegun, release_scope=scope, running=at_work)


def _put_on_record(order: ReleaseOrder, scope: ReleaseScope, run: RunContext) -> None:
    """Journal the release, and let runs under way see it. A second record of a run takes the place of the first.

    Raises Refused where it is to end by itself and could not be put on record, for nothing would end it.
    """
    released = Released(run.id, run.now(), scope, order.until, order.reason, run.caller)
    run.journal.append(released)
    if order.until and isinstance(run.journal, _ForgivingJournal) and run.journal.broken:
        raise Refused(
            "a release with --for has to be on record to end, and the journal cannot be written",
            cure="leave --for out: everybody is let out at once, and you end it with --end",
        )
    try:
        run.marker.add(released)
    except Unwritable as problem:
        run.progress.say(f"Runs under way cannot be told: {problem}. Stop them by hand.")


def _carry(
    order: ReleaseOrder,
    scope: ReleaseScope,
    shares: Sequence[ReleaseShare],
    known: Progress,
    run: RunContext,
) -> RunResult:
    commands = [ReleaseFromAccount(share, order, scope.wave) for share in shares]
    return AccountRunner(run=run, progress=known).carry_all(commands, "Letting out in accounts")


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


def _attached_foreign(account_id: str, arns: Collection[str], known: Progress) -> Iterator[tuple[str, str]]:
    for done in known.owned.of(AttachToGroup):
        change = done.intent.change
        if not isinstance(change, AttachToGroup) or change.account_id != account_id:
            continue
        if change.policy_arn not in arns and not is_about_enrolment(change):
            yield change.group, change.policy_arn


def _detached_from_foreign(
    account_id: str, arns: Collection[str], entered: OpenAccount, known: Progress
) -> Iterator[Write]:
    for placed in known.placed.values():
        by = placed.by
        if placed.user.account_id == account_id and by.startswith("arn:") and by not in arns:
            carriers = entered.attached_users(by)
            if placed.user.id in carriers:
                user = renamed(placed.user, carriers[placed.user.id])
                yield Write(DetachFromUser(account_id, user, by), placed.wave)


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
