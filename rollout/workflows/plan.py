"""`rollout plan`: inventory, verdicts and waves become a file that people review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rollout.counted import number_of
from rollout.domain.people.selectors import UnmatchedSelector
from rollout.domain.plan.account_totals import (
    AccountTotals,
    SomeOf,
)
from rollout.domain.plan.comparison import PlanComparison, about_moves
from rollout.domain.plan.content import account_digest, content_digest
from rollout.domain.plan.entries import Header
from rollout.domain.status.movements import Movements, compared, planned
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import NoPlan, PlanRefused, Refused, WrongUsage
from rollout.workflows.changed_names import check_names
from rollout.workflows.inventory import Look
from rollout.workflows.judging.draft import Draft, PlanOrder, draft
from rollout.workflows.ports import Journal, PlanDraft, PlanParts, PlanStore, StoredPlan


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan as it was stored, with what a summary tells. `header` is that of today's look, as are `accounts`.

    `kept`: nothing has changed, and the plan before stays what it was; only its age is renewed.
    """

    stored: StoredPlan
    header: Header
    accounts: tuple[AccountTotals, ...]
    since: PlanComparison
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """The plan before, to say what has changed since. `in_place`: it lies where the new one will.

    Such a plan is kept where nothing has changed.
    """

    stored: StoredPlan | None = None
    in_place: bool = True


NOTHING_EARLIER = Earlier()


def make_plan(
    look: Look,
    order: PlanOrder,
    parts: PlanDraft,
    journal: Journal,
    earlier: Earlier = NOTHING_EARLIER,
    *,
    run: str = "plan",
    names: bool = False,
) -> Planned:
    """Judge everybody, put them into waves, and store the plan. Who goes later than before is named in it.

    Whoever was notified and is now left alone on purpose is journalled, under the id `run`. `names`: the summaries name
    who is still to be enforced.

    Where nothing has changed, the plan before is kept with what was rehearsed and approved of it.

    Raises WrongUsage when a user fits no wave; Refused when more are exempt than `max_exempt_percent`, when people are
    under our policy by a former name, or when a selector that protects people matches nobody and the operator does not
    accept that.
    """
    progress = journal.progress(look.where.organization.id)
    check_names(order.rules.names, progress)
    made = draft(look, order, progress, parts, run=run, names=names)
    _refuse_without_wave(made.accounts)
    _refuse_too_many_exempt(made.header, order.max_exempt_percent)
    if not order.accept_unmatched:
        _refuse_unmatched(made.unmatched)
    if made.left_alone:
        journal.append(*made.left_alone)
    since, same = _compared(earlier, made, parts)
    # A plan of an earlier version does not say who made it: gates.approval may ask for one that does.
    stored = earlier.stored if earlier.in_place else None
    if stored is not None and stored.header.planner.id and same:
        return Planned(stored.renew(made.header.created), made.header, made.accounts, since, kept=True)
    findings = (*made.header.findings, *about_moves(since.moves, since.plan_id))
    header = replace(made.header, findings=findings)
    return Planned(parts.save(header), header, made.accounts, since)


def newest_plan(plans: PlanStore, organization_id: str) -> Earlier:
    """Find the newest plan so far; one that is damaged, or of another organization, counts as none."""
    try:
        stored = plans.load(None, organization_id)
    except (NoPlan, PlanRefused):
        return NOTHING_EARLIER
    return Earlier(stored) if stored.header.organization_id == organization_id else NOTHING_EARLIER


def plan_in_place_of(there: PlanStore, plans: PlanStore, organization_id: str) -> Earlier:
    """Find the plan that a new one elsewhere will replace; without any, the newest one is only compared with.

    Raises PlanRefused where something else lies there, or a plan that was altered.
    """
    try:
        stored = there.load(None, organization_id)
    except NoPlan:
        return replace(newest_plan(plans, organization_id), in_place=False)
    except PlanRefused as refused:
        raise PlanRefused(
            f"not replaced: {refused}", cure="name another file, or move that one away"
        ) from refused
    if stored.header.organization_id != organization_id:
        raise PlanRefused(
            f"not replaced: {stored.location} is a plan of organization {stored.header.organization_id}",
            cure="name another file",
        )
    return Earlier(stored)


def compared_plans(before: StoredPlan, after: StoredPlan) -> Movements:
    """Tell who moved from where to where between two plans. Raises NoPlan, PlanRefused."""
    return compared(
        f"plan {before.header.id}",
        planned(before.accounts()),
        f"plan {after.header.id}",
        planned(after.accounts()),
    )


def _compared(earlier: Earlier, made: Draft, parts: PlanParts) -> tuple[PlanComparison, bool]:
    """Compare with the plan before, an account at a time, and tell whether the two decide the same.

    A plan that cannot be read after all counts as none.
    """
    content, waves = {one.account_id: one.content for one in made.accounts}, tuple(made.header.waves)
    if earlier.stored is None:
        return PlanComparison(), False
    since, digests, new = PlanComparison(earlier.stored.header.id, waves), [], dict(content)
    try:
        for before in earlier.stored.accounts():
            digests.append(account_digest(before))
            if new.pop(before.account_id, "") != digests[-1]:
                since.see(before, next(parts.accounts(frozenset({before.account_id})), None))
    except (NoPlan, PlanRefused):
        return PlanComparison(), False
    for after in parts.accounts(frozenset(new)):
        since.see(None, after)
    before_and_now = (
        content_digest(earlier.stored.header, digests),
        content_digest(made.header, content.values()),
    )
    return since, before_and_now[0] == before_and_now[1]


def _refuse_unmatched(unmatched: tuple[UnmatchedSelector, ...]) -> None:
    if found := [one.sentence for one in unmatched if one.refuses]:
        raise Refused(
            f"these lines of rollout.yaml are meant to protect users, but match nobody: {'; '.join(found)}",
            cure="correct or remove them; if they are right as they are: --accept-unmatched",
        )


def _refuse_without_wave(accounts: Iterable[AccountTotals]) -> None:
    found = sum((account.without_wave for account in accounts), SomeOf())
    if found.number:
        some = ", ".join(found.first[:3]) + (f" and {found.number - 3} more" if found.number > 3 else "")
        raise WrongUsage(
            f"{number_of(found.number, 'user')} to be enforced fit no wave: {some}",
            cure="end waves: in rollout.yaml with one that takes everybody, such as {name: rest}",
        )


def _refuse_too_many_exempt(header: Header, limit: float) -> None:
    users, exempt = sum(header.verdicts.values()), header.verdicts[Kind.EXEMPT]
    if exempt * 100 > limit * users:
        share = exempt * 100 / users
        raise Refused(
            f"{exempt} of {number_of(users, 'user')} are exempt ({share:.1f} %), "
            f"more than max_exempt_percent: {limit:g}",
            cure="end exemptions that are no longer needed, or raise rules.max_exempt_percent",
        )
