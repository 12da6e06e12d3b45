"""What `verify --fix` and `release --end` have in common: they put people back, each judged and asked anew."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.guard import enforces, may_step_aside
from rollout.domain.actions.repair import Repair
from rollout.domain.actions.writes import Write, repairing, tidying
from rollout.domain.people.organization import Account
from rollout.domain.people.users import User
from rollout.domain.policy.changes import AddMember, AttachToUser, Change, SkipCode, Skipped, user_of
from rollout.domain.progress.projection import Progress
from rollout.domain.verdicts.verdict import Kind
from rollout.workflows.account_run import AccountCommand, AccountRunner, AccountWork, Wanted
from rollout.workflows.account_run.failure_budgets import budgets_of_repairs
from rollout.workflows.account_run.wave_gates import GatedBy, gates_for_putting_back
from rollout.workflows.inventory import Premises
from rollout.workflows.ports import StoredPlan
from rollout.workflows.run_context import JudgementBasis, RunContext


class RepairAccount(AccountCommand):
    """Puts one account right, as far as `repair` says and nobody is reached who is not to be enforced.

    `waves` has everybody whom the plan knows in the account: the wave by UserId, empty for whom it does not enforce.
    """

    def __init__(self, account: Account, waves: Mapping[str, str]) -> None:
        """Take the account, and what the plan has decided about its users."""
        super().__init__(account)
        self.waves = waves

    @abstractmethod
    def repair(self, context: AccountContext) -> Repair:
        """Say what is to be put right."""

    def wants(self, at: AccountWork) -> Wanted:
        """Judge everybody whom it would reach, asked live where it matters; say what is still to be put right."""
        context = at.context
        repair = self.repair(context)
        reached = _reached(context, repair, repairing(context, repair))
        # Who comes back is asked when they are placed, or here where the report, hours old maybe, would keep them out;
        # who is enforced already, and gets another version, only here.
        at.ask_live(
            user
            for user in reached
            if (user.password if context.is_in_force(user) else self._why_not(user, context)) is not None
        )
        if at.result.interrupted:
            return Wanted()
        context = at.context
        repair = self.repair(context)
        repair = replace(repair, back=tuple(user for user in repair.back if self._comes_back(user, at)))
        changes = repairing(context, repair)
        reached = tuple(user for user in _reached(context, repair, changes) if self._is_reached(user, at))
        tidied = tidying(context, repair.tidy, context.progress.owned)
        writes = (
            *(Write(change) for change in changes),
            *(_made_good(context, reached, changes)),
            *(Write(change, _wave_of(change, context)) for change in tidied),
        )
        people = {user.ref: self.waves.get(user.id) or context.wave_of(user) for user in reached}
        return Wanted(writes, people, frozenset(user.id for user in reached if self._is_fit(user, context)))

    def why_not(self, at: AccountWork, user: User) -> Skipped | None:
        """Judge somebody who was asked live just now, as `apply` would."""
        return self._why_not(user, at.context_now())

    def _why_not(self, user: User, context: AccountContext) -> Skipped | None:
        """Say why somebody is not to be put back under the policy; None when they may be."""
        if context.may_enforce(user) and not self.waves.get(user.id):
            what = "does not enforce this user" if user.id in self.waves else "does not know this user"
            return Skipped(SkipCode.DRIFT, f"the plan {what}: plan again, have it reviewed, and apply it")
        return why_not_back(user, context)

    def _is_fit(self, user: User, context: AccountContext) -> bool:
        """Tell whether a write for the whole account may be for a user: it denies nobody what they were not told of."""
        if context.is_in_force(user):
            return user.id in self.waves and context.may_enforce(user)
        return self._why_not(user, context) is None

    def _is_reached(self, user: User, at: AccountWork) -> bool:
        """Tell whether a write may be for somebody: they are enforced, come back, or are not ours to leave out."""
        if at.is_left(user):
            return False
        return not may_step_aside(at.context, user) or self._comes_back(user, at)

    def _comes_back(self, user: User, at: AccountWork) -> bool:
        """Tell whether somebody may be put back under the policy; who may not is left alone, on record."""
        if at.is_left(user):
            return False
        why = self._why_not(user, at.context)
        if why is not None:
            at.leave(user.ref, self.waves.get(user.id) or at.context.wave_of(user), why)
        return why is None


def _reached(context: AccountContext, repair: Repair, changes: tuple[Change, ...]) -> tuple[User, ...]:
    """Find everybody whom changes put under the policy: who comes back, and who is attached where it changes."""
    ids = {user.id for user in repair.back}
    if any(enforces(change, context.facts) and user_of(change) is None for change in changes):
        ids |= {user.id for user in (*context.attached, *context.members)}
    return tuple(user for user in context.facts.users if user.id in ids)


def why_not_back(user: User, context: AccountContext) -> Skipped | None:
    """Say why somebody is not to be put back under the policy; None when they may be."""
    verdict = context.verdict(user)
    if not context.may_enforce(user) or verdict.attachment is None:
        why = "; ".join(f"{reason.code}: {reason.detail}" for reason in verdict.reasons)
        code = SkipCode.EXEMPT if verdict.kind is Kind.EXEMPT else SkipCode.DRIFT
        return Skipped(code, f"is {verdict.kind} now: {why}")
    return context.keeps_out(user)


def _made_good(
    context: AccountContext, reached: tuple[User, ...], changes: tuple[Change, ...]
) -> Iterator[Write]:
    """Put on record who failed before, and is enforced nevertheless."""
    own = {ref.id for change in changes if (ref := user_of(change)) is not None}
    for user in reached:
        if user.id in context.progress.failing and user.id not in own and context.is_in_force(user):
            change: Change = AddMember(context.account.id, context.ours.group.name, user.ref)
            if context.ours.policy.arn in user.attached:
                change = AttachToUser(context.account.id, user.ref, context.ours.policy.arn)
            yield Write(change, context.wave_of(user), in_place=True)


def _wave_of(change: Change, context: AccountContext) -> str:
    ref = user_of(change)
    user = next((user for user in context.facts.users if ref is not None and user.id == ref.id), None)
    return context.wave_of(user) if user is not None else ""


def runner_for_putting_back(
    gated: GatedBy, basis: JudgementBasis, progress: Progress, run: RunContext, where: Premises
) -> AccountRunner:
    """Make the runner that puts people back, by the gates of the plan's waves."""
    return AccountRunner(
        run=run,
        progress=progress,
        basis=basis,
        budgets=budgets_of_repairs(gated.plan.header.waves, gated.gates.tolerance, progress),
        gates=gates_for_putting_back(gated, basis.rules, progress, run, where),
    )


def decided_waves(plan: StoredPlan) -> dict[str, dict[str, str]]:
    """List by account and UserId the wave in which the plan enforces a user; empty where it does not."""
    return {
        part.account_id: {entry.user.id: entry.wave for entry in part.entries} for part in plan.accounts()
    }
