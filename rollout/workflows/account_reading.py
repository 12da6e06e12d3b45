"""Reads an account for a judgement: tags where they tell whose a policy is, credentials where they could lock out.

The credential report can be four hours old. See design.md#policy-documents, design.md#stages-and-gates,
aws-facts.md#credential-report.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.users import User
from rollout.domain.policy.our_resources import Names, in_doubt
from rollout.domain.progress.projection import Progress
from rollout.workflows.ports import CannotEnter, OpenAccount, Refusal


def read_account(entered: OpenAccount, account_id: str, names: Names, progress: Progress) -> AccountFacts:
    """Read an account by the bulk calls, and the tags of each policy of ours of which the journal is not certain.

    Where the tags cannot be read, they stay unknown. Raises CannotEnter.
    """
    facts = entered.read()
    policies = dict(facts.policies)
    for arn in in_doubt(facts, names, progress.made_in(account_id)):
        with suppress(CannotEnter):
            read = entered.policy(arn)
            if read is not None:
                policies[arn] = replace(policies[arn], tags=read.tags)
    return replace(facts, policies=policies)


def read_with_care(names: Names, progress: Progress) -> Callable[[OpenAccount, str], AccountFacts]:
    """Return a function that reads an account, and reads enforced users who could be locked out a second time, live."""
    return lambda entered, account_id: freshened(
        read_account(entered, account_id, names, progress), entered, names.group, progress
    )


def freshened(facts: AccountFacts, entered: OpenAccount, group: str, progress: Progress) -> AccountFacts:
    """Read live the credentials of all users with a password and no device who are or were under our policy."""
    users: list[User] = []
    for user in facts.users:
        known = user.id in progress.placed or user.id in progress.releases.to_return
        if not (known or group in user.groups) or user.password is None or user.has_device:
            users.append(user)
            continue
        try:
            users.append(entered.credentials_now(user))
        except Refusal:
            continue  # deleted a moment ago
    return replace(facts, users=tuple(users))
