"""Checks the organization: which one, seen from where, listable, and its service control policies readable."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.diagnosis.check import Check, Section, State
from rollout.domain.diagnosis.facts import OrganizationLook, Trouble
from rollout.domain.people.organization import Account, AccountState, Caller, Organization
from rollout.domain.people.users import Unread

READ_POLICIES = (
    "allow the caller organizations:ListPolicies, ListTargetsForPolicy and DescribePolicy (for a delegated "
    "administrator: in the organization's delegation policy), or say rules.scps: off"
)


def is_another(look: OrganizationLook) -> bool:
    """Tell whether rollout.yaml speaks of another organization than these credentials."""
    found = look.organization
    return isinstance(found, Organization) and look.expected not in (None, found.id)


def check_organization(look: OrganizationLook, caller: Caller) -> Iterator[Check]:
    """Check what was seen; after a failure that ends the look there is nothing more to check."""
    found, accounts = look.organization, look.accounts
    if isinstance(found, Trouble):
        yield _check("organization", State.FAILURE, found.why, found.cure)
        return
    yield _which(found, look.expected)
    if is_another(look):
        return
    yield _standpoint(found, caller, accounts)
    if isinstance(accounts, Trouble):
        yield _check("accounts", State.FAILURE, accounts.why, accounts.cure)
        return
    yield _check("accounts", State.OK, _counted(accounts))
    yield _control_policies(look.control_policies)


def _which(found: Organization, expected: str | None) -> Check:
    if expected is None:
        return _check(
            "organization",
            State.WARNING,
            f"{found.id}, and rollout.yaml names none: credentials of any organization are taken",
            f"write organization: {found.id} into rollout.yaml",
        )
    if found.id != expected:
        return _check(
            "organization",
            State.FAILURE,
            f"these credentials are of {found.id}, but rollout.yaml says {expected}",
            "use credentials of the right organization, or correct organization: in rollout.yaml",
        )
    return _check("organization", State.OK, f"{found.id}, the one in rollout.yaml")


def _standpoint(found: Organization, caller: Caller, accounts: tuple[Account, ...] | Trouble) -> Check:
    if caller.account_id == found.management_account_id:
        return _check("standpoint", State.OK, f"the management account, {caller.account_id}")
    if isinstance(accounts, Trouble):
        text = f"account {caller.account_id} is neither the management account nor a delegated administrator"
        others = f"the management account {found.management_account_id}, or of a delegated administrator"
        return _check("standpoint", State.FAILURE, text, f"use credentials of {others}")
    return _check("standpoint", State.OK, f"a delegated administrator, account {caller.account_id}")


def _counted(accounts: tuple[Account, ...]) -> str:
    active = sum(account.state is AccountState.ACTIVE for account in accounts)
    return f"{len(accounts)} are listed, {active} of them active"


def _control_policies(found: int | Unread | None) -> Check:
    name = "service control policies"
    match found:
        case None:
            return _check(name, State.OK, "not read: rules.scps is off, by your word that they do not matter")
        case Unread(why=why):
            return _check(
                name, State.FAILURE, f"cannot be read, so every user would be unknown: {why}", READ_POLICIES
            )
        case 0:
            return _check(name, State.OK, "none bears on any account")
        case number:
            return _check(name, State.OK, f"readable; {number} bear on accounts")


def _check(name: str, state: State, text: str, cure: str = "") -> Check:
    return Check(Section.ORGANIZATION, name, state, text, (cure,) if cure else ())
