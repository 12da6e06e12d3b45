"""`rollout release`: lets users out at once. No lock, no plan; the journal only tells whom a wave or a glob means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.actions.letting_out import Brake, brake_of, pulling
from rollout.domain.people.organization import Account, policy_arn
from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    Change,
    CreateGroup,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    UserRef,
    is_about_enrolment,
)
from rollout.domain.policy.standing import Names
from rollout.domain.progress.owned import owned_resources
from rollout.domain.progress.records import (
    AccountFailed,
    Record,
    Released,
    RunEnded,
    RunEnding,
    RunStarted,
)
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.releases import RELEASE
from rollout.domain.progress.replay import Progress
from rollout.domain.progress.stages import Stage
from rollout.errors import Unwritable
from rollout.workflows.apply.maker import Maker, Numbering
from rollout.workflows.apply.order import OneByOne
from rollout.workflows.ports import (
    AccountAccess,
    CannotEnter,
    Clock,
    Engine,
    Journal,
    OpenAccount,
    StopMarker,
)
from rollout.workflows.ports import Progress as ProgressPort

LONG_ENOUGH = 5.0
"""Seconds after which a change that a running apply had in hand has come through or failed."""


@dataclass(frozen=True, slots=True)
class ReleaseOrder:
    """What is to be let out and why. `half` is the document that denies nothing, where none is left in an account."""

    run: str
    organization_id: str
    partition: str
    names: Names
    half: Mapping[str, object]
    release_scope: ReleaseScope
    until: datetime | None
    reason: str
    caller: str
    version: str
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class LettingOut:
    """One account's share: the whole of it by the brake, or these users."""

    account: Account
    users: tuple[UserRef, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseTools:
    """The ports that a release needs. `engine` runs accounts side by side, `within` the people of one account.

    `running` names a run that is under way, `pause` lets its change in hand end.
    """

    access: AccountAccess
    engine: Engine
    journal: Journal
    marker: StopMarker
    clock: Clock
    progress: ProgressPort
    running: Callable[[], str]
    pause: Callable[[float], None]
    within: Engine = field(default_factory=OneByOne)


@dataclass(slots=True)
class AccountOut:
    """What came of one account: `found` says what stood there, `failed` what could not be done."""

    account: Account
    found: Brake | None = None
    written: list[Change] = field(default_factory=list)
    already: int = 0
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LetOut:
    """What came of a release, account by account."""

    release_scope: ReleaseScope
    until: datetime | None
    accounts: tuple[AccountOut, ...]
    running: str = ""
    unbegun: int = 0

    @property
    def writes(self) -> int:
        """How many writes were made."""
        return sum(len(one.written) for one in self.accounts)

    @property
    def failed(self) -> tuple[AccountOut, ...]:
        """The accounts in which something could not be done."""
        return tuple(one for one in self.accounts if one.failed)


def release(
    order: ReleaseOrder, shares: Sequence[LettingOut], tools: ReleaseTools, known: Progress
) -> LetOut:
    """Let out whom the order reaches: first on record and for running applies to see, then in AWS."""
    journal = _Forgiving(tools.journal, tools.progress)
    now = tools.clock.now()
    stage = Stage.DRY_RUN if order.rehearsal else Stage.ENFORCE
    word = Released(order.run, now, order.release_scope, order.until, order.reason, order.caller)
    journal.append(
        RunStarted(
            order.run, now, order.organization_id, "", "", stage, order.caller, order.version, RELEASE
        ),
        word,
    )
    try:
        tools.marker.put(word)
    except Unwritable as problem:
        tools.progress.say(f"Runs under way cannot be told: {problem}. Stop them by hand.")
    maker = Maker(order.run, journal, tools.clock, Numbering())
    running = tools.running()
    done = {one.account.id: one for one in _carry(order, shares, tools, maker, known)}
    if running and not order.rehearsal:
        # What it had in hand when the word was put may have come after us.
        tools.pause(LONG_ENOUGH)
        for one in _carry(order, shares, tools, maker, known):
            done.setdefault(one.account.id, one).written += one.written
    accounts = tuple(done[key] for key in sorted(done))
    missing = len(shares) - len(accounts)
    ending = RunEnding.IN_PART if missing or any(one.failed for one in accounts) else RunEnding.DONE
    result = LetOut(order.release_scope, order.until, accounts, running, missing)
    journal.append(RunEnded(order.run, tools.clock.now(), ending, {"writes": result.writes}))
    return result


def _carry(
    order: ReleaseOrder, shares: Sequence[LettingOut], tools: ReleaseTools, maker: Maker, known: Progress
) -> Iterator[AccountOut]:
    tools.progress.begin("Letting out in accounts", len(shares))
    for share, out in tools.engine.map(lambda share: _let_out(share, order, tools, maker, known), shares):
        tools.progress.advance(f"{share.account.id} {share.account.name}")
        yield out
    tools.progress.finish()


def _let_out(
    share: LettingOut, order: ReleaseOrder, tools: ReleaseTools, maker: Maker, known: Progress
) -> AccountOut:
    out = AccountOut(share.account)
    try:
        entered = tools.access.enter(share.account)
        if share.users:
            changes = list(_users_changes(share, order, entered, known))
            made = tools.within.map(lambda item: maker.make(item[0], entered, item[1]), changes)
            for (change, _), outcome in made:
                _take(change, outcome, out)
            if len(out.written) + len(out.failed) + out.already < len(changes):
                out.failed.append("ended early: run it again for the others")
        else:
            for change, wave in _brake_changes(share.account.id, order, entered, out, known):
                _take(change, maker.make(change, entered, wave), out)
    except CannotEnter as refusal:
        out.failed.append(f"{refusal.why}. {refusal.cure}" if refusal.cure else refusal.why)
        maker.journal.append(
            AccountFailed(order.run, tools.clock.now(), share.account.id, refusal.why, refusal.cure)
        )
    return out


def _take(change: Change, outcome: Outcome, out: AccountOut) -> None:
    match outcome:
        case Applied():
            out.written.append(change)
        case AlreadyInPlace():
            out.already += 1
        case Failed(why=why):
            out.failed.append(f"{type(change).__name__}: {why}")
        case _:
            out.already += 1  # gone: nobody is left to be let out


def _brake_changes(
    account_id: str, order: ReleaseOrder, entered: OpenAccount, out: AccountOut, known: Progress
) -> Iterator[tuple[Change, str]]:
    names = order.names
    arn = policy_arn(order.partition, account_id, names.path, names.policy)
    policy = entered.policy(arn)
    out.found = brake_of(policy)
    if policy is not None:
        yield from ((change, "") for change in pulling(account_id, policy, order.half))
    # A policy of the same meaning that is not ours is never braked: what we hung on it is taken off instead.
    for group, foreign in _hung_on_foreign(account_id, arn, known):
        if not entered.holds(DetachFromGroup(account_id, group, foreign)):
            yield DetachFromGroup(account_id, group, foreign), ""
    yield from _detached_from_foreign(account_id, arn, entered, known)


def _hung_on_foreign(account_id: str, arn: str, known: Progress) -> Iterator[tuple[str, str]]:
    for done in owned_resources(known.changes).of(AttachToGroup):
        change = done.intent.change
        if not isinstance(change, AttachToGroup) or change.account_id != account_id:
            continue
        if change.policy_arn != arn and not is_about_enrolment(change):
            yield change.group, change.policy_arn


def _detached_from_foreign(
    account_id: str, arn: str, entered: OpenAccount, known: Progress
) -> Iterator[tuple[Change, str]]:
    for placed in known.placed.values():
        by = placed.by
        if placed.user.account_id == account_id and by.startswith("arn:") and by != arn:
            change = DetachFromUser(account_id, placed.user, by)
            if not entered.holds(change):
                yield change, placed.wave


def _users_changes(
    share: LettingOut, order: ReleaseOrder, entered: OpenAccount, known: Progress
) -> Iterator[tuple[Change, str]]:
    account_id, names = share.account.id, order.names
    ours = entered.holds(CreateGroup(account_id, names.group, names.path))
    members = entered.members(names.group) if ours else frozenset()
    arn = policy_arn(order.partition, account_id, names.path, names.policy)
    carriers: dict[str, frozenset[str]] = {}
    for ref in share.users:
        placed = known.placed.get(ref.id)
        wave = placed.wave if placed else order.release_scope.wave
        if ref.id in members:
            yield RemoveMember(account_id, names.group, ref), wave
        for policy in {arn, placed.by} if placed and placed.by.startswith("arn:") else {arn}:
            if policy not in carriers:
                carriers[policy] = entered.attached_users(policy)
            if ref.id in carriers[policy]:
                yield DetachFromUser(account_id, ref, policy), wave


@dataclass(slots=True)
class _Forgiving:
    """A journal that cannot be written stops no release: the brake itself says that it is pulled."""

    inner: Journal
    progress: ProgressPort
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
