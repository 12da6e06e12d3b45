"""`rollout rollback`: undoes, from the journal alone, exactly what this tool made; resumable, and journalled itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rollout.domain.actions.writes import Chosen, Left, undoing
from rollout.domain.people.organization import Account
from rollout.domain.people.scope import Selection
from rollout.domain.people.users import User, UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AttachToUser,
    Skipped,
    user_of,
)
from rollout.domain.progress.history import History
from rollout.domain.progress.owned import PastChange
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import WaveUndone
from rollout.domain.progress.releases import ROLLBACK
from rollout.errors import EmptySelection
from rollout.workflows.account_run import (
    AccountCommand,
    AccountResult,
    AccountRunner,
    AccountWork,
    RunResult,
    Wanted,
)
from rollout.workflows.inventory import LIFELESS
from rollout.workflows.release_selection import unlisted
from rollout.workflows.run_context import JudgementBasis, RunContext


@dataclass(frozen=True, slots=True)
class RollbackChoice:
    """What is to be undone: everything where nothing is said, else what every selector given takes."""

    plan: str = ""
    wave: str = ""
    selection: Selection = field(default_factory=Selection)

    def takes(self, done: PastChange) -> bool:
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
        ref = user_of(change)
        return ref is not None and self.selection.takes_user(ref.arn, ref.name, ref.id)

    @property
    def chosen(self) -> Chosen:
        """Say it to the domain: by plan, only that plan's own things go."""
        return Chosen(self.takes, whole=not self.plan)


class RollbackInAccount(AccountCommand):
    """One account in which the chosen changes are undone: people first, then what they were attached to."""

    def __init__(self, account: Account, chosen: Chosen) -> None:
        """Take the account, and what is to be undone."""
        super().__init__(account)
        self.chosen = chosen
        self._somebody_stays = False

    def wants(self, at: AccountWork) -> Wanted:
        """Find what undoes the chosen changes, once it is known what else depends on our policies."""
        made = at.progress.owned.in_account(self.account.id).versions
        dependents = {arn: at.entered.dependents(arn) for arn in made if arn in at.context.facts.policies}
        found = undoing(at.context, self.chosen, dependents)
        at.result.left += found.left
        return Wanted((*found.people, *found.foundations))

    def kept_released(self, at: AccountWork, users: Collection[User], *, by_brake: bool) -> None:
        """Leave nobody: whoever was let out is rolled back like everybody else."""

    def leaves(self, user: UserRef, wave: str, why: Skipped) -> None:
        """Note that a user could not be removed."""
        self._somebody_stays = True

    def finish(self, at: AccountWork) -> None:
        """Report why the rest was not started."""
        if self._somebody_stays:
            at.result.left.append(
                Left("policies and groups", "a user could not be removed; run the command again")
            )


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


def foresee(progress: Progress, wanted: RollbackChoice, past: Callable[[], History]) -> Foreseen:
    """Count what a rollback would undo. Raises EmptySelection when a selector means nothing that was ever done.

    `past` is asked only where nothing that stands now is meant.
    """
    dones = [done for done in progress.owned.all if wanted.takes(done)]
    unsettled = [done for done in progress.open if wanted.takes(done)]
    if not (dones or unsettled) or len(wanted.selection.users) > 1:
        _check_meant(wanted, past().changes)
    accounts = {done.intent.change.account_id for done in (*dones, *unsettled)}
    people = {
        done.intent.change.user.id
        for done in dones
        if isinstance(done.intent.change, AddMember | AttachToUser)
    }
    things = sum(not isinstance(done.intent.change, AddMember | AttachToUser) for done in dones)
    return Foreseen(len(people), things, tuple(sorted(accounts)), _emptied(progress))


def _check_meant(wanted: RollbackChoice, changes: Sequence[PastChange]) -> None:
    for glob in wanted.selection.users:
        one = Selection(users=(glob,))
        refs = (user_of(done.intent.change) for done in changes)
        if not any(ref is not None and one.takes_user(ref.arn, ref.name, ref.id) for ref in refs):
            raise EmptySelection(
                f"the journal has no change that matches --user {glob}",
                cure="see who was enforced: changes.csv of the report",
            )
    if not any(wanted.takes(done) for done in changes):
        raise EmptySelection(
            "the journal has no change that matches",
            cure="see what was done: changes.csv of the report, or rollout status",
        )


def plan_id_of(reference: str, progress: Progress) -> str:
    """Find a plan's id by id, stem or path, among the plans of the journal. Raises EmptySelection."""
    stem = reference.rsplit("/", 1)[-1].removesuffix(".yaml")
    known = {started.plan_id for started in progress.runs.values()} - {""}
    found = [plan_id for plan_id in known if stem == plan_id or stem.endswith(f"-{plan_id}")]
    if not found:
        raise EmptySelection(
            f'the journal has no plan "{reference}"', cure=f"plans: {', '.join(sorted(known)) or 'none'}"
        )
    return max(found, key=len)


def roll_back(
    wanted: RollbackChoice, accounts: Sequence[Account], *, run: RunContext, basis: JudgementBasis
) -> RunResult:
    """Undo. Raises LockHeld, EmptySelection."""
    with run.lock.hold(run.organization_id, ROLLBACK):
        progress = run.replay()
        foreseen = foresee(progress, wanted, run.history)
        if foreseen.nothing:
            return RunResult(())
        run.begin(ROLLBACK, plan_id=wanted.plan)
        shares = _share_out(foreseen.accounts, accounts)
        commands = [
            RollbackInAccount(account, wanted.chosen)
            for account in shares.values()
            if not isinstance(account, str)
        ]
        runner = AccountRunner(run=run, progress=progress, basis=basis)
        carried = runner.carry_all(commands, "Rolling back in accounts")
        others = (*_not_entered(shares), *_never_made(progress))
        results = sorted((*carried.accounts, *others), key=lambda one: one.account.id)
        result = RunResult(tuple(results), carried.unbegun)
        for wave in _emptied(run.replay()):
            # Nobody of it is left: it is told and carried anew.
            run.journal.append(WaveUndone(run.id, run.now(), wave))
        run.end(result.ending, {"undone": result.writes})
    return result


def _not_entered(shares: Mapping[str, Account | str]) -> Iterator[AccountResult]:
    for account_id, share in shares.items():
        if isinstance(share, str):
            yield AccountResult(unlisted(account_id), left=[Left("everything", share)])


def _never_made(progress: Progress) -> Iterator[AccountResult]:
    """Leave what somebody else wrote into the journal."""
    for account_id, what, why in sorted(progress.impossible):
        left = Left(what, f"rollout never made this: {why}")
        yield AccountResult(unlisted(account_id), left=[left])


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


def _emptied(progress: Progress) -> tuple[str, ...]:
    """Name the waves of which rollbacks have let everybody go, this one or one that died before it could say so."""
    let_go = {
        wave
        for wave, at in progress.rolled_back.items()
        if wave not in progress.undone or at >= progress.undone[wave]
    }
    carried = {wave for _, wave in progress.carried}
    staying = {placed.wave for placed in progress.placed.values()}
    return tuple(sorted((let_go & carried) - staying - {""}))
