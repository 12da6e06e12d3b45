"""`rollout doctor`: checks the caller, the organization, and the rights in each account; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from rollout.domain.diagnosis.check import Diagnosis
from rollout.domain.diagnosis.diagnose import diagnose
from rollout.domain.diagnosis.facts import (
    AccountProbe,
    DoctorFacts,
    EntrySettings,
    NoAnswer,
    OrganizationFacts,
)
from rollout.domain.diagnosis.store_facts import StoreFacts
from rollout.domain.people.organization import Account, Caller
from rollout.domain.people.scope import Scope, Selection
from rollout.domain.people.selectors import (
    AccountSelector,
    Searched,
    Selector,
    UnmatchedSelector,
    find_unmatched,
    matching,
)
from rollout.domain.people.users import Unread
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_resources import whose_of_ours
from rollout.errors import Interrupted, RolloutError
from rollout.workflows.inventory import left_alone, read_levels
from rollout.workflows.ports import (
    CannotEnter,
    Clock,
    Engine,
    OrganizationPort,
    PolicyLevels,
    ProbingAccess,
    ProgressDisplay,
    RunEnvironment,
)
from rollout.workflows.selecting import check_accounts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DoctorTools:
    """The ports of `doctor`; `access` needs the caller, and `store` the organization's id, known only after a call."""

    organization: OrganizationPort
    run_environment: RunEnvironment
    access: Callable[[Caller], ProbingAccess]
    engine: Engine
    progress: ProgressDisplay
    clock: Clock
    store: Callable[[str], StoreFacts] | None = None


@dataclass(frozen=True, slots=True)
class DoctorOrder:
    """What to check. `reading_only` leaves out the rights that only notify and enforce need.

    `proving` adds those that only `rollout prove` needs.
    """

    expected: str | None
    scps: str
    scope: Scope = field(default_factory=Scope)
    selection: Selection = field(default_factory=Selection)
    entry_settings: EntrySettings = field(default_factory=EntrySettings)
    reading_only: bool = False
    proving: bool = False
    selectors: tuple[Selector, ...] = ()


def examine(order: DoctorOrder, tools: DoctorTools) -> Diagnosis:
    """Check everything, as far as access allows. Raises EmptySelection, Interrupted."""
    caller = _asked(tools.organization.caller)
    if isinstance(caller, NoAnswer):
        return diagnose(DoctorFacts(caller, tools.run_environment.environment_facts(None)))
    organization = _look_at_organization(order, tools.organization, caller)
    ours = organization.ours
    store = tools.store(ours.id) if tools.store and ours else None
    accounts: tuple[AccountProbe, ...] = ()
    listed = organization.accounts
    if ours and listed and not isinstance(listed, NoAnswer):
        check_accounts(order.selection, listed, ours.id)
        accounts = _look_at_accounts(listed, caller, order, tools, store.made if store else None)
        unmatched = _unmatched(order, listed, accounts, tools.clock)
        organization = replace(organization, unmatched=unmatched)
    environment_facts = tools.run_environment.environment_facts(caller)
    return diagnose(DoctorFacts(caller, environment_facts, organization, accounts), store)


def _look_at_organization(order: DoctorOrder, port: OrganizationPort, caller: Caller) -> OrganizationFacts:
    look = OrganizationFacts(caller, _asked(port.organization), order.expected)
    if look.ours is None:
        return look  # ask nothing more of another organization
    accounts = _asked(lambda: tuple(port.accounts()))
    if isinstance(accounts, NoAnswer) or order.scps == "off":
        return replace(look, accounts=accounts)
    levels = _asked(lambda: read_levels(port, accounts, order.scps))
    return replace(look, accounts=accounts, control_policies=_counted(levels))


def _counted(levels: PolicyLevels | Unread | NoAnswer) -> int | Unread:
    match levels:
        case PolicyLevels(by_account=by_account):
            named = {
                policy.arn or policy.name for way in by_account.values() for level in way for policy in level
            }
            return len(named)
        case NoAnswer(why=why):
            return Unread("service control policies", why)
        case Unread():
            return levels


def _look_at_accounts(
    listed: tuple[Account, ...],
    caller: Caller,
    order: DoctorOrder,
    tools: DoctorTools,
    made: Mapping[str, Made] | None,
) -> tuple[AccountProbe, ...]:
    chosen = [
        account for account in listed if order.selection.takes_account(account.id, account.name, account.ou)
    ]
    looks = [
        AccountProbe(account, left_alone=why)
        for account in chosen
        if (why := left_alone(account, order.scope))
    ]
    due = [account for account in chosen if not left_alone(account, order.scope)]
    access = tools.access(caller)
    tools.progress.begin("Checking accounts", len(due))
    for account, look in tools.engine.map(lambda account: _look_at(account, access, order, made), due):
        looks.append(look)
        tools.progress.advance(f"{account.id} {account.name}")
    tools.progress.finish()
    if len(looks) < len(chosen):
        raise Interrupted("the check was interrupted")
    return tuple(sorted(looks, key=lambda look: look.account.id))


def _unmatched(
    order: DoctorOrder, listed: tuple[Account, ...], accounts: tuple[AccountProbe, ...], clock: Clock
) -> tuple[UnmatchedSelector, ...]:
    selectors = order.selectors
    if order.selection != Selection():
        selectors = tuple(one for one in selectors if isinstance(one, AccountSelector))
    searched = Searched(
        listed,
        matching(selectors, [user for probe in accounts for user in probe.users or ()]),
        frozenset(probe.account.id for probe in accounts if probe.users is None and not probe.left_alone),
        frozenset(probe.account.id for probe in accounts if probe.left_alone),
    )
    return tuple(find_unmatched(selectors, searched, clock.now().date()))


def _look_at(
    account: Account, access: ProbingAccess, order: DoctorOrder, made: Mapping[str, Made] | None
) -> AccountProbe:
    try:
        inside = access.probe(account)
        rights = inside.rights()
    except CannotEnter as refusal:
        return AccountProbe(
            account, order.entry_settings, refused=NoAnswer(refusal.why, refusal.cure, refusal.denials)
        )
    except RolloutError as error:  # the caller's own session ended: no further account can be entered
        return AccountProbe(account, refused=_no_answer(error), ends=True)
    if order.reading_only:
        rights = tuple(right for right in rights if not right.writes)
    look = AccountProbe(account, role=inside.role, rights=rights)
    try:
        if order.proving:
            look = replace(look, rights=(*rights, *inside.proof_rights()))
        look = replace(look, quota_usage=inside.quota_usage(), users=inside.users())
        if made is None:
            return look
        return replace(look, policies=whose_of_ours(inside.our_policies(), made.get(account.id) or Made()))
    except CannotEnter as refusal:
        return replace(look, quota_usage=NoAnswer(refusal.why, refusal.cure))
    except RolloutError as error:
        return AccountProbe(account, refused=_no_answer(error), ends=True)


def _asked(question: Callable[[], T]) -> T | NoAnswer:
    try:
        return question()
    except RolloutError as error:
        return _no_answer(error)


def _no_answer(error: RolloutError) -> NoAnswer:
    return NoAnswer(str(error), error.cure)
