"""`rollout rollback`: undoes, from the journal alone, exactly what this tool made; resumable, and journalled itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rollout.domain.actions.undoing import Chosen, Left
from rollout.domain.people.organization import Account
from rollout.domain.people.scope import Selection
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToUser,
    DetachFromUser,
    RemoveMember,
    is_about_enrolment,
)
from rollout.domain.progress.owned import OwnedResources, owned_resources
from rollout.domain.progress.records import RunEnded, RunStarted, WaveUndone
from rollout.domain.progress.replay import Done, Progress, replay
from rollout.domain.progress.stages import Stage
from rollout.errors import EmptySelection
from rollout.workflows.apply.maker import Maker, Numbering
from rollout.workflows.apply.watch import lock_lost
from rollout.workflows.inventory import LIFELESS
from rollout.workflows.ports import OpenAccount
from rollout.workflows.repairing import word_for
from rollout.workflows.undoing import AccountBack, RollbackTools, undo_account

__all__ = [
    "AccountBack",
    "Foreseen",
    "RollbackOrder",
    "RollbackTools",
    "RolledBack",
    "Wanted",
    "foresee",
    "plan_id_of",
    "roll_back",
]

ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be undone: everything where nothing is said, else what every selector given takes."""

    plan: str = ""
    wave: str = ""
    selection: Selection = field(default_factory=Selection)

    def takes(self, done: Done) -> bool:
        """Tell whether a change of the past is to be undone; who names users, means nothing but users."""
        change, users = done.intent.change, self.selection.users
        if self.plan and done.started.plan_id != self.plan:
            return False
        if self.wave and done.intent.wave != self.wave:
            return False
        if not self.selection.takes_account(change.account_id, "", ""):
            return False
        if not users:
            return True
        ref = getattr(change, "user", None)
        return ref is not None and self.selection.takes_user(ref.arn, ref.name, ref.id)

    @property
    def chosen(self) -> Chosen:
        """Say it to the domain: by plan, only that plan's own things go."""
        return Chosen(self.takes, whole=not self.plan)


@dataclass(frozen=True, slots=True)
class RollbackOrder:
    """One rollback."""

    run: str
    organization_id: str
    wanted: Wanted
    caller: str
    version: str
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What came of a rollback, account by account. `unbegun`: accounts that an interruption left for later."""

    accounts: tuple[AccountBack, ...]
    unbegun: int = 0

    @property
    def interrupted(self) -> bool:
        """Tell whether it was asked to stop."""
        return self.unbegun > 0 or any(one.interrupted for one in self.accounts)

    @property
    def in_part(self) -> bool:
        """Tell whether something that should have been undone was not."""
        return any(one.failed for one in self.accounts)

    @property
    def undone(self) -> int:
        """How many writes undid something."""
        return sum(len(one.undone) for one in self.accounts)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the journal says there is to undo, before anything is looked at.

    `waves`: those of which nobody is left, and which are not yet on record as undone, since a rollback died.
    """

    people: int
    things: int
    accounts: tuple[str, ...]
    waves: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Tell whether all has been undone."""
        return not (self.accounts or self.waves)


def foresee(progress: Progress, wanted: Wanted) -> Foreseen:
    """Count what a rollback would undo. Raises EmptySelection when nothing was ever done that it could mean."""
    if not any(wanted.takes(done) for done in progress.changes):
        raise EmptySelection(
            "the journal knows no change that matches",
            cure="see what was done: changes.csv of the report, or rollout status",
        )
    dones = [done for done in _standing(progress).all if wanted.takes(done)]
    accounts = {done.intent.change.account_id for done in dones}
    accounts |= {done.intent.change.account_id for done in progress.open if wanted.takes(done)}
    people = {
        done.intent.change.user.id
        for done in dones
        if isinstance(done.intent.change, AddMember | AttachToUser)
    }
    things = sum(not isinstance(done.intent.change, AddMember | AttachToUser) for done in dones)
    return Foreseen(len(people), things, tuple(sorted(accounts)), _emptied(progress))


def plan_id_of(reference: str, progress: Progress) -> str:
    """Find a plan's id by id, stem or path, among the plans of the journal. Raises EmptySelection."""
    stem = reference.rsplit("/", 1)[-1].removesuffix(".yaml")
    known = {started.plan_id for started in progress.runs.values()} - {""}
    found = [plan_id for plan_id in known if stem == plan_id or stem.endswith(f"-{plan_id}")]
    if not found:
        raise EmptySelection(
            f'the journal knows no plan "{reference}"', cure=f"plans: {', '.join(sorted(known)) or 'none'}"
        )
    return max(found, key=len)


