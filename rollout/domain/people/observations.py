"""Describes what was read of the organization, and when; each account is observed, unreachable or not entered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.people.organization import Account, Caller, Organization
from rollout.domain.people.sign_in import ConsoleAuthorization
from rollout.domain.people.users import NamedPolicy, Unread, User


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that a person should check; it never stops a run by itself."""

    code: str
    text: str
    account_id: str = ""
    user_arn: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """An IAM group with its policies. Its members are recorded on the users (`UserDetail.GroupList`)."""

    name: str
    path: str
    id: str
    attached: tuple[str, ...] = ()
    inline: tuple[NamedPolicy, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a managed policy, with the document as AWS returned it."""

    id: str
    document: Mapping[str, object] | str
    is_default: bool
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A managed policy that is in use, or has our name. `tags` are None unless it was read alone.

    `id` is its PolicyId, which no policy made anew under the same ARN has; empty if it is not known.
    """

    arn: str
    name: str
    path: str
    versions: tuple[PolicyVersion, ...]
    tags: Mapping[str, str] | None = None
    id: str = ""

    @property
    def default(self) -> PolicyVersion | None:
        """The version in force."""
        return next((version for version in self.versions if version.is_default), None)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The rules of `GetAccountPasswordPolicy` that can lock somebody out."""

    max_age_days: int | None = None
    hard_expiry: bool = False
    users_may_change: bool = True


@dataclass(frozen=True, slots=True)
class Quotas:
    """The account's quotas from `GetAccountSummary`; the defaults come from aws-facts.md#quotas-and-rates."""

    groups_per_user: int = 10
    policies_per_user: int = 10
    policies_per_group: int = 10
    versions_per_policy: int = 5
    groups_left: int = 300
    policies_left: int = 1500


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Everything read of one account in one pass. `sign_in` is None where nobody can sign in.

    `not_offered` are facts that the endpoint cannot tell; verdicts do not consider them, and a finding says so.
    """

    users: tuple[User, ...]
    groups: Mapping[str, Group]
    policies: Mapping[str, ManagedPolicy]
    read_at: datetime
    report_at: datetime | None
    password_policy: PasswordPolicy | None = None
    quotas: Quotas = field(default_factory=Quotas)
    root_mfa_active: bool | None = None
    unassigned_devices: tuple[str, ...] = ()
    sign_in: ConsoleAuthorization | None = None
    findings: tuple[Finding, ...] = ()
    unread: tuple[Unread, ...] = ()
    not_offered: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class Effort:
    """The number of requests made, and how many of them repeated a failed one."""

    calls: int = 0
    retries: int = 0

    def __add__(self, other: Effort) -> Effort:
        """Add the numbers."""
        return Effort(self.calls + other.calls, self.retries + other.retries)


@dataclass(frozen=True, slots=True)
class Observed:
    """An account that was entered and read. `scps` has one tuple per level, root first; None means not read."""

    account: Account
    role: str
    facts: AccountFacts
    scps: tuple[tuple[NamedPolicy, ...], ...] | None = ()
    effort: Effort = Effort()

    @property
    def in_brief(self) -> Observed:
        """The same without what was read: what is left is small."""
        read_at, report_at = self.facts.read_at, self.facts.report_at
        return replace(self, facts=AccountFacts((), {}, {}, read_at, report_at), scps=())


@dataclass(frozen=True, slots=True)
class Unreachable:
    """An account that could not be read although it should have been; the command then ends with exit code 4."""

    account: Account
    reason: str
    cure: str = ""
    effort: Effort = Effort()


@dataclass(frozen=True, slots=True)
class NotEntered:
    """An account that was left alone on purpose (closed, suspended, or outside the scope); not a failure.

    `asked_for` is False if only `--account` or `--ou` leaves it out.
    """

    account: Account
    reason: str
    asked_for: bool = True


AccountView = Observed | Unreachable | NotEntered


@dataclass(frozen=True, slots=True)
class Inventory:
    """One reading of the whole organization; `effort` covers listing it, not reading its accounts."""

    organization: Organization
    caller: Caller
    taken_at: datetime
    accounts: tuple[AccountView, ...]
    findings: tuple[Finding, ...] = ()
    effort: Effort = Effort()

    @property
    def observed(self) -> tuple[Observed, ...]:
        """The accounts that were read."""
        return tuple(view for view in self.accounts if isinstance(view, Observed))

    @property
    def unreachable(self) -> tuple[Unreachable, ...]:
        """The accounts that could not be read although they should have been."""
        return tuple(view for view in self.accounts if isinstance(view, Unreachable))

    def with_newer(self, again: Inventory) -> Inventory:
        """Put the accounts in that were read again."""
        newer = {view.account.id: view for view in again.accounts if not isinstance(view, NotEntered)}
        return replace(self, accounts=tuple(newer.get(view.account.id, view) for view in self.accounts))

    @property
    def whole_effort(self) -> Effort:
        """The requests for the whole reading, successful or not."""
        efforts = (view.effort for view in self.accounts if not isinstance(view, NotEntered))
        return sum(efforts, self.effort)
