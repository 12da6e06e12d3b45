"""`rollout plan`: inventory, verdicts and waves become a file that people review."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollout.counted import number_of
from rollout.domain.gates.left_alone import Witness
from rollout.domain.gates.readiness import Notified
from rollout.domain.people.observations import AccountView, Inventory, NotEntered
from rollout.domain.people.selectors import Searched, Selector, UnmatchedSelector, find_unmatched
from rollout.domain.plan.comparison import PreviousPlan, about_moves, remember
from rollout.domain.plan.content import content_digest
from rollout.domain.plan.entries import AccountPlan, Digests, Header, count_verdicts, count_waves
from rollout.domain.plan.findings import about_exemptions
from rollout.domain.plan.fingerprints import digest
from rollout.domain.plan.impact_counts import Affected, impact_by_wave
from rollout.domain.plan.planning import Planner, left_out
from rollout.domain.plan.waves import Wave
from rollout.domain.progress.projection import Progress
from rollout.domain.status.movements import Movements, compared, planned
from rollout.domain.status.to_come import to_come_in
from rollout.domain.status.user_status import Statuses
from rollout.domain.verdicts.rules import DecisionRules
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import NoPlan, PlanRefused, Refused, WrongUsage
from rollout.workflows.changed_names import check_names
from rollout.workflows.ports import Journal, PlanStore, StoredPlan


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """What a plan is made by, besides the inventory. `settings` and `policy` are digests (design.md#plan-file)."""

    id: str
    rules: DecisionRules
    waves: tuple[Wave, ...]
    scps: str
    settings: str
    max_exempt_percent: float
    selectors: tuple[Selector, ...] = ()
    accept_unmatched: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """Everybody judged by today's `rollout.yaml`; `without_wave` names those to be enforced whom no wave takes.

    `to_come` are the users whom the header's `impact` counts. `unmatched` are the selectors that match nobody; each is
    a finding of the header too.
    """

    header: Header
    accounts: tuple[AccountPlan, ...]
    to_come: tuple[Affected, ...] = ()
    without_wave: tuple[str, ...] = ()
    unmatched: tuple[UnmatchedSelector, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan as it was stored, with what a summary tells. `header` is that of today's look, as is `to_come`.

    `kept`: nothing has changed, and the plan before stays what it was; only its age is renewed.
    """

    stored: StoredPlan
    header: Header
    accounts: tuple[AccountPlan, ...]
    to_come: tuple[Affected, ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """The plan before, to say what has changed since, and to keep where nothing has and it lies in the right place."""

    before: PreviousPlan
    content: str = ""
    stored: StoredPlan | None = None


NOTHING_EARLIER = Earlier(PreviousPlan("", {}))


def make_plan(
    inventory: Inventory,
    order: PlanOrder,
    plans: PlanStore,
    journal: Journal,
    earlier: Earlier = NOTHING_EARLIER,
    *,
    run: str = "plan",
) -> Planned:
    """Judge everybody, put them into waves, and store the plan. Who goes later than before is named in it.

    Whoever was notified and is now left alone on purpose is journalled, under the id `run`.

    Where nothing has changed, the plan before is kept with what was rehearsed and approved of it.

    Raises WrongUsage when a user fits no wave; Refused when more are exempt than `max_exempt_percent`, when people are
    under our policy by a former name, or when a selector that protects people matches nobody and the operator does not
    accept that.
    """
    progress = journal.progress(inventory.organization.id)
    check_names(order.rules.names, progress)
    made = draft(inventory, order, progress)
    _refuse_without_wave(made.without_wave)
    _refuse_too_many_exempt(made.accounts, order.max_exempt_percent)
    if not order.accept_unmatched:
        _refuse_unmatched(made.unmatched)
    witness = Witness(order.rules, progress, run, inventory.organization.id, inventory.taken_at)
    if records := tuple(witness.saw_all(inventory)):
        journal.append(*records)
    before = earlier.before
    same = earlier.content == content_digest(made.header, made.accounts)
    # A plan of an earlier version does not say who made it: gates.approval may ask for one that does.
    if earlier.stored is not None and earlier.stored.header.planner.id and same:
        kept = earlier.stored.renew(inventory.taken_at)
        return Planned(kept, made.header, made.accounts, made.to_come, kept=True)
    moves = before.later(made.accounts, tuple(made.header.waves))
    findings = (*made.header.findings, *about_moves(moves, before.plan_id))
    header = replace(made.header, findings=findings)
    return Planned(plans.save(header, made.accounts), header, made.accounts, made.to_come)


def draft(inventory: Inventory, order: PlanOrder, progress: Progress) -> Draft:
    """Judge everybody and put them into waves, without asking whether a plan may be made of it."""
    planner = Planner(order.rules, order.waves, inventory.taken_at, progress.made)
    parts = tuple(planner.plan(observed) for observed in inventory.observed)
    accounts = tuple(part.plan for part in parts)
    effort = inventory.whole_effort
    today = inventory.taken_at.date()
    unmatched = tuple(find_unmatched(order.selectors, _searched(inventory), today))
    header = Header(
        id=order.id,
        organization_id=inventory.organization.id,
        management_account_id=inventory.organization.management_account_id,
        partition=inventory.organization.partition,
        caller=inventory.caller.arn,
        caller_id=inventory.caller.user_id,
        created=inventory.taken_at,
        inventory_at=inventory.taken_at,
        digests=Digests(policy=policy_fingerprint(order.rules), settings=order.settings),
        scps=order.scps,
        waves=count_waves(accounts, tuple(wave.name for wave in order.waves)),
        verdicts=count_verdicts(accounts),
        left_out=tuple(left_out(inventory)),
        findings=(
            *inventory.findings,
            *about_exemptions(order.rules.exemptions, today),
            *(one.finding for one in unmatched),
        ),
        calls=effort.calls,
        retries=effort.retries,
    )
    without_wave = tuple(arn for part in parts for arn in part.without_wave)
    notified = Notified.by(order.rules)
    statuses = Statuses(header, progress, notified, header.created)
    affected = tuple(to_come_in(accounts, statuses, unaffected_too=notified.unaffected_too))
    header = replace(header, impact=impact_by_wave(affected, header.waves))
    return Draft(header, accounts, affected, without_wave, unmatched)


def newest_plan(plans: PlanStore, organization_id: str) -> Earlier:
    """Find the newest plan so far; one that is damaged, or of another organization, counts as none."""
    try:
        stored = plans.load(None, organization_id)
        if stored.header.organization_id != organization_id:
            return NOTHING_EARLIER
        return _earlier(stored)
    except (NoPlan, PlanRefused):
        return NOTHING_EARLIER


def plan_in_place_of(there: PlanStore, plans: PlanStore, organization_id: str) -> Earlier:
    """Find the plan that a new one elsewhere will replace; without any, the newest one is only compared with.

    Raises PlanRefused where something else lies there, or a plan that was altered.
    """
    try:
        stored = there.load(None, organization_id)
    except NoPlan:
        return replace(newest_plan(plans, organization_id), stored=None)
    except PlanRefused as refused:
        raise PlanRefused(
            f"not replaced: {refused}", cure="name another file, or move that one away"
        ) from refused
    if stored.header.organization_id != organization_id:
        raise PlanRefused(
            f"not replaced: {stored.location} is a plan of organization {stored.header.organization_id}",
            cure="name another file",
        )
    return _earlier(stored)


def compared_plans(before: StoredPlan, after: StoredPlan) -> Movements:
    """Tell who moved from where to where between two plans. Raises NoPlan, PlanRefused."""
    return compared(
        f"plan {before.header.id}",
        planned(before.accounts()),
        f"plan {after.header.id}",
        planned(after.accounts()),
    )


def _earlier(stored: StoredPlan) -> Earlier:
    accounts = tuple(stored.accounts())
    return Earlier(remember(stored.header.id, accounts), content_digest(stored.header, accounts), stored)


def policy_fingerprint(rules: DecisionRules) -> str:
    """Digest the documents that enforcement will bring, and the names that they will have."""
    documents = rules.documents
    return digest(
        {
            "full": documents.full,
            "brake": documents.brake,
            "enrolment": documents.enrolment,
            "names": [rules.names.policy, rules.names.group, rules.names.path],
        }
    )


def _searched(inventory: Inventory) -> Searched:
    not_entered = [view for view in inventory.accounts if isinstance(view, NotEntered)]
    unread: list[AccountView] = [
        *inventory.unreachable,
        *(view for view in not_entered if not view.asked_for),
    ]
    return Searched(
        tuple(view.account for view in inventory.accounts),
        tuple(user for observed in inventory.observed for user in observed.facts.users),
        frozenset(view.account.id for view in unread),
        frozenset(view.account.id for view in not_entered if view.asked_for),
    )


def _refuse_unmatched(unmatched: tuple[UnmatchedSelector, ...]) -> None:
    if found := [one.sentence for one in unmatched if one.refuses]:
        raise Refused(
            f"these lines of rollout.yaml are meant to protect users, but match nobody: {'; '.join(found)}",
            cure="correct or remove them; if they are right as they are: --accept-unmatched",
        )


def _refuse_without_wave(arns: tuple[str, ...]) -> None:
    if arns:
        some = ", ".join(arns[:3]) + (f" and {len(arns) - 3} more" if len(arns) > 3 else "")
        raise WrongUsage(
            f"{number_of(len(arns), 'user')} to be enforced fit no wave: {some}",
            cure="end waves: in rollout.yaml with one that takes everybody, such as {name: rest}",
        )


def _refuse_too_many_exempt(accounts: tuple[AccountPlan, ...], limit: float) -> None:
    entries = [entry for account in accounts for entry in account.entries]
    exempt = sum(entry.verdict is Kind.EXEMPT for entry in entries)
    if entries and exempt * 100 > limit * len(entries):
        share = exempt * 100 / len(entries)
        raise Refused(
            f"{exempt} of {number_of(len(entries), 'user')} are exempt ({share:.1f} %), "
            f"more than max_exempt_percent: {limit:g}",
            cure="end exemptions that are no longer needed, or raise rules.max_exempt_percent",
        )
