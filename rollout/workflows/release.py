"""`rollout release`: lets users out at once. No lock, no plan; the journal only tells whom a wave or a glob means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.actions.writes import Write, braking, halves, releasing, renamed
from rollout.domain.people.organization import Account
from rollout.domain.people.users import UserRef
from rollout.domain.policy.brake import brake_of
from rollout.domain.policy.changes import DetachFromGroup, DetachFromUser, is_about_enrolment
from rollout.domain.policy.made import Made, attached_to_groups
from rollout.domain.policy.our_arns import OurArns, our_arns
from rollout.domain.policy.our_resources import Names, adopted
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Released
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.releases import RELEASE
from rollout.errors import Refused, RolloutError
from rollout.workflows.account_run import AccountCommand, AccountRunner, AccountWork, RunResult, Wanted
from rollout.workflows.account_run.found_by_tags import FoundByTags, find_ours
from rollout.workflows.recording.release_journal import Recording, ReleaseJournal
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
    """The result of a release of `release_scope`.

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
        self.found = FoundByTags()

    def ours(self, at: AccountWork) -> OurArns:
        """List what may be written to: what the journal knows, what rollout.yaml names, and what was found by tags."""
        made = self.found.added_to(at.progress.made_in(self.account.id))
        return our_arns(self.order.partition, self.account.id, self.order.names, made)

    def wants(self, at: AccountWork) -> Wanted:
        """Find what lets them out, by as few reads as can be."""
        names, made = self.order.names, at.progress.made_in(self.account.id)
        known = self.ours(at)
        self.found = find_ours(at.entered, known, names, made, groups_too=bool(self.users))
        at.result.failed += self.found.strangers
        if self.ours(at) != known:
            # The session may only write to what it was opened for.
            at.entered = at.run.access.enter(self.account, self.found.added_to(made))
        return Wanted(tuple(self._of_users(at) if self.users else self._of_account(at)))

    def _of_account(self, at: AccountWork) -> Iterator[Write]:
        account_id, owned = self.account.id, at.progress.owned
        at.result.brake_was = brake_of(self.found.policies[0] if self.found.policies else None)
        for policy in self.found.policies:
            ours = halves(policy.arn, self.order.half, owned)
            yield from (Write(change) for change in braking(account_id, policy, ours))
        # A policy that is not ours is never braked: what an earlier version attached it to is freed instead.
        made = at.progress.made_in(account_id)
        for group, arn in attached_to_groups(made, adopted(made, account_id, self.order.names)):
            change = DetachFromGroup(account_id, group, arn)
            if not is_about_enrolment(change) and not at.entered.holds(change):
                yield Write(change)
        for arn in self._adopted(at):
            for user_id, name in at.entered.attached_users(arn).items():
                placed = at.progress.placed.get(user_id)
                if placed is not None:
                    yield Write(DetachFromUser(account_id, renamed(placed.user, name), arn), placed.wave)

    def _adopted(self, at: AccountWork) -> list[str]:
        """ARNs of policies of others that an earlier version attached, but for the right to enrol."""
        foreign = adopted(at.progress.made_in(self.account.id), self.account.id, self.order.names)
        return sorted(arn for arn in foreign if not arn.endswith("Enrolment"))

    def _of_users(self, at: AccountWork) -> Iterator[Write]:
        groups = {group: at.entered.members(group) for group in self.found.groups}
        arns = [*(policy.arn for policy in self.found.policies), *self._adopted(at)]
        carriers = {arn: at.entered.attached_users(arn) for arn in arns}
        for ref in self.users:
            placed = at.progress.placed.get(ref.id)
            wave = placed.wave if placed else self.wave
            yield from (Write(change, wave) for change in releasing(ref, groups, carriers))