def roll_back(order: RollbackOrder, tools: RollbackTools, accounts: Sequence[Account]) -> RolledBack:
    """Undo. Raises LockHeld, EmptySelection."""
    with tools.lock.hold(order.organization_id, ROLLBACK):
        progress = replay(tools.journal.records(), order.organization_id)
        foreseen = foresee(progress, order.wanted)
        if foreseen.nothing:
            return RolledBack(())
        now = tools.clock.now()
        stage = Stage.DRY_RUN if order.rehearsal else Stage.ENFORCE
        plan = order.wanted.plan
        tools.journal.append(
            RunStarted(
                order.run,
                now,
                order.organization_id,
                plan,
                "",
                stage,
                order.caller,
                order.version,
                ROLLBACK,
            )
        )
        result = _carry(order, tools, progress, _share_out(foreseen.accounts, accounts))
        _undo_waves(order, tools)
        lost = any(one.lost for one in result.accounts)
        ending = word_for(lost=lost, interrupted=result.interrupted, in_part=result.in_part)
        tools.journal.append(RunEnded(order.run, tools.clock.now(), ending, {"undone": result.undone}))
    if lost:
        raise lock_lost(tools.lock, order.organization_id)
    return result


def _standing(progress: Progress) -> OwnedResources:
    return owned_resources(progress.changes)


def _share_out(ids: Iterable[str], accounts: Sequence[Account]) -> dict[str, Account | str]:
    """Find each account, or why it cannot be worked on."""
    listed = {account.id: account for account in accounts}
    shares: dict[str, Account | str] = {}
    for account_id in ids:
        account = listed.get(account_id)
        if account is None:
            shares[account_id] = "the account is not in the organization any more"
        elif account.state in LIFELESS:
            shares[account_id] = f"the account is {LIFELESS[account.state]}"
        else:
            shares[account_id] = account
    return shares


def _carry(
    order: RollbackOrder, tools: RollbackTools, progress: Progress, shares: dict[str, Account | str]
) -> RolledBack:
    maker = Maker(order.run, tools.journal, tools.clock, Numbering())
    out = [
        AccountBack(account_id, left=[Left("everything", why)])
        for account_id, why in shares.items()
        if isinstance(why, str)
    ]
    work = [account for account in shares.values() if not isinstance(account, str)]
    tools.progress.begin("Rolling back in accounts", len(work))
    begun = 0
    for account, back in tools.engine.map(lambda account: _one(account, order, tools, maker, progress), work):
        begun += 1
        out.append(back)
        tools.progress.advance(f"{account.id} {account.name}")
    tools.progress.finish()
    return RolledBack(tuple(sorted(out, key=lambda one: one.account_id)), len(work) - begun)


def _one(
    account: Account, order: RollbackOrder, tools: RollbackTools, maker: Maker, progress: Progress
) -> AccountBack:
    def made_now(entered: OpenAccount) -> OwnedResources:
        return _standing(maker.settle_all(account.id, entered, progress, order.organization_id))

    return undo_account(account, order.run, order.wanted.chosen, tools, maker, made_now)


def _undo_waves(order: RollbackOrder, tools: RollbackTools) -> None:
    """Note the waves of which nobody is left, so that they are told and carried anew."""
    for wave in _emptied(replay(tools.journal.records(), order.organization_id)):
        tools.journal.append(WaveUndone(order.run, tools.clock.now(), wave))


def _emptied(progress: Progress) -> tuple[str, ...]:
    """Name the waves of which rollbacks have let everybody go, this one or one that died before it could say so."""
    let_go = {done.intent.wave for done in progress.changes if _lets_go(done, progress)}
    carried = {wave for _, wave in progress.carried}
    staying = {placed.wave for placed in progress.placed.values()}
    return tuple(sorted((let_go & carried) - staying - {""}))


def _lets_go(done: Done, progress: Progress) -> bool:
    change = done.intent.change
    if done.started.command != ROLLBACK or not isinstance(change, RemoveMember | DetachFromUser):
        return False
    known = progress.undone.get(done.intent.wave)
    news = done.settled_at is not None and (known is None or done.settled_at >= known)
    return news and isinstance(done.outcome, Applied | AlreadyInPlace) and not is_about_enrolment(change)
