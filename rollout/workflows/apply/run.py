"""Carries a plan to a stage, one operator at a time (design.md#stages-and-gates, design.md#apply-journal-store)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rollout.domain.progress.records import (
    RunEnded,
    RunEnding,
)
from rollout.domain.progress.replay import Progress, replay
from rollout.errors import EmptySelection, Refused
from rollout.workflows.apply.beginning import first_records
from rollout.workflows.apply.carrying import Run
from rollout.workflows.apply.due import what_is_due
from rollout.workflows.apply.guards import check_order
from rollout.workflows.apply.members import members_of
from rollout.workflows.apply.order import Applied, Due, Order, Tally, Tools
from rollout.workflows.inventory import Premises

Agree = Callable[[Due, Progress], None]


def apply_plan(
    order: Order, tools: Tools, where: Premises, agree: Agree = lambda _due, _progress: None
) -> Applied:
    """Carry the plan. Raises Refused, PlanRefused, OtherOrganization, LockHeld, EmptySelection, Interrupted.

    `agree` is asked once before anything is written, and raises when the answer is no. Where a gate refuses a wave and
    others stay open, those are gone over, and `Applied.refused` says how the command has to end.
    """
    check_order(order, where.organization, tools.clock.now())
    look = cache(lambda wave: members_of(wave, order, tools, where))
    with tools.lock.hold(where.organization.id, f"apply --stage {order.stage}"):
        # Only now: what is due may be another thing after whoever held the lock a moment ago.
        progress = replay(tools.journal.records(), where.organization.id)
        due = what_is_due(order, progress, tools.clock.now(), look)
        if due.waves:
            # Before the question: an empty selection is an error, and not worth one.
            run = _run(order, tools, where, progress, due)
            agree(due, progress)
            _check_time(due, what_is_due(order, progress, tools.clock.now(), look))
            return run.carry()
        _note(order, tools, where, due)
    if due.refused is not None:
        raise due.refused
    answers = tuple(answer for _, answer in due.gates)
    return Applied(order.stage, (), answers, Tally(), progress, why_nothing=due.why_nothing)


def _run(order: Order, tools: Tools, where: Premises, progress: Progress, due: Due) -> Run:
    try:
        return Run(order, tools, where, progress, due)
    except EmptySelection:
        if due.refused is None:
            raise
        # Whoever was asked for is in the wave that may not move.
        _note(order, tools, where, due)
        raise due.refused from None


def _check_time(due: Due, now: Due) -> None:
    """Refuse what is not due any more: a question may stand for hours, and a window may have shut meanwhile."""
    if not set(due.waves) <= set(now.waves):
        raise Refused(
            f"nothing was written: since the question was asked, a gate has shut: {now.why_nothing}",
            cure="run it again when the gate is open",
        )


def _note(order: Order, tools: Tools, where: Premises, due: Due) -> None:
    """Put on record what the gates said to a run that moves nobody."""
    if not due.gates:
        return
    now = tools.clock.now()
    ending = RunEnding.NOTHING_DUE if due.refused is None else RunEnding.REFUSED
    tools.journal.append(*first_records(order, where.caller.arn, due, now), RunEnded(order.run, now, ending))
