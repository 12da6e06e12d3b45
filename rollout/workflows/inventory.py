"""Looks at the whole organization once: every listed account read, left alone, or unreachable with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rollout.domain.people.inventory import (
    AccountFacts,
    AccountView,
    Effort,
    Finding,
    Inventory,
    NotEntered,
    Observed,
    Unreachable,
)
from rollout.domain.people.organization import Account, AccountState, Caller, Organization
from rollout.domain.people.scope import Scope, Selection
from rollout.domain.people.users import NamedPolicy, Unread
from rollout.errors import EmptySelection, Interrupted, OtherOrganization
from rollout.workflows.ports import (
    AccountAccess,
    CannotEnter,
    Clock,
    Engine,
    OpenAccount,
    OrganizationPort,
    PolicyLevels,
    ProgressDisplay,
)
from rollout.workflows.selecting import check_accounts

LIFELESS = {
    AccountState.CLOSED: "closed",
    AccountState.SUSPENDED: "suspended",
    AccountState.PENDING_CLOSURE: "closing",
    AccountState.PENDING_ACTIVATION: "not activated yet",
}


@dataclass(frozen=True, slots=True)
class Premises:
    """Whom and what a command works on: checked before anything is read or written."""

    caller: Caller
    organization: Organization
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """The ports that looking needs. `effort` tells the requests so far by account id; "" is the organization itself.

    `read` reads an account that was entered, by the bulk calls unless a command needs to know more.
    """

    access: AccountAccess
    engine: Engine
    clock: Clock
    progress: ProgressDisplay
    effort: Callable[[str], Effort] = lambda _: Effort()
    read: Callable[[OpenAccount], AccountFacts] = lambda entered: entered.read()


def premises(port: OrganizationPort, expected: str | None) -> Premises:
    """Find out where we are. Raises OtherOrganization when `rollout.yaml` names another organization."""
    caller = port.caller()
    organization = port.organization()
    if expected is not None and organization.id != expected:
        raise OtherOrganization(
            f"these credentials are of organization {organization.id}, but rollout.yaml says {expected}",
            cure="use credentials of the right organization, or correct organization: in rollout.yaml",
        )
    return Premises(caller, organization, tuple(port.accounts()))


def read_levels(port: OrganizationPort, accounts: Sequence[Account], mode: str) -> PolicyLevels | Unread:
    """Read the SCPs, or nothing when the operator says that there are none that matter (`rules.scps: off`)."""
    if mode == "off":
        return PolicyLevels({account.id: () for account in accounts})
    return port.policy_levels(accounts)


def take_inventory(
    where: Premises,
    levels: PolicyLevels | Unread,
    looking: Looking,
    scope: Scope,
    selection: Selection = Selection(),  # noqa: B008 - a frozen value without contents
) -> Inventory:
    """Enter and read every account in scope, side by side; failures are values. Raises EmptySelection."""
    taken_at = looking.clock.now()
    check_accounts(selection, where.accounts, where.organization.id)
    views: list[AccountView] = []
    enterable: list[Account] = []
    for account in where.accounts:
        if why_not := left_alone(account, scope):
            views.append(NotEntered(account, why_not))
        elif not _selected(account, selection):
            views.append(NotEntered(account, "not selected by --account / --ou", asked_for=False))
        else:
            enterable.append(account)
    if not enterable:
        raise EmptySelection(
            "none of the accounts asked for can be read: "
            + (_named(views, selection) or "none is under both --account and --ou"),
            cure="check --account and --ou, and scope: in rollout.yaml",
        )
    looking.progress.begin("Reading accounts", len(enterable))
    for account, view in looking.engine.map(lambda account: _look(account, looking, levels), enterable):
        views.append(view)
        looking.progress.advance(f"{account.id} {account.name}")
    looking.progress.finish()
    if len(views) < len(where.accounts):
        raise Interrupted("the look at the organization was ended early; nothing was written")
    views.sort(key=lambda view: view.account.id)
    return Inventory(
        where.organization, where.caller, taken_at, tuple(views), _about(levels), looking.effort("")
    )


def left_alone(account: Account, scope: Scope) -> str:
    """Say why an account is not entered; empty when it is. Closed comes before excluded."""
    if account.state is not AccountState.ACTIVE:
        return LIFELESS[account.state]
    return scope.excludes(account)


def levels_of(account: Account, levels: PolicyLevels | Unread) -> tuple[tuple[NamedPolicy, ...], ...] | None:
    """Take one account's SCP levels; None when they could not be read: no data is never "none"."""
    return None if isinstance(levels, Unread) else levels.by_account.get(account.id)


def _named(views: Sequence[AccountView], selection: Selection) -> str:
    """Name a few of the accounts asked for, with what keeps us out of them."""
    most = 3
    named = [
        f"{view.account.id} {view.account.name} is {view.reason}"
        for view in views
        if isinstance(view, NotEntered) and _selected(view.account, selection)
    ]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")


def _look(account: Account, looking: Looking, levels: PolicyLevels | Unread) -> Observed | Unreachable:
    try:
        entered = looking.access.enter(account)
        facts = looking.read(entered)
    except CannotEnter as refusal:
        return Unreachable(account, refusal.why, refusal.cure, looking.effort(account.id))
    return Observed(account, entered.role, facts, levels_of(account, levels), looking.effort(account.id))


def _selected(account: Account, selection: Selection) -> bool:
    return selection.takes_account(account.id, account.name, account.ou)


def _about(levels: PolicyLevels | Unread) -> tuple[Finding, ...]:
    if isinstance(levels, Unread):
        return (Finding("scps-unread", f"{levels.fact} could not be read: {levels.why}"),)
    return ()
