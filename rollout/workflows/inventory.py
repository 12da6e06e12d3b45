"""Reads the whole organization once: every account is read, skipped, or unreachable with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from rollout.domain.drift import SOON
from rollout.domain.people.observations import (
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
from rollout.domain.people.users import Credential, NamedPolicy, Unread, User
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_resources import Names, in_doubt
from rollout.domain.progress.projection import Progress
from rollout.domain.verdicts.passwords import password_obstacle
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
    Refusal,
)
from rollout.workflows.selecting import check_accounts

T = TypeVar("T")

LIFELESS = {
    AccountState.CLOSED: "closed",
    AccountState.SUSPENDED: "suspended",
    AccountState.PENDING_CLOSURE: "closing",
    AccountState.PENDING_ACTIVATION: "not activated yet",
}


@dataclass(frozen=True, slots=True)
class Premises:
    """The caller and organization that a command works on, checked before it reads or writes anything else."""

    caller: Caller
    organization: Organization
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Looking:
    """The ports of an inventory. `effort`: requests so far by account id, "" for the organization itself.

    `read`: reads an entered account, by the bulk calls and what a command needs besides. `findings`: what the reading
    of all accounts has shown. `awaited`: how many credential reports are waited for. `anywhere` gives what another
    process needs to make the same; without it, the engine is one of threads.
    """

    access: AccountAccess
    engine: Engine
    clock: Clock
    progress: ProgressDisplay
    effort: Callable[[str], Effort] = lambda _: Effort()
    read: Callable[[OpenAccount, str], AccountFacts] = lambda entered, _: entered.read()
    findings: Callable[[], tuple[Finding, ...]] = tuple
    awaited: Callable[[], int] = int
    anywhere: Callable[[], Callable[[], Looking]] | None = None


def premises(port: OrganizationPort, expected: str | None) -> Premises:
    """Read caller, organization and accounts. Raises OtherOrganization if `rollout.yaml` names another organization."""
    organization = port.organization()
    caller = port.caller()
    if expected is not None and organization.id != expected:
        raise OtherOrganization(
            f"these credentials are of organization {organization.id}, but rollout.yaml says {expected}",
            cure="use credentials of that organization, or correct organization: in rollout.yaml",
        )
    return Premises(caller, organization, tuple(port.accounts()))


def read_levels(port: OrganizationPort, accounts: Sequence[Account], mode: str) -> PolicyLevels | Unread:
    """Read the SCPs, or assume that there are none if the operator says so (`rules.scps: off`)."""
    if mode == "off":
        return PolicyLevels({account.id: () for account in accounts})
    return port.policy_levels(accounts)


@dataclass(frozen=True, slots=True)
class Look:
    """A look at every account in scope that is still to be taken.

    `levels` gives the SCPs: accounts can be entered and read before they are all there.
    """

    where: Premises
    levels: Callable[[], PolicyLevels | Unread]
    looking: Looking
    scope: Scope
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True, slots=True)
class Survey(Generic[T]):
    """The inventory in brief (`Observed.in_brief`), and what was made of each account that was read, by account id."""

    inventory: Inventory
    made: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class AccountTask(Generic[T]):
    """What is done in each account: enter it, read it, and make of it what is wanted, which alone is kept.

    An engine may run this in another process: see docs/architecture.md#engines.
    """

    looking: Looking
    levels: Callable[[], PolicyLevels | Unread]
    make: Callable[[Observed], T]

    def __reduce__(self) -> tuple[object, ...]:
        """Take with it how to enter and read, and not what does so here: sessions stay in their process."""
        if self.looking.anywhere is None:
            raise TypeError("this look cannot be taken in another process")
        return _task_elsewhere, (self.looking.anywhere(), self.levels(), self.make)

    def __call__(self, account: Account) -> tuple[Observed | Unreachable, tuple[T, ...]]:
        """Return the account in brief, and what was made of it; nothing if it could not be read."""
        looking = self.looking
        try:
            entered = looking.access.enter(account)
            facts = looking.read(entered, account.id)
        except CannotEnter as refusal:
            return Unreachable(account, refusal.why, refusal.cure, looking.effort(account.id)), ()
        levels, effort = levels_of(account, self.levels()), looking.effort(account.id)
        observed = Observed(account, entered.role, facts, levels, effort)
        return observed.in_brief, (self.make(observed),)


def _task_elsewhere(
    anywhere: Callable[[], Looking], levels: PolicyLevels | Unread, make: Callable[[Observed], T]
) -> AccountTask[T]:
    return AccountTask(anywhere(), lambda: levels, make)


def take_inventory(look: Look) -> Inventory:
    """Read every account, and keep all that was read. Raises as `survey` does."""
    found = survey(look, lambda observed: observed, look.looking.clock.now())
    whole = {observed.account.id: observed for observed in found.made}
    views = tuple(whole.get(view.account.id, view) for view in found.inventory.accounts)
    return replace(found.inventory, accounts=views)


def survey(
    look: Look, make: Callable[[Observed], T], at: datetime, take: Callable[[T], T] = lambda made: made
) -> Survey[T]:
    """Read every account in scope, several side by side, and make something of each as soon as it was read.

    `take`: what is kept of that here, where `make` may be done elsewhere. Failures are values. `at` is the time of the
    inventory. Raises EmptySelection, Interrupted.
    """
    where, looking, selection = look.where, look.looking, look.selection
    check_accounts(selection, where.accounts, where.organization.id)
    views: list[AccountView] = []
    enterable: list[Account] = []
    for account in where.accounts:
        if why_not := left_alone(account, look.scope):
            views.append(NotEntered(account, why_not))
        elif not _selected(account, selection):
            views.append(NotEntered(account, "not selected by --account / --ou", asked_for=False))
        else:
            enterable.append(account)
    if not enterable:
        raise EmptySelection(
            "none of the selected accounts can be read: "
            + (_named(views, selection) or "none is under both --account and --ou"),
            cure="check --account and --ou, and scope: in rollout.yaml",
        )
    made: dict[str, T] = {}
    unreachable = 0
    looking.progress.begin("Reading accounts", len(enterable))
    for account, (view, found) in looking.engine.map(AccountTask(looking, look.levels, make), enterable):
        views.append(view)
        if found:
            made[account.id] = take(found[0])
        unreachable += not found
        looking.progress.advance(_so_far(unreachable, looking.awaited()) + f"{account.id} {account.name}")
    looking.progress.finish()
    if len(views) < len(where.accounts):
        raise Interrupted("the inventory was interrupted; nothing was written")
    views.sort(key=lambda view: view.account.id)
    inventory = Inventory(
        where.organization,
        where.caller,
        at,
        tuple(views),
        (*_about(look.levels()), *looking.findings()),
        looking.effort(""),
    )
    return Survey(inventory, tuple(one for _, one in sorted(made.items())))


def _so_far(unreachable: int, awaited: int) -> str:
    """Say what of the accounts so far matters to whoever waits."""
    counts = ((unreachable, "unreachable"), (awaited, "waiting for a credential report"))
    said = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    return f"{said}; " if said else ""


def left_alone(account: Account, scope: Scope) -> str:
    """Return why an account is skipped, or "" if it is not. The account's state comes before its exclusion."""
    if account.state is not AccountState.ACTIVE:
        return LIFELESS[account.state]
    return scope.excludes(account)


