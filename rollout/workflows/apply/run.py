"""Runs one stage of a plan, one operator at a time (design.md#stages-and-gates, design.md#apply-journal-store)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

from rollout.domain.progress.history import History
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import RunEnded, RunEnding
from rollout.errors import EmptySelection, Refused
from rollout.workflows.account_run.wave_members import members_of
from rollout.workflows.apply.carrying import ApplyRun, first_records
from rollout.workflows.apply.due import what_is_due
from rollout.workflows.apply.guards import check_order
from rollout.workflows.apply.order import ApplyResult, Due, Order, OutcomeTally, RunPreview
from rollout.workflows.apply.released import released_yet_enforced
from rollout.workflows.changed_names import check_names
from rollout.workflows.inventory import Premises
from rollout.workflows.ports import Notifier, OrganizationPort
from rollout.workflows.run_context import RunContext


@dataclass(frozen=True, slots=True)
class OperatorQuestion:
    """What the operator is asked to agree to: the waves due, and the number of selected users in each.

    `look` reads the accounts to find out for whom of them the run would write. It raises Interrupted.
    """

    due: Due
    progress: Progress
    users: Mapping[str, int]
    look: Callable[[], RunPreview]


Agree = Callable[[OperatorQuestion], None]


def apply_plan(
    order: Order,
    *,
    run: RunContext,
    preview: RunContext,
    where: Premises,
    organization: OrganizationPort,
    notifier: Notifier,
    agree: Agree = lambda _: None,
) -> ApplyResult:
    """Apply the plan. Raises Refused, PlanRefused, OtherOrganization, LockHeld, EmptySelection, Interrupted.

    `agree` is called once before anything is written, and raises if the operator declines. `preview` is a rehearsal of
    the same run that reads each account only once: what it reads is for gates and the question. If a gate refuses a
    wave, waves carried out before are still processed, and `ApplyResult.refused` is the error to end with. Whoever is
    under the policy in spite of a release is let out, whatever is due.
    """
    check_order(order, where.organization, run.now())
    look = cache(
        lambda wave: members_of(wave, order.plan, order.scope, order.rules.exemptions, preview, where)
    )
    with run.lock.hold(where.organization.id, f"apply --stage {order.stage}"):
        # Under the lock: the run that held it before may have changed what is due.
        progress = run.replay()
        check_names(order.rules.names, progress)
        let_out = released_yet_enforced(order, preview, where, progress)
        due = replace(what_is_due(order, progress, run.now(), look), let_out=let_out)
        if due.waves or due.let_out:
            # Before the confirmation, which an empty selection does not need.
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
                # The selected users are in the wave that may not proceed.
                _note(order, run, due)
                raise due.refused from None
            agree(OperatorQuestion(due, progress, carried.shares.users, partial(carried.look, preview)))
            _check_time(due, what_is_due(order, progress, run.now(), look))
            return carried.carry()
        _note(order, run, due)
    if due.refused is not None:
        raise due.refused
    answers = tuple(answer for _, answer in due.gates)
    return ApplyResult(order.stage, (), answers, OutcomeTally(), History(), why_nothing=due.why_nothing)


def _check_time(due: Due, now: Due) -> None:
    """Refuse waves that are no longer due: a window may close before the operator confirms."""
    if not set(due.waves) <= set(now.waves):
        raise Refused(
            f"nothing was written: a gate closed before you confirmed: {now.why_nothing}",
            cure="run the command again when the gate is open",
        )


def _note(order: Order, run: RunContext, due: Due) -> None:
    """Journal the gates' answers in a run that changes nothing."""
    if not due.gates:
        return
    now = run.now()
    ending = RunEnding.NOTHING_DUE if due.refused is None else RunEnding.REFUSED
    run.journal.append(*first_records(order, run, due, now), RunEnded(run.id, now, ending))
