"""Holds what the doctor read of the caller, the organization and each account, before any check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from rollout.domain.people.organization import Account, Caller, Organization
from rollout.domain.people.selectors import Selectable, UnmatchedSelector
from rollout.domain.people.users import Unread
from rollout.domain.policy.our_resources import OurPolicy


class DeniedBy(StrEnum):
    """The kind of policy that denied a request, as far as AWS named it."""

    SCP = "a service control policy"
    RCP = "a resource control policy"
    BOUNDARY = "the permissions boundary"
    SESSION_POLICY = "the session policy"
    ENDPOINT_POLICY = "the policy of a VPC endpoint"
    IDENTITY_POLICY = "an identity-based policy"
    TRUST_POLICY = "the role's trust policy"
    RESOURCE_POLICY = "a resource-based policy"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Denial:
    """A denied request: the kind of policy that denied it, and the action, "" if AWS did not name it."""

    by: DeniedBy
    action: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A question without an answer: why, what to do, and the denials behind it, one per role that was tried."""

    why: str
    cure: str = ""
    denials: tuple[Denial, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """The Region that requests are signed for, whether somebody chose it, and its partition."""

    name: str
    chosen: bool = True
    partition: str = "aws"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of a service: AWS's own, on this machine (`here`), or somewhere else."""

    service: str
    url: str
    of_aws: bool = True
    here: bool = False


@dataclass(frozen=True, slots=True)
class SessionSize:
    """The length of the session policy for a purpose, and its limit, in characters."""

    purpose: str
    characters: int
    limit: int


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """The environment of the caller. `skew` is how far this machine's clock is ahead of AWS's, None if unknown."""

    region: Region
    endpoints: tuple[Endpoint, ...] = ()
    skew: timedelta | None = None
    sessions: tuple[SessionSize, ...] | NoAnswer = ()


@dataclass(frozen=True, slots=True)
class EntrySettings:
    """The settings for entering accounts that may cause a refusal."""

    external_id: bool = False
    source_identity: bool = False
    session_tags: bool = False


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """What the caller read of the organization. `expected` is the id in `rollout.yaml`, None if it names none.

    `control_policies` counts the policies read, None if they are not to be read. `unmatched` are the selectors of
    `rollout.yaml` that match nobody, None if that was not checked.
    """

    caller: Caller
    organization: Organization | NoAnswer
    expected: str | None = None
    accounts: tuple[Account, ...] | NoAnswer = ()
    control_policies: int | Unread | None = None
    unmatched: tuple[UnmatchedSelector, ...] | None = None

    @property
    def is_another(self) -> bool:
        """Tell whether rollout.yaml names another organization than that of the credentials."""
        found = self.organization
        return isinstance(found, Organization) and self.expected not in (None, found.id)

    @property
    def ours(self) -> Organization | None:
        """The organization; None if it could not be read, or is not the one that `rollout.yaml` names."""
        found = self.organization
        return None if isinstance(found, NoAnswer) or self.is_another else found


class Permission(StrEnum):
    """Whether an action is allowed, as far as could be found out."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNTESTED = "not tested"
    MISSING = "not offered"


class FoundBy(StrEnum):
    """How a permission was found out."""

    SIMULATION = "by simulation"
    ASKING = "by asking"
    NOTHING = ""


@dataclass(frozen=True, slots=True)
class Right:
    """One action that the tool needs in an account, and whether it is allowed. `denied_by` is set only if denied.

    `for_proof`: only `rollout prove` needs it.
    """

    action: str
    writes: bool
    permission: Permission
    found_by: FoundBy = FoundBy.NOTHING
    why: str = ""
    denied_by: DeniedBy = DeniedBy.UNKNOWN
    for_proof: bool = False


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """An account's use of its quotas. `numbers` are those of `GetAccountSummary`.

    `groups` and `policies` count those of each user by name. `versions` counts those of our policies by ARN, `attached`
    the policies on our groups by name; both leave out what does not exist.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    policies: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    attached: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountProbe:
    """What was read of one account: left alone on purpose, refused, or entered by a role.

    `ends` marks a refusal that concerns the caller, so that every other account would refuse it, too. `users` is None
    if they could not be listed. `policies` are those of our names at our path, None if the journal cannot tell of them.
    """

    account: Account
    entry_settings: EntrySettings = field(default_factory=EntrySettings)
    left_alone: str = ""
    refused: NoAnswer | None = None
    ends: bool = False
    role: str = ""
    rights: tuple[Right, ...] = ()
    quota_usage: QuotaUsage | NoAnswer = field(default_factory=QuotaUsage)
    users: tuple[Selectable, ...] | None = None
    policies: tuple[OurPolicy, ...] | None = None


@dataclass(frozen=True, slots=True)
class DoctorFacts:
    """Everything that the doctor read; what follows a question without an answer is empty."""

    caller: Caller | NoAnswer
    environment_facts: EnvironmentFacts
    organization: OrganizationFacts | None = None
    accounts: tuple[AccountProbe, ...] = ()
