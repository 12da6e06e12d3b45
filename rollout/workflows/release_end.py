"""`rollout release --end`: enforces users again whom a release, or somebody by hand, let out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.repair import Repair, at_end_of_release
from rollout.domain.actions.writes import Left
from rollout.domain.people.organization import Account
from rollout.domain.progress.records import ReleaseEnded
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.workflows.account_run import AccountWork, RunResult, Wanted
from rollout.workflows.account_run.repair_account import RepairAccount, decided_waves, runner_for_putting_back
from rollout.workflows.account_run.wave_gates import GatedBy
from rollout.workflows.inventory import Premises
from rollout.workflows.run_context import JudgementBasis, RunContext

ENDING = "release --end"


@dataclass(frozen=True, slots=True)
class EndOrder:
    """Which releases to end, and why."""

    release_scope: ReleaseScope
    reason: str
    gated: GatedBy


@dataclass(frozen=True, slots=True)
class EndResult(RunResult):
    """The result; done in part also if a user who should be enforced again is not."""

    @property
    def in_part(self) -> bool:
        """Whether a user who should be enforced again is not."""
        return any(one.failed or one.left for one in self.accounts)


class EndInAccount(RepairAccount):
    """One account in which releases end."""

    def __init__(self, account: Account, waves: Mapping[str, str], ended: ReleaseScope) -> None:
        """Take the account, what the plan has decided about it, and the scope of the releases that end."""
        super().__init__(account, waves)
        self.ended = ended

    def repair(self, context: AccountContext) -> Repair:
        """Enforce again everybody in the scope."""
        return at_end_of_release(context, self.ended)

    def wants(self, at: AccountWork) -> Wanted:
        """Leave a policy that this store's journal does not know; report it."""
        ours = at.context.ours
        if self.ended.takes_account(self.account.id) and ours.unknown:
            at.result.left.append(Left(ours.policy.arn, ours.unknown))
        return super().wants(at)


def end(
    order: EndOrder, accounts: Sequence[Account], *, run: RunContext, basis: JudgementBasis, where: Premises
) -> EndResult:
    """End releases. Unlike a release, this enforces: it takes the lock, asks the gates, and judges everybody again.

    Raises LockHeld, Unwritable.
    """
    header, waves = order.gated.plan.header, decided_waves(order.gated.plan)
    with run.lock.hold(run.organization_id, ENDING):
        ended = ReleaseEnded(run.id, run.now(), order.release_scope, order.reason, run.caller)
        run.begin(ENDING, ended, plan_id=header.id, plan_checksum=header.checksum)
        run.marker.add(ended)
        progress = run.replay()
        commands = [
            EndInAccount(account, waves.get(account.id, {}), order.release_scope) for account in accounts
        ]
        runner = runner_for_putting_back(order.gated, basis.tagged(run), progress, run, where)
        carried = runner.carry_all(commands, "Ending releases in accounts")
        result = EndResult(carried.accounts, carried.unbegun, runner.refused)
        run.end(result.ending, {"writes": result.writes})
    return result
