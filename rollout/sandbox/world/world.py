"""Holds what the embedded organization knows beyond what moto keeps: passwords, boundaries, sessions, reports."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from moto.iam.models import IAMBackend, iam_backends
from moto.organizations.models import OrganizationsBackend, organizations_backends

from rollout.sandbox.world.blueprint import Policy, Root

if TYPE_CHECKING:
    from rollout.sandbox.world.identifiers import Identifiers
    from rollout.sandbox.world.sandbox_clock import Clock

PARTITION = "aws"


@dataclass
class PasswordFacts:
    """A login profile with the dates that moto leaves out."""

    created: datetime
    changed: datetime
    used: datetime | None
    reset_required: bool


@dataclass
class ServiceCredentialFacts:
    """A service-specific credential, of which moto knows nothing."""

    credential_id: str
    user_id: str
    service: str
    created: datetime
    status: str
    expires: datetime | None


@dataclass(frozen=True)
class StoredReport:
    """The one credential report that AWS keeps for an account, whatever has happened since."""

    content: str
    generated: datetime


@dataclass
class AccountFacts:
    """What one account knows beyond moto's model of it; users by their UserId."""

    created: datetime
    root: Root
    passwords: dict[str, PasswordFacts] = field(default_factory=dict)
    boundaries: dict[str, str] = field(default_factory=dict)
    service_credentials: list[ServiceCredentialFacts] = field(default_factory=list)
    report: StoredReport | None = None
    report_pending: bool = False


@dataclass(frozen=True)
class Session:
    """Temporary credentials; `expires` is real time, for clients refresh by the time of this machine."""

    key_id: str
    secret: str
    token: str
    expires: datetime
    account: str
    role_arn: str | None = None
    user_name: str | None = None
    name: str = ""
    policy: str | None = None
    mfa: bool = False


@dataclass
class World:
    """One embedded organization: its clock, its ids, and the facts of its accounts."""

    clock: Clock
    ids: Identifiers
    management_id: str
    policies_of_aws: Mapping[str, Policy]
    accounts: dict[str, AccountFacts] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    planned_accounts: list[str] = field(default_factory=list)
    counts: Counter[tuple[object, ...]] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def organizations(self) -> OrganizationsBackend:
        """Give moto's model of the organization."""
        return organizations_backends[self.management_id][PARTITION]

    def iam(self, account: str) -> IAMBackend:
        """Give moto's model of an account's IAM."""
        return iam_backends[account][PARTITION]

    def facts(self, account: str) -> AccountFacts:
        """Give what moto does not know of an account; a new account starts empty."""
        if account not in self.accounts:
            self.accounts[account] = AccountFacts(created=self.clock.now(), root=Root())
        return self.accounts[account]

    def next_account_id(self) -> str:
        """Give moto the id of the account it is about to make: described ones first."""
        return (
            self.planned_accounts.pop(0) if self.planned_accounts else self.ids.account(self.next("account"))
        )

    def user_id(self, account: str, name: str) -> str:
        """Give a new user's id; a name that is used again belongs to somebody else."""
        return self.ids.user(account, name, self.next("user", account, name))

    def group_id(self, account: str, name: str) -> str:
        """Give a new group's id."""
        return self.ids.group(account, name, self.next("group", account, name))

    def policy_id(self, account: str, name: str) -> str:
        """Give a new managed policy's id."""
        return self.ids.policy(account, name, self.next("policy", account, name))

    def key_id(self, account: str, user: str) -> str:
        """Give a new access key's id."""
        return self.ids.access_key(account, user, self.next("access-key", account, user))

    def credential_id(self, account: str, user: str) -> str:
        """Give a new service-specific credential's id."""
        return self.ids.service_credential(account, user, self.next("service-credential", account, user))

    def next(self, *what: object) -> int:
        """Count how often something has been asked for, so that ids never come twice."""
        self.counts[what] += 1
        return self.counts[what]
