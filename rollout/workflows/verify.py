"""`rollout verify`: finds drift, and with `--fix` restores what the plan decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.repair import Repair, to_fix
from rollout.domain.drift import (
    Drift,
    Drifted,
    HeadCount,
    about_accounts,
    about_records,
    about_unsettled,
    as_settled,
    drift_of,
    seen,
    unsettled_writes,
    written_between,
)
from rollout.domain.gates.left_alone import Witness
from rollout.domain.gates.readiness import Notified
from rollout.domain.people.observations import Inventory
from rollout.domain.people.organization import Account
from rollout.domain.plan.entries import AccountPlan
from rollout.domain.policy.our_resources import Names, adopted
from rollout.domain.progress.projection import KnownEnforcement, Placed, Progress
from rollout.domain.progress.records import Deadlocked, Enforcement, EnforcementSeen, Record
from rollout.domain.progress.release_state import describe_release, lasting_releases
from rollout.domain.progress.releases import ToReturn
from rollout.domain.status.user_status import Statuses, UserStatus
from rollout.errors import PlanRefused, Unwritable
from rollout.workflows.account_run import AccountRunner, RunResult
from rollout.workflows.account_run.repair_account import RepairAccount, decided_waves, runner_for_putting_back
from rollout.workflows.account_run.replace_adopted import ReplaceAdopted
from rollout.workflows.account_run.wave_gates import GatedBy
from rollout.workflows.inventory import Premises
from rollout.workflows.ports import StoredPlan
from rollout.workflows.run_context import JudgementBasis, RunContext

FIXING = "verify --fix"
OVERTAKEN = "a run wrote there whenever it was read; run rollout verify again"
NOT_OURS = frozenset({Enforcement.NEVER, Enforcement.UNDONE, Enforcement.NOT_FOUND, Enforcement.GONE})
"""None of our policies applies to such a user, for whatever reason."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of a check. `let_out`: releases without an end, which are not drift.

    `unsettled` counts the changes that runs left open in these accounts when they died. `overtaken` are accounts in
    which a run wrote while they were read; nothing is said about them but that.
    """

    drifts: tuple[Drift, ...]
    let_out: tuple[str, ...]
    count: HeadCount
    accounts: int
    unreachable: tuple[tuple[str, str], ...]
    unsettled: int
    overtaken: frozenset[str] = frozenset()

    @property
    def clean(self) -> bool:
        """Whether no drift was found in the accounts that could be read."""
        return not self.drifts

    @property
    def calls_for_fix(self) -> bool:
        """Whether `--fix` has anything to do, if only to settle what AWS already shows."""
        return not self.clean or self.unsettled > 0


@dataclass(frozen=True, slots=True)
class FixOrder:
    """What `--fix` may do. `policy` and `settings` are today's digests, as the plan has them."""

    gated: GatedBy
    policy: str
    settings: str
    memberships: bool

    @property
    def plan(self) -> StoredPlan:
        """The plan that has decided."""
        return self.gated.plan


class FixAccount(RepairAccount):
    """Repairs the drift of one account."""

    def __init__(self, account: Account, waves: Mapping[str, str], *, memberships: bool) -> None:
        """Take the account, and what the plan has decided about it. `memberships`: also undo removals by hand."""
        super().__init__(account, waves)
        self.memberships = memberships

    def repair(self, context: AccountContext) -> Repair:
        """Restore what the plan decided."""
        return to_fix(context, memberships=self.memberships)


def verify(
    inventory: Inventory,
    stored: StoredPlan,
    *,
    run: RunContext,
    basis: JudgementBasis,
    before: Progress | None = None,
) -> Verified:
    """Compare the inventory with plan and journal. `before`: what the journal said before the accounts were read.

    Journals deadlocked users, changed enforcement, and who is left alone on purpose; writes nothing else.
    """
    progress = run.replay()
    releases = run.releases(progress)
    planned = {part.account_id: part for part in stored.accounts()}
    now = run.now()
    statuses = Statuses(stored.header, progress, Notified.by(basis.rules), now)
    drifts: list[Drift] = []
    count = HeadCount()
    overtaken = written_between(before, progress) if before else frozenset[str]()
    observations = [one for one in inventory.observed if one.account.id not in overtaken]
    for observed in observations:
        # What a run that died has written is not somebody else's hand.
        open_writes = unsettled_writes(observed, progress)
        settled = as_settled(observed.account.id, open_writes, progress)
        context = basis.context(observed, settled, releases, now)
        drifts += about_unsettled(open_writes)
        drifts += drift_of(context, planned.get(observed.account.id))
        looked = tuple(_looked(context, planned.get(observed.account.id), statuses))
        count.add(context)
        _note((*_deadlocks(context, drifts, run), *_differences(looked, run)), run)
    _note(tuple(Witness(basis.rules, progress, run.id, run.organization_id, now).saw_all(inventory)), run)
    left_out = {left.account_id for left in stored.header.left_out}
    drifts += about_accounts(inventory.accounts, planned, left_out)
    drifts += about_records(progress)
    order = list(Drifted)
    drifts.sort(key=lambda drift: (order.index(drift.kind), drift.account_id, drift.who))
    let_out = tuple(describe_release(one) for one in lasting_releases(releases, now))
    unreachable = {view.account.id: view.reason for view in inventory.unreachable}
    unreachable |= {one.account.id: OVERTAKEN for one in inventory.observed if one.account.id in overtaken}
    placed: tuple[Placed | ToReturn, ...] = (
        *progress.placed.values(),
        *progress.releases.to_return.values(),
    )
    count.unread = sum(one.user.account_id in unreachable for one in placed)
    looked_at = {observed.account.id for observed in observations}
    unsettled = sum(done.intent.change.account_id in looked_at for done in progress.open)
    return Verified(
        tuple(drifts), let_out, count, len(looked_at), tuple(unreachable.items()), unsettled, overtaken
    )


