"""Carries a plan to a stage, one operator at a time (design.md#stages-and-gates, design.md#apply-journal-store)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import RunEnded, RunEnding
from rollout.errors import EmptySelection, Refused
from rollout.workflows.apply.carrying import ApplyRun, first_records
from rollout.workflows.apply.due import what_is_due
from rollout.workflows.apply.guards import check_order
from rollout.workflows.apply.members import members_of
from rollout.workflows.apply.order import ApplyResult, Due, Order, OutcomeTally
from rollout.workflows.changed_names import check_names
from rollout.workflows.inventory import Premises
from rollout.workflows.ports import Notifier, OrganizationPort
from rollout.workflows.run_context import RunContext

Agree = Callable[[Due, Progress], None]


def apply_plan(
    order: Order,
    *,
    run: RunContext,
    where: Premises,
    organization: OrganizationPort,
    notifier: Notifier,
    agree: Agree = lambda _due, _progress: None,
) -> ApplyResult:
    """Carry the plan. Raises Refused, PlanRefused, OtherOrganization, LockHeld, EmptySelection, Interrupted.

    `agree` is asked once before anything is written, and raises when the answer is no. Where a gate refuses a wave and
    others stay open, those are gone over, and `ApplyResult.refused` says how the command has to end.
    """
    check_order(order, where.organization, run.now())
    look = cache(lambda wave: members_of(wave, order, run, where))
    with run.lock.hold(where.organization.id, f"apply --stage {order.stage}"):
        # Only now: what is due may be another thing after whoever held the lock a moment ago.
        progress = run.replay()
        check_names(order.rules.names, progress)
        due = what_is_due(order, progress, run.now(), look)
        if due.waves:
            # Before the question: an empty selection is an error, and not worth one.
            try:
                carried = ApplyRun(
                    order,
                    run,
                    where,
                    organization=organization,
                    notifier=notifier,
                    progress=progress,
                    due=due,
                )
            except EmptySelection:
                if due.refused is None:
                    raise
                # Whoever was asked for is in the wave that may not move.
                _note(order, run, due)
                raise due.refused from None
            agree(due, progress)
            _check_time(due, what_is_due(order, progress, run.now(), look))
            return carried.carry()
        _note(order, run, due)
    if due.refused is not None:
        raise due.refused
    answers = tuple(answer for _, answer in due.gates)
    return ApplyResult(order.stage, (), answers, OutcomeTally(), progress, why_nothing=due.why_nothing)


def _check_time(due: Due, now: Due) -> None:
    """Refuse what is not due any more: a question may stand for hours, and a window may have shut meanwhile."""
    if not set(due.waves) <= set(now.waves):
        raise Refused(
            f"nothing was written: since the question was asked, a gate has shut: {now.why_nothing}",
            cure="run it again when the gate is open",
        )


def _note(order: Order, run: RunContext, due: Due) -> None:
    """Put on record what the gates said to a run that moves nobody."""
    if not due.gates:
        return
    now = run.now()
    ending = RunEnding.NOTHING_DUE if due.refused is None else RunEnding.REFUSED
    run.journal.append(*first_records(order, run, due, now), RunEnded(run.id, now, ending))
