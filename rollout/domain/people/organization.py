"""The organization as a value: accounts, where they hang, and whether they can be worked on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AccountState(StrEnum):
    """`State` of AWS Organizations, or what the retired `Status` says of it (aws-facts.md#organizations)."""

    PENDING_ACTIVATION = "PENDING_ACTIVATION"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    PENDING_CLOSURE = "PENDING_CLOSURE"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Account:
    """One account: its id (12 digits, zeros kept), name, OU path by names (`Workloads/Prod`, "" = root)."""

    id: str
    name: str
    email: str
    state: AccountState
    ou: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Organization:
    """Which organization this is, as `DescribeOrganization` answers, and in which partition."""

    id: str
    management_account_id: str
    partition: str = "aws"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who runs this: `GetCallerIdentity`, and the IAM user behind it where there is one."""

    arn: str
    account_id: str
    partition: str = "aws"
    source_user_arn: str | None = None

    @property
    def operator_arns(self) -> frozenset[str]:
        """The IAM users that must stay able to pull the brake (design.md#accounts, `is-operator`)."""
        mine = {self.arn} if ":user/" in self.arn else set()
        return frozenset(mine | ({self.source_user_arn} if self.source_user_arn else set()))


def user_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """Spell a user's ARN: `arn:aws:iam::012345678901:user/team/alice` (aws-facts.md#names-paths-arns-tags)."""
    return f"arn:{partition}:iam::{account_id}:user{path}{name}"


def policy_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """Spell a customer managed policy's ARN (aws-facts.md#names-paths-arns-tags)."""
    return f"arn:{partition}:iam::{account_id}:policy{path}{name}"
