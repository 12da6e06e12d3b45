"""Represents the organization: its accounts, their OUs and their states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rollout.domain.people.actor import Actor

UNKNOWN_ORGANIZATION = "unknown"
"""Stands for an organization's id where people are let out and nothing tells it."""


class AccountState(StrEnum):
    """`State` of AWS Organizations, or its equivalent of the retired `Status` (aws-facts.md#organizations)."""

    PENDING_ACTIVATION = "PENDING_ACTIVATION"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    PENDING_CLOSURE = "PENDING_CLOSURE"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its ID (12 digits, with leading zeros), name, and path of OU names (`Workloads/Prod`; "" = root)."""

    id: str
    name: str
    email: str
    state: AccountState
    ou: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Organization:
    """The organization, as returned by `DescribeOrganization`, and its partition."""

    id: str
    management_account_id: str
    partition: str = "aws"


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity that runs the command (`GetCallerIdentity`), and the IAM user behind it if there is one."""

    arn: str
    account_id: str
    partition: str = "aws"
    source_user_arn: str | None = None
    user_id: str = ""

    @property
    def actor(self) -> Actor:
        """Whom approvals and plans record."""
        return Actor(self.arn, self.user_id)

    @property
    def operator_arns(self) -> frozenset[str]:
        """The IAM users who must stay able to release others (design.md#accounts, `is-operator`)."""
        mine = {self.arn} if ":user/" in self.arn else set()
        return frozenset(mine | ({self.source_user_arn} if self.source_user_arn else set()))


def user_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """Return a user's ARN, such as `arn:aws:iam::012345678901:user/team/alice` (aws-facts.md#names-paths-arns-tags)."""
    return f"arn:{partition}:iam::{account_id}:user{path}{name}"


def policy_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """Return the ARN of a customer managed policy (aws-facts.md#names-paths-arns-tags)."""
    return f"arn:{partition}:iam::{account_id}:policy{path}{name}"


def account_of(arn: str) -> str:
    """Return the account ID in an ARN, its fifth field; empty for any other text, as a store may hold."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else ""


def is_policy_at(arn: str, account_id: str, path: str) -> bool:
    """Tell whether an ARN is that of a policy of this account, right at this path and not below it."""
    parts = arn.split(":", 5)
    if account_of(arn) != account_id or parts[2:4] != ["iam", ""]:
        return False
    name = parts[5].removeprefix(f"policy{path}")
    return parts[5].startswith(f"policy{path}") and bool(name) and "/" not in name
