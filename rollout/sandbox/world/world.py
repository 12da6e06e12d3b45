"""Holds the state of the sandbox that moto does not keep: passwords, boundaries, sessions, reports."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.iam.models import IAMBackend, iam_backends
from moto.organizations.models import OrganizationsBackend, organizations_backends

from rollout.sandbox.world.blueprint import DescribedPolicy, DescribedRoot
from rollout.sandbox.world.described_calls import DescribedCalls

if TYPE_CHECKING:
    from rollout.sandbox.world.identifiers import Identifiers
    from rollout.sandbox.world.sandbox_clock import SandboxClock

PARTITION = "aws"


@dataclass
class PasswordFacts:
    """A login profile, with the dates that moto omits."""

    created: datetime
    changed: datetime
    used: datetime | None
    reset_required: bool


@dataclass
class ServiceCredentialFacts:
    """A service-specific credential, which moto does not support."""

    credential_id: str
    user_id: str
    service: str
    created: datetime
    status: str
    expires: datetime | None


@dataclass(frozen=True)
class StoredReport:
    """The one credential report that AWS stores per account."""

    content: str
    generated: datetime


@dataclass
class AccountExtras:
    """The facts about one account that moto does not keep; users are identified by UserId, `calls` by access key ID."""

    created: datetime
    root: DescribedRoot
    passwords: dict[str, PasswordFacts] = field(default_factory=dict)
    boundaries: dict[str, str] = field(default_factory=dict)
    service_credentials: list[ServiceCredentialFacts] = field(default_factory=list)
    console_authorization: dict[str, bool] = field(default_factory=dict)
    """Whether it is on, by the account's ID and, in the management account, the organization's."""
    sign_in_policy: list[dict[str, Any]] = field(default_factory=list)
    report: StoredReport | None = None
    report_pending: bool = False
    used_codes: set[tuple[str, int]] = field(default_factory=set)
    """The codes of devices that have been used: serial number and step (RFC 6238)."""
    calls: dict[str, tuple[DescribedCalls, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Session:
    """Temporary credentials; their times are real ones, since clients refresh by the clock of this machine."""

    key_id: str
    secret: str
    token: str
    began: datetime
    expires: datetime
    account: str
    role_arn: str | None = None
    user_name: str | None = None
    name: str = ""
    policy: str | None = None
    mfa: bool = False
    federated: bool = False
    """Whether it is of GetFederationToken, which acts under a name of its own, with the user's policies."""


@dataclass
class SandboxWorld:
    """One sandbox organization: its clock, its IDs, and the facts about its accounts."""

    clock: SandboxClock
    ids: Identifiers
    management_id: str
    policies_of_aws: Mapping[str, DescribedPolicy]
    accounts: dict[str, AccountExtras] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    planned_accounts: list[str] = field(default_factory=list)
    counts: Counter[tuple[object, ...]] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def organizations(self) -> OrganizationsBackend:
        """Moto's model of the organization."""
        return organizations_backends[self.management_id][PARTITION]

    def iam(self, account: str) -> IAMBackend:
        """Return moto's model of an account's IAM."""
        return iam_backends[account][PARTITION]

    def facts(self, account: str) -> AccountExtras:
        """Return the facts about an account that moto does not keep; a new account starts empty."""
        if account not in self.accounts:
            self.accounts[account] = AccountExtras(created=self.clock.now(), root=DescribedRoot())
        return self.accounts[account]

    def next_account_id(self) -> str:
        """Return the ID for the account that moto is about to create, those in the description first."""
        return (
            self.planned_accounts.pop(0) if self.planned_accounts else self.ids.account(self.next("account"))
        )

    def user_id(self, account: str, name: str) -> str:
        """Return a new user's ID; a reused name gets another ID."""
        return self.ids.user(account, name, self.next("user", account, name))

    def group_id(self, account: str, name: str) -> str:
        """Return a new group's ID."""
        return self.ids.group(account, name, self.next("group", account, name))

    def policy_id(self, account: str, name: str) -> str:
        """Return a new managed policy's ID."""
        return self.ids.policy(account, name, self.next("policy", account, name))

    def key_id(self, account: str, user: str) -> str:
        """Return a new access key's ID."""
        return self.ids.access_key(account, user, self.next("access-key", account, user))

    def credential_id(self, account: str, user: str) -> str:
        """Return a new service-specific credential's ID."""
        return self.ids.service_credential(account, user, self.next("service-credential", account, user))

    def device_seed(self, serial: str) -> str:
        """Return a new virtual MFA device's seed; another device of the same name gets another one."""
        return self.ids.device_seed(serial, self.next("device", serial))

    def next(self, *what: object) -> int:
        """Count the calls per arguments, so that IDs are unique."""
        self.counts[what] += 1
        return self.counts[what]
