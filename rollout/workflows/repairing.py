"""Puts accounts right one by one: enter, read, judge again, change in order; shared by `release --end` and `--fix`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rollout.domain.actions.letting_out import merged
from rollout.domain.actions.repairs import Wishes, repairing
from rollout.domain.actions.sight import Sight, see
from rollout.domain.actions.wishes import Stays
from rollout.domain.people.inventory import Observed
from rollout.domain.people.organization import Account
from rollout.domain.people.users import NamedPolicy
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToUser,
    Change,
    DetachFromUser,
    Failed,
    RemoveMember,
    Skipped,
)
from rollout.domain.progress.owned import owned_resources
from rollout.domain.progress.records import (
    AccountFailed,
    RunEnding,
)
from rollout.domain.progress.releases import ReleaseRecord
from rollout.domain.progress.replay import Progress, replay
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import Rules
from rollout.workflows.apply.maker import Maker
from rollout.workflows.freshening import freshened
from rollout.workflows.ports import (
    AccountAccess,
    CannotEnter,
    Clock,
    Engine,
    Journal,
    Lock,
    OpenAccount,
    StopMarker,
)
from rollout.workflows.ports import Progress as ProgressPort

Levels = Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] | None
Wishing = Callable[[Sight], tuple[Wishes, tuple[Stays, ...]]]
NO_USER = ""


@dataclass(frozen=True, slots=True)
class RepairTools:
    """The ports that putting right needs."""

    access: AccountAccess
    engine: Engine
    journal: Journal
    lock: Lock
    marker: StopMarker
    clock: Clock
    progress: ProgressPort
    stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Eyes:
    """What every account of a run is looked at with. `levels` None: service control policies could not be read."""

    run: str
    organization_id: str
    rules: Rules
    levels: Levels
    tags: Mapping[str, str]
    library: Library = field(default_factory=Library)

    def sight(
        self, observed: Observed, progress: Progress, words: Sequence[ReleaseRecord], clock: Clock
    ) -> Sight:
        """Judge an account as it was read."""
        return see(observed, self.rules, self.library, progress, words, clock.now(), self.tags)


@dataclass(slots=True)
class Repaired:
    """What came of one account."""

    account: Account
    written: list[Change] = field(default_factory=list)
    stays: list[Stays] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    interrupted: bool = False
    lost: bool = False
    """Somebody has taken the lock."""


def repair(
    accounts: Sequence[Account], wishing: Wishing, eyes: Eyes, tools: RepairTools, maker: Maker, what: str
) -> Iterator[Repaired]:
    """Put accounts right, side by side."""
    progress = replay(tools.journal.records(), eyes.organization_id)
    tools.progress.begin(what, len(accounts))
    for account, repaired in tools.engine.map(
        lambda account: _one(account, wishing, eyes, tools, maker, progress), accounts
    ):
        tools.progress.advance(f"{account.id} {account.name}")
        yield repaired
    tools.progress.finish()


def word_for(*, lost: bool, interrupted: bool, in_part: bool) -> RunEnding:
    """Say in a word how a run ended, for its last record."""
    if lost:
        return RunEnding.LOCK_LOST
    return RunEnding.INTERRUPTED if interrupted else RunEnding.IN_PART if in_part else RunEnding.DONE


def _one(
    account: Account, wishing: Wishing, eyes: Eyes, tools: RepairTools, maker: Maker, progress: Progress
) -> Repaired:
    repaired = Repaired(account)
    if not _goes_on(repaired, tools):
        return repaired
    try:
        entered = tools.access.enter(account)
        progress = maker.settle_all(account.id, entered, progress, eyes.organization_id)
        facts = freshened(entered.read(), entered, eyes.rules.names.group, progress)
        levels = None if eyes.levels is None else eyes.levels.get(account.id)
        words = merged(progress.releases.words, tools.marker.words())
        sight = eyes.sight(Observed(account, entered.role, facts, levels), progress, words, tools.clock)
        wishes, stays = wishing(sight)
        repaired.stays += stays
        repairs = repairing(sight, wishes, owned_resources(progress.changes))
        if repairs.refused:
            repaired.failed.append(repairs.refused)
        _make(repairs.changes, sight, entered, tools, maker, repaired)
    except CannotEnter as refusal:
        repaired.failed.append(f"{refusal.why}. {refusal.cure}" if refusal.cure else refusal.why)
        tools.journal.append(
            AccountFailed(eyes.run, tools.clock.now(), account.id, refusal.why, refusal.cure)
        )
    return repaired


def _make(
    changes: Sequence[Change],
    sight: Sight,
    entered: OpenAccount,
    tools: RepairTools,
    maker: Maker,
    repaired: Repaired,
) -> None:
    for change in changes:
        if not _goes_on(repaired, tools):
            return
        outcome = maker.make(change, entered, _wave_of(change, sight))
        match outcome:
            case Applied() | AlreadyInPlace():
                repaired.written.append(change)
            case Failed(why=why):
                repaired.failed.append(f"{type(change).__name__}: {why}")
            case Skipped(detail=detail):
                repaired.failed.append(f"{type(change).__name__}: {detail}")
        concerns_one = isinstance(change, AddMember | AttachToUser | RemoveMember | DetachFromUser)
        if not isinstance(outcome, Applied) and not concerns_one:
            return  # what comes after it builds on it


def _goes_on(repaired: Repaired, tools: RepairTools) -> bool:
    """Tell whether the next change may begin: nobody asked to stop, nobody took the lock.

    See design.md#apply-journal-store.
    """
    repaired.interrupted = tools.stopping()
    if not repaired.interrupted and not tools.lock.still_held():
        repaired.lost = True
        return False
    return not repaired.interrupted


def _wave_of(change: Change, sight: Sight) -> str:
    ref = getattr(change, "user", None)
    if ref is None:
        return NO_USER
    returning = sight.progress.releases.returning.get(ref.id)
    placed = sight.progress.placed.get(ref.id)
    return returning.wave if returning else placed.wave if placed else NO_USER
