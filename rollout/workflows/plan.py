"""`rollout plan`: turns inventory, verdicts and waves into a file that people review."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollout.domain.people.inventory import AccountView, Inventory, NotEntered
from rollout.domain.people.selectors import Searched, Selector, UnmatchedSelector, find_unmatched
from rollout.domain.plan.comparison import Before, about_moves, remember
from rollout.domain.plan.content import content_digest
from rollout.domain.plan.entries import AccountPlan, Digests, Header, count_verdicts, count_waves
from rollout.domain.plan.findings import about_exemptions
from rollout.domain.plan.fingerprints import digest
from rollout.domain.plan.planning import Planner, left_out
from rollout.domain.plan.waves import Wave
from rollout.domain.progress.projection import Progress, replay
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import NoPlan, PlanRefused, Refused, WrongUsage
from rollout.workflows.ports import Journal, PlanStore, StoredPlan


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """What a plan is made from, besides the inventory. `settings` and `policy` are digests (design.md#plan-file)."""

    id: str
    rules: Rules
    waves: tuple[Wave, ...]
    scps: str
    settings: str
    max_exempt_percent: float
    selectors: tuple[Selector, ...] = ()
    accept_unmatched: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """All users judged by today's `rollout.yaml`. `without_wave`: ARNs of users to enforce whom no wave takes.

    `unmatched`: the selectors that match nobody; each is also a finding of the header.
    """

    header: Header
    accounts: tuple[AccountPlan, ...]
    without_wave: tuple[str, ...] = ()
    unmatched: tuple[UnmatchedSelector, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """The stored plan and the content of its summary. `header` is that of today's inventory.

    `kept`: nothing has changed; the earlier plan stays valid and only its age is renewed.
    """

    stored: StoredPlan
    header: Header
    accounts: tuple[AccountPlan, ...]
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier plan, to compare with. `stored`: kept instead of a new plan if nothing has changed."""

    before: Before
    content: str = ""
    stored: StoredPlan | None = None


NOTHING_EARLIER = Earlier(Before("", {}))


def make_plan(
    inventory: Inventory,
    order: PlanOrder,
    plans: PlanStore,
    journal: Journal,
    earlier: Earlier = NOTHING_EARLIER,
) -> Planned:
    """Judge all users, assign waves, and store the plan. It names the users whose wave comes later than before.

    If nothing has changed, the earlier plan is kept, with its rehearsals and approvals.

    Raises WrongUsage if a user fits no wave; Refused if more than `max_exempt_percent` are exempt, or if a selector
    that protects people matches nobody and the operator does not accept that.
    """
    drafted = draft(inventory, order, replay(journal.records(), inventory.organization.id))
    _refuse_without_wave(drafted.without_wave)
    _refuse_too_many_exempt(drafted.accounts, order.max_exempt_percent)
    if not order.accept_unmatched:
        _refuse_unmatched(drafted.unmatched)
    before = earlier.before
    if earlier.stored is not None and earlier.content == content_digest(drafted.header, drafted.accounts):
        kept = earlier.stored.renew(inventory.taken_at)
        return Planned(kept, drafted.header, drafted.accounts, kept=True)
    moves = before.later(drafted.accounts, tuple(drafted.header.waves))
    findings = (*drafted.header.findings, *about_moves(moves, before.plan_id))
    header = replace(drafted.header, findings=findings)
    return Planned(plans.save(header, drafted.accounts), header, drafted.accounts)


def draft(inventory: Inventory, order: PlanOrder, progress: Progress) -> Draft:
    """Judge all users and assign waves, without the checks that can refuse a plan."""
    planner = Planner(order.rules, order.waves, inventory.taken_at, frozenset(progress.groups_made))
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
    return Draft(header, accounts, without_wave, unmatched)


def newest_plan(plans: PlanStore, organization_id: str) -> Earlier:
    """Return the newest plan; a damaged plan, or one of another organization, counts as none."""
    try:
        stored = plans.load(None, organization_id)
        if stored.header.organization_id != organization_id:
            return NOTHING_EARLIER
        return _earlier(stored)
    except (NoPlan, PlanRefused):
        return NOTHING_EARLIER


def plan_in_place_of(there: PlanStore, plans: PlanStore, organization_id: str) -> Earlier:
    """Return the plan that a new one will replace at `there`; if there is none, the newest plan, for comparison only.

    Raises PlanRefused if something else is there, or a plan that was altered.
    """
    try:
        stored = there.load(None, organization_id)
    except NoPlan:
        return replace(newest_plan(plans, organization_id), stored=None)
    except PlanRefused as refused:
        raise PlanRefused(
            f"not replaced: {refused}", cure="name another file, or move this one away"
        ) from refused
    if stored.header.organization_id != organization_id:
        raise PlanRefused(
            f"not replaced: {stored.location} is a plan of organization {stored.header.organization_id}",
            cure="name another file",
        )
    return _earlier(stored)


def _earlier(stored: StoredPlan) -> Earlier:
    accounts = tuple(stored.accounts())
    return Earlier(remember(stored.header.id, accounts), content_digest(stored.header, accounts), stored)


def policy_fingerprint(rules: Rules) -> str:
    """Return the digest of the policy documents to be enforced, and of their names."""
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
            f"these lines of rollout.yaml protect nobody: {'; '.join(found)}",
            cure="correct or remove them; if they are correct, pass --accept-unmatched",
        )


def _refuse_without_wave(arns: tuple[str, ...]) -> None:
    if arns:
        some = ", ".join(arns[:3]) + (f" and {len(arns) - 3} more" if len(arns) > 3 else "")
        raise WrongUsage(
            f"{len(arns)} users to enforce fit no wave: {some}",
            cure="end waves: in rollout.yaml with a wave that takes everybody, such as {name: rest}",
        )


def _refuse_too_many_exempt(accounts: tuple[AccountPlan, ...], limit: float) -> None:
    entries = [entry for account in accounts for entry in account.entries]
    exempt = sum(entry.verdict is Kind.EXEMPT for entry in entries)
    if entries and exempt * 100 > limit * len(entries):
        share = exempt * 100 / len(entries)
        raise Refused(
            f"{exempt} of {len(entries)} users are exempt ({share:.1f} %), more than max_exempt_percent: {limit:g}",
            cure="end exemptions that are no longer needed, or raise rules.max_exempt_percent",
        )
