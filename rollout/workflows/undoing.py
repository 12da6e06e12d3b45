"""Undoes in one account: people first, a few at a time, then what they hung on, one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rollout.domain.actions.undoing import Chosen, Left, Undo, undo
from rollout.domain.people.organization import Account
from rollout.domain.policy.changes import AlreadyInPlace, Applied, Change, Failed, Outcome, Skipped
from rollout.domain.progress.owned import OwnedResources
from rollout.domain.progress.records import AccountFailed
from rollout.workflows.apply.maker import Maker
from rollout.workflows.apply.order import OneByOne
from rollout.workflows.ports import AccountAccess, CannotEnter, Clock, Engine, Journal, Lock, OpenAccount
from rollout.workflows.ports import Progress as ProgressPort


@dataclass(frozen=True, slots=True)
class RollbackTools:
    """The ports that a rollback needs. `engine` runs accounts side by side, `within` the people of one account."""

    access: AccountAccess
    engine: Engine
    journal: Journal
    lock: Lock
    clock: Clock
    progress: ProgressPort
    stopping: Callable[[], bool]
    within: Engine = field(default_factory=OneByOne)


@dataclass(slots=True)
class AccountBack:
    """What came of one account: what was undone, what stays and why, what could not be done."""

    account_id: str
    undone: list[Change] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    interrupted: bool = False
    lost: bool = False
    """Somebody has taken the lock."""


def undo_account(
    account: Account,
    run: str,
    chosen: Chosen,
    tools: RollbackTools,
    maker: Maker,
    made_now: Callable[[OpenAccount], OwnedResources],
) -> AccountBack:
    """Undo the chosen changes in one account. One that cannot be entered is journalled and answered, never raised.

    `made_now` settles what a run that died left open there, and says what stands by our doing.
    """
    back = AccountBack(account.id)
    if not _goes_on(back, tools):
        return back
    try:
        entered = tools.access.enter(account)
        undoing = undo(account.id, entered.read(), made_now(entered), chosen)
        back.left += undoing.left
        _let_go(undoing.people, entered, tools, maker, back)
        if back.interrupted or back.lost:
            return back
        if back.failed:
            back.left.append(Left("policies and groups", "somebody could not be let go: run it again"))
            return back
        for step in undoing.foundations:
            if not _goes_on(back, tools) or not _take(step, _try(step, entered, maker), back):
                return back
    except CannotEnter as refusal:
        back.failed.append(f"{refusal.why}. {refusal.cure}" if refusal.cure else refusal.why)
        tools.journal.append(AccountFailed(run, tools.clock.now(), account.id, refusal.why, refusal.cure))
    return back


def _goes_on(back: AccountBack, tools: RollbackTools) -> bool:
    """Tell whether the next change may begin: nobody asked to stop, nobody took the lock.

    See design.md#apply-journal-store.
    """
    back.interrupted = tools.stopping()
    if not back.interrupted and not tools.lock.still_held():
        back.lost = True
        return False
    return not back.interrupted


def _let_go(
    steps: Sequence[Undo], entered: OpenAccount, tools: RollbackTools, maker: Maker, back: AccountBack
) -> None:
    """Undo what concerns people, a few at a time; what comes of it is counted here, in one thread."""

    def one(item: tuple[int, Undo]) -> Outcome | None:
        return _try(item[1], entered, maker) if _goes_on(back, tools) else None

    tried = {number: outcome for (number, _), outcome in tools.within.map(one, enumerate(steps))}
    for number, outcome in sorted(tried.items()):
        if outcome is not None:
            _take(steps[number], outcome, back)
    if len(tried) < len(steps):
        back.interrupted = True


def _try(step: Undo, entered: OpenAccount, maker: Maker) -> Outcome:
    if step.in_place:
        maker.note_present(step.change, step.wave)
        return AlreadyInPlace()
    return maker.make(step.change, entered, step.wave)


def _take(step: Undo, outcome: Outcome, back: AccountBack) -> bool:
    """Count what came of one change; tell whether what comes after it may go on."""
    match outcome:
        case Applied():
            back.undone.append(step.change)
        case Failed(why=why):
            back.failed.append(f"{type(step.change).__name__}: {why}")
            return False
        case AlreadyInPlace() | Skipped():
            pass  # gone already: nothing to undo
    return True
