"""Asks live whom the policy could trap: the credential report is up to four hours old.

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
    """Make a reading of accounts that asks again about those who are enforced, and could be locked out by it."""
    return lambda entered: freshened(entered.read(), entered, group, progress)


def freshened(facts: AccountFacts, entered: OpenAccount, group: str, progress: Progress) -> AccountFacts:
    """Ask the credentials of everybody who has a password, no device, and is or was under our policy."""
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
