"""Carries a plan to a stage: what is due, and may it move (DESIGN §6, §8)."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.gates import GateAnswer, Result, dry_run_done, next_due, soak
from rollout.domain.journal.replay import Progress, replay
from rollout.domain.stages import Stage
from rollout.errors import Refused
from rollout.workflows.apply.carrying import Run
from rollout.workflows.apply.guards import check_order
from rollout.workflows.apply.order import Applied, Due, Order, Tally, Tools
from rollout.workflows.inventory import Premises


def apply_plan(order: Order, tools: Tools, where: Premises) -> Applied:
    """Carry the plan. Raises Refused, PlanRefused, OtherOrganization, LockHeld, EmptySelection."""
    check_order(order, where.organization, tools.clock.now())
    with tools.lock.hold(where.organization.id, f"apply --stage {order.stage}"):
        # Only now: what is due may be another thing after whoever held the lock a moment ago.
        progress = replay(tools.journal.records(), where.organization.id)
        due = waves_due(order, progress, tools.clock.now())
        if due.waves:
            return Run(order, tools, where, progress, due).carry()
    answers = tuple(answer for _, answer in due.gates)
    return Applied(order.stage, (), answers, Tally(), progress, why_nothing=due.why_nothing)


def waves_due(order: Order, progress: Progress, now: datetime) -> Due:
    """Find which waves to carry, and ask their gates. Raises Refused when a gate says no."""
    filled = order.filled
    if not filled:
        return Due((), why_nothing="nobody in this plan is to be enforced")
    if not order.gated:
        return Due((order.wave,) if order.wave else filled)
    wave = order.wave or next_due(progress, order.stage, filled)
    open_waves = tuple(name for name in filled if (order.stage, name) in progress.carried)
    if order.wave is not None:
        open_waves = ()
    gates = [(wave or filled[-1], dry_run_done(progress, order.plan.header.checksum))]
    if wave is not None and order.stage is Stage.ENFORCE:
        gates.append((wave, soak(progress, filled, wave, order.soak, now)))
    refused = next((answer for _, answer in gates if not _lets_through(answer, order)), None)
    if refused is not None and (refused.gate == "dry_run_done" or order.wave is not None):
        raise _refusal(refused, wave or filled[-1])
    if refused is not None:
        said = f'wave "{wave}" is next; gate {refused.gate}: {refused.detail}'
        return Due(open_waves, tuple(gates), said)
    waves = tuple(name for name in filled if name in open_waves or name == wave)
    why_nothing = "" if wave is not None else f"every wave has been carried to {order.stage}"
    return Due(waves, tuple(gates), why_nothing)


def _lets_through(answer: GateAnswer, order: Order) -> bool:
    return answer.result is Result.PASS or answer.gate in order.overrides


def _refusal(answer: GateAnswer, wave: str) -> Refused:
    overriding = f"--override-gate {answer.gate} --reason WHY"
    if answer.gate == "dry_run_done":
        cure = "rollout apply --stage dry-run"
        if answer.result is Result.INCONCLUSIVE:
            cure = f"{cure}, or {overriding}"
        return Refused(f"gate dry_run_done: {answer.detail}", cure=cure)
    return Refused(
        f'wave "{wave}" may not move yet: gate {answer.gate}: {answer.detail}',
        cure=f"wait, or {overriding}",
    )