def fix(
    order: FixOrder, inventory: Inventory, *, run: RunContext, basis: JudgementBasis, where: Premises
) -> RunResult:
    """Restore what the plan decided, in every account that was read, as far as the gates are open.

    Raises PlanRefused, LockHeld.
    """
    _check(order)
    header, waves = order.plan.header, decided_waves(order.plan)
    with run.lock.hold(run.organization_id, FIXING):
        run.begin(FIXING, plan_id=header.id, plan_checksum=header.checksum)
        progress = run.replay()
        basis = basis.tagged(run, header.id)
        runner = runner_for_putting_back(order.gated, basis, progress, run, where)
        accounts = [observed.account for observed in inventory.observed]
        replaced, runner = _replace_adopted(accounts, basis.rules.names, runner)
        commands = [
            FixAccount(account, waves.get(account.id, {}), memberships=order.memberships)
            for account in accounts
        ]
        fixed = runner.carry_all(commands, "Fixing accounts")
        result = replace(replaced.and_then(fixed), refused=runner.refused)
        run.end(result.ending, {"writes": result.writes})
    return result


def _replace_adopted(
    accounts: Sequence[Account], names: Names, runner: AccountRunner
) -> tuple[RunResult, AccountRunner]:
    """Put ours in the place of policies of others: who is enforced stays so, but it is more than letting go."""
    progress = runner.progress
    adopting = [one for one in accounts if adopted(progress.made_in(one.id), one.id, names)]
    if not adopting or (runner.gates and runner.gates.shut_by_calendar):
        return RunResult(()), runner
    ungated = replace(runner, gates=None)
    replaced = ungated.carry_all([ReplaceAdopted(one) for one in adopting], "Replacing foreign policies")
    return replaced, replace(runner, progress=runner.run.replay())


def _check(order: FixOrder) -> None:
    digests = order.plan.header.digests
    if (digests.policy, digests.settings) != (order.policy, order.settings):
        raise PlanRefused(
            f"rollout.yaml has changed since plan {order.plan.header.id} was made, so the plan no longer applies",
            cure="plan again and have the plan reviewed; rollout verify without --fix still works",
        )


def _looked(
    context: AccountContext, part: AccountPlan | None, statuses: Statuses
) -> Iterator[tuple[UserStatus, UserStatus]]:
    """Yield the status before and after this check of each user in the account, the plan or the journal."""
    entries = {entry.user.id: entry for entry in part.entries} if part else {}
    found = {user.id: seen(context, user) for user in context.facts.users}
    known = {entry.user.id: entry.user for entry in entries.values()}
    known |= {one.user.id: one.user for one in context.progress.known.get(context.account.id, {}).values()}
    known |= {one.user.id: one.user for one in found.values()}
    for user_id, ref in known.items():
        now = found.get(user_id, KnownEnforcement(ref, context.now, Enforcement.GONE))
        entry = entries.get(user_id)
        yield statuses.of(ref, entry), statuses.of(ref, entry, now)


def _differences(looked: Iterable[tuple[UserStatus, UserStatus]], run: RunContext) -> Iterator[Record]:
    """Yield a record for each user whose enforcement differs from plan and journal; later commands rely on it."""
    now = run.now()
    for before, after in looked:
        same = before.enforcement is after.enforcement or {before.enforcement, after.enforcement} <= NOT_OURS
        if not same:
            by, wave = after.by, after.enforced_in
            yield EnforcementSeen(run.id, now, run.organization_id, after.user, wave, after.enforcement, by)


def _deadlocks(context: AccountContext, drifts: Sequence[Drift], run: RunContext) -> Iterator[Record]:
    """Yield a record for each user who is newly deadlocked or no longer is; they count as failures of their wave."""
    known = context.progress.releases.deadlocked
    found = {drift.who: drift.text for drift in drifts if drift.kind is Drifted.DEADLOCK}
    for user in context.facts.users:
        if (user.arn in found) == (user.id in known) or user.id not in context.progress.placed:
            continue
        detail, wave = found.get(user.arn, "can get in again"), context.wave_of(user)
        over = user.arn not in found
        yield Deadlocked(run.id, context.now, run.organization_id, user.ref, wave, detail, over=over)


def _note(records: tuple[Record, ...], run: RunContext) -> None:
    if not records:
        return
    try:
        run.journal.append(*records)
    except Unwritable as problem:
        run.progress.say(f"Not journalled: {problem}")
