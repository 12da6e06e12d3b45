"""Checks the organization: which one, seen from where, listable, and its service control policies readable."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.diagnosis.check import Check, CheckAnswer, failure, ok, warning
from rollout.domain.diagnosis.facts import NoAnswer, OrganizationFacts
from rollout.domain.people.organization import AccountState
from rollout.domain.people.users import Unread

READ_POLICIES = (
    "allow the caller organizations:ListPolicies, ListTargetsForPolicy and DescribePolicy (for a delegated "
    "administrator: in the organization's delegation policy), or set rules.scps: off"
)


def _organization(facts: OrganizationFacts) -> Iterator[CheckAnswer]:
    found = facts.organization
    if isinstance(found, NoAnswer):
        yield failure(found.why, found.cure)
    elif facts.expected is None:
        yield warning(
            f"{found.id}; rollout.yaml names none, so credentials of any organization are accepted",
            f"write organization: {found.id} into rollout.yaml",
        )
    elif facts.is_another:
        yield failure(
            f"these credentials belong to {found.id}, but rollout.yaml names {facts.expected}",
            "use credentials of the right organization, or correct organization: in rollout.yaml",
        )
    else:
        yield ok(f"{found.id}, the one in rollout.yaml")


def _standpoint(facts: OrganizationFacts) -> Iterator[CheckAnswer]:
    ours, account = facts.ours, facts.caller.account_id
    if ours is None:
        return
    if account == ours.management_account_id:
        yield ok(f"the management account, {account}")
    elif isinstance(facts.accounts, NoAnswer):
        others = f"the management account {ours.management_account_id}, or of a delegated administrator"
        yield failure(
            f"account {account} is neither the management account nor a delegated administrator",
            f"use credentials of {others}",
        )
    else:
        yield ok(f"a delegated administrator, account {account}")


def _accounts(facts: OrganizationFacts) -> Iterator[CheckAnswer]:
    if facts.ours is None:
        return
    if isinstance(facts.accounts, NoAnswer):
        yield failure(facts.accounts.why, facts.accounts.cure)
    else:
        active = sum(account.state is AccountState.ACTIVE for account in facts.accounts)
        yield ok(f"{len(facts.accounts)} are listed, {active} of them active")


def _control_policies(facts: OrganizationFacts) -> Iterator[CheckAnswer]:
    if facts.ours is None or isinstance(facts.accounts, NoAnswer):
        return
    match facts.control_policies:
        case None:
            yield ok("not read, since rules.scps is off")
        case Unread(why=why):
            yield failure(f"cannot be read, so every user would be unknown: {why}", READ_POLICIES)
        case 0:
            yield ok("none applies to any account")
        case number:
            yield ok(f"readable; {number} apply to accounts")


ORGANIZATION_CHECKS = (
    Check(
        "organization",
        "its id; a warning when `rollout.yaml` names none",
        "it cannot be asked, or is another one than `rollout.yaml` names",
        _organization,
    ),
    Check(
        "standpoint",
        "whether the caller is in the management account or a delegated administrator",
        "in neither",
        _standpoint,
    ),
    Check("accounts", "how many are listed", "they cannot be listed", _accounts),
    Check(
        "service control policies",
        "how many apply to accounts",
        "they cannot be read: every user would be `unknown` (or set `rules.scps: off`)",
        _control_policies,
    ),
)
