"""Reads live the credentials of users whom the policy could lock out: the credential report can be four hours old.

See design.md#stages-and-gates, aws-facts.md#credential-report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.users import User
from rollout.domain.progress.projection import Progress
from rollout.workflows.ports import OpenAccount, Refusal


def read_with_care(group: str, progress: Progress) -> Callable[[OpenAccount], AccountFacts]:
    """Return a function that reads an account, and reads enforced users who could be locked out a second time, live."""
    return lambda entered: freshened(entered.read(), entered, group, progress)


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
