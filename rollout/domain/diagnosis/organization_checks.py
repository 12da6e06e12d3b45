"""Checks the organization: its id, the caller's place in it, its accounts, service control policies and selectors."""

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

CORRECT = "correct it in rollout.yaml, or remove it"


def _organization(facts: OrganizationFacts) -> Iterator[CheckAnswer]:
    found = facts.organization
    if isinstance(found, NoAnswer):
        yield failure(found.why, found.cure)
    elif facts.expected is None:
        yield warning(
            f"{found.id}; rollout.yaml names no organization, so credentials of any organization are accepted",
            f"add organization: {found.id} to rollout.yaml",
        )
    elif facts.is_another:
        yield failure(
            f"these credentials belong to {found.id}, but rollout.yaml names {facts.expected}",
            "use credentials of the right organization, or correct organization: in rollout.yaml",
        )
    else:
        yield ok(f"{found.id}, the one in rollout.yaml")


def _caller_account(facts: OrganizationFacts) -> Iterator[CheckAnswer]:
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
            yield ok("not read, because rules.scps is off")
        case Unread(why=why):
            yield failure(f"cannot be read, so every user would be unknown: {why}", READ_POLICIES)
        case 0:
            yield ok("none applies to any account")
        case number:
            yield ok(f"readable; {number} apply to accounts")


def _selectors(facts: OrganizationFacts) -> Iterator[CheckAnswer]:
    if facts.unmatched is None:
        return
    for selector in facts.unmatched:
        if selector.refuses:
            yield failure(f"{selector.sentence}, so `rollout plan` refuses to run", CORRECT)
        else:
            yield warning(selector.sentence, "" if selector.not_looked_for else CORRECT)
    if not facts.unmatched:
        yield ok("every selector matches an account or user")


ORGANIZATION_CHECKS = (
    Check(
        "organization",
        "its id; a warning if `rollout.yaml` names none",
        "it cannot be read, or is not the one that `rollout.yaml` names",
        _organization,
    ),
    Check(
        "standpoint",
        "whether the caller is in the management account or a delegated administrator",
        "it is in neither",
        _caller_account,
    ),
    Check("accounts", "how many are listed", "they cannot be listed", _accounts),
    Check(
        "service control policies",
        "how many apply to accounts",
        "they cannot be read: every user would be `unknown` (or set `rules.scps: off`)",
        _control_policies,
    ),
    Check(
        "selectors",
        "selectors of `rollout.yaml` that match no account or user; a warning if that leaves nobody unprotected, or"
        " if the user may be in an account that was not read. With `--account` or `--ou`, only selectors of"
        " accounts",
        "one of `rules.break_glass`, `exemptions` or `scope.exclude` matches nobody",
        _selectors,
    ),
)