def levels_of(account: Account, levels: PolicyLevels | Unread) -> tuple[tuple[NamedPolicy, ...], ...] | None:
    """Return one account's SCP levels; None if they could not be read, which never means that there are none."""
    return None if isinstance(levels, Unread) else levels.by_account.get(account.id)


def _named(views: Sequence[AccountView], selection: Selection) -> str:
    """Name up to three of the selected accounts, and why they cannot be read."""
    most = 3
    named = [
        f"{view.account.id} {view.account.name} is {view.reason}"
        for view in views
        if isinstance(view, NotEntered) and _selected(view.account, selection)
    ]
    return ", ".join(named[:most]) + (f" and {len(named) - most} more" if len(named) > most else "")


def _selected(account: Account, selection: Selection) -> bool:
    return selection.takes_account(account.id, account.name, account.ou)


def _about(levels: PolicyLevels | Unread) -> tuple[Finding, ...]:
    if isinstance(levels, Unread):
        return (Finding("scps-unread", f"{levels.fact} could not be read: {levels.why}"),)
    return ()


def read_account(entered: OpenAccount, names: Names, made: Callable[[], Made]) -> AccountFacts:
    """Read an account by the bulk calls, and the tags of each policy of ours of which the journal is not certain.

    `made` tells what the journal says, and is only asked where a policy stands at our path. Where the tags cannot be
    read, they stay unknown. Raises CannotEnter. See design.md#policy-documents.
    """
    facts = entered.read()
    policies = dict(facts.policies)
    if all(policy.path != names.path for policy in policies.values()):
        return facts
    for arn in in_doubt(facts, names, made()):
        with suppress(CannotEnter):
            read = entered.policy(arn)
            if read is not None:
                policies[arn] = replace(policies[arn], tags=read.tags)
    return replace(facts, policies=policies)


def read_with_care(
    names: Names, lead_time: timedelta, progress: Progress
) -> Callable[[OpenAccount, str], AccountFacts]:
    """Return a function that reads an account, and reads enforced users who could be locked out a second time, live.

    The credential report can be four hours old. See design.md#stages-and-gates, aws-facts.md#credential-report.
    """
    return lambda entered, account_id: _freshened(
        read_account(entered, names, lambda: progress.made_in(account_id)),
        entered,
        names.group,
        progress,
        lead_time,
    )


def _freshened(
    facts: AccountFacts, entered: OpenAccount, group: str, progress: Progress, lead_time: timedelta
) -> AccountFacts:
    """Read live the password of all users with one and no device who are or were under our policy.

    Their devices too, where the password could lock them out. A report that was made while the account was read says
    as much: then nobody is asked.
    """
    users: list[User] = []
    for user in facts.users:
        known = user.id in progress.placed or user.id in progress.releases.to_return
        in_danger = (known or group in user.groups) and user.password is not None and not user.has_device
        if not in_danger or user.is_fresh(facts.read_at):
            users.append(user)
            continue
        with suppress(Refusal):  # deleted a moment ago
            asked = user
            if user.password and user.password.reset_required is None:  # else it was asked with the account
                asked = entered.credentials_now(user, (Credential.PASSWORD,))
            if password_obstacle(asked, facts.password_policy, facts.read_at, max(SOON, lead_time)):
                asked = entered.credentials_now(asked, (Credential.DEVICES,))
            users.append(asked)
    return replace(facts, users=tuple(users))