def release(
    order: ReleaseOrder,
    choose: Callable[[Progress], ReleaseSelection],
    journalled: Callable[[], Progress],
    *,
    run: RunContext,
    running: Callable[[], str],
    pause: Callable[[float], None],
    recording: Recording = Recording(),  # noqa: B008 - a frozen value
) -> ReleaseResult:
    """Let out whom `choose` means: first on record and for running applies to see, then in AWS.

    `journalled` reads what the journal says now, as far as it can be read. Who is meant is decided here, after the
    operator was asked, and again once a running apply has had time to see the release: `running` names it, `pause` lets
    its change in hand end. If it is recorded later, accounts are let out before the journal is read, too; it may know
    of more there. Raises EmptySelection, before any write.
    """
    journal = ReleaseJournal(run.journal, recording)
    run = replace(run, journal=journal)
    known = Progress() if recording.later else journalled()
    scope, shares = choose(known)
    run.begin(RELEASE)
    try:
        _put_on_record(order, scope, run, journal)
    except Refused:
        journal.forget()  # nothing was done
        raise
    at_work = running()
    result = _carry(order, scope, shares, known, run)
    again = bool(at_work) and not run.rehearsal
    if again:
        # What it had in hand when it was told may have come after us.
        pause(LONG_ENOUGH)
    if recording.later:
        journal.catch_up()
        known = journalled()
        again = again or _tells_more(known, result, order)
    elif again:
        known = journalled()
    if again:
        before, (scope, shares) = scope, choose(known)
        if scope != before:
            _put_on_record(order, scope, run, journal)
        result = _both(result, _carry(order, scope, shares, known, run))
    run.end(result.ending, {"writes": result.writes})
    if journal.unrecorded:
        run.progress.say(journal.unrecorded)
    return ReleaseResult(result.accounts, result.unbegun, release_scope=scope, running=at_work)


def _tells_more(known: Progress, result: RunResult, order: ReleaseOrder) -> bool:
    """Tell whether the journal knows of more in the accounts than what tags and today's names have shown."""
    for one in result.accounts:
        account_id, made = one.account.id, known.made_in(one.account.id)
        plain = our_arns(order.partition, account_id, order.names, Made()).policies
        if one.failed or adopted(made, account_id, order.names) or not set(made.policies) <= set(plain):
            return True
    return False


def _put_on_record(
    order: ReleaseOrder, scope: ReleaseScope, run: RunContext, journal: ReleaseJournal
) -> None:
    """Journal the release, and let runs under way see it. A second record of a run takes the place of the first.

    Raises Refused where it is to end by itself and could not be put on record, for nothing would end it.
    """
    released = Released(run.id, run.now(), scope, order.until, order.reason, run.caller)
    journal.append(released)
    if order.until and journal.problem:
        raise Refused(
            f"a release with --for ends only if it is recorded, and it cannot be: {journal.problem}",
            cure="omit --for: users are released at once, until you run release --end",
        )
    try:
        run.marker.add(released)
    except RolloutError as problem:
        run.progress.say(f"Active runs cannot be notified: {problem}. Stop them by hand.")


def _carry(
    order: ReleaseOrder,
    scope: ReleaseScope,
    shares: Sequence[ReleaseShare],
    known: Progress,
    run: RunContext,
) -> RunResult:
    commands = [ReleaseFromAccount(share, order, scope.wave) for share in shares]
    return AccountRunner(run=run, progress=known).carry_all(commands, "Releasing in accounts")


def _both(first: RunResult, again: RunResult) -> RunResult:
    """Say how it stands now that accounts were looked at again, with all that was written."""
    before = {one.account.id: one for one in first.accounts}
    for one in again.accounts:
        earlier = before.get(one.account.id)
        if earlier is not None:
            one.written[:0] = earlier.written
            one.brake_was = earlier.brake_was or one.brake_was
            if one.interrupted:  # it was not looked at to the end
                one.failed[:0] = earlier.failed
        before[one.account.id] = one
    results = tuple(before[account_id] for account_id in sorted(before))
    return RunResult(results, min(first.unbegun, again.unbegun))
