"""What the doctor saw: of the caller, the organization, and each account. Nothing here is judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from rollout.domain.people.organization import Account, Caller, Organization
from rollout.domain.people.users import Unread


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A question that got no answer: why, what to do, and AWS's own sentences where they say more."""

    why: str
    cure: str = ""
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """The Region that calls are signed for, whether somebody chose it, and the partition that it lies in."""

    name: str
    chosen: bool = True
    partition: str = "aws"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is asked: at AWS's own place, on this machine, or somewhere else."""

    service: str
    url: str
    of_aws: bool = True
    here: bool = False


@dataclass(frozen=True, slots=True)
class SessionSize:
    """How long the session policy for a purpose is, of how many characters."""

    purpose: str
    characters: int
    limit: int


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What calls are made from. `skew`: how far this machine's clock is ahead of AWS's, None where AWS gave no time."""

    region: Region
    endpoints: tuple[Endpoint, ...] = ()
    skew: timedelta | None = None
    sessions: tuple[SessionSize, ...] | NoAnswer = ()


@dataclass(frozen=True, slots=True)
class EntrySettings:
    """How accounts are entered, as far as a refusal may be about it."""

    external_id: bool = False
    source_identity: bool = False
    session_tags: bool = False


@dataclass(frozen=True, slots=True)
class OrganizationFacts:
    """What was seen of the organization, and by whom. `expected` is the id in `rollout.yaml`, None where it names none.

    `control_policies` counts those read, None where they were not to be read.
    """

    caller: Caller
    organization: Organization | NoAnswer
    expected: str | None = None
    accounts: tuple[Account, ...] | NoAnswer = ()
    control_policies: int | Unread | None = None

    @property
    def is_another(self) -> bool:
        """Tell whether rollout.yaml speaks of another organization than these credentials."""
        found = self.organization
        return isinstance(found, Organization) and self.expected not in (None, found.id)

    @property
    def ours(self) -> Organization | None:
        """The organization; None where it could not be asked, or is another than `rollout.yaml` names."""
        found = self.organization
        return None if isinstance(found, NoAnswer) or self.is_another else found


class Permission(StrEnum):
    """Whether an action may be taken; what nobody could find out is never fine."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNTESTED = "not tested"
    MISSING = "not offered"


class FoundBy(StrEnum):
    """How it was found out."""

    SIMULATION = "by simulation"
    ASKING = "by asking"
    NOTHING = ""


@dataclass(frozen=True, slots=True)
class Right:
    """One action that the tool needs in an account, and whether it may be taken."""

    action: str
    writes: bool
    permission: Permission
    found_by: FoundBy = FoundBy.NOTHING
    why: str = ""


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """What an account has of what AWS limits. `numbers` are those of `GetAccountSummary`.

    `groups` and `policies` count by user name; `versions` by our policies' ARNs, `attached` by our groups' names:
    what of ours is not there is not in them.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    policies: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    attached: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountProbe:
    """What was seen of one account: left alone on purpose, refused, or entered by a role.

    `ends` marks a refusal that is about the caller: no other account would let it in either.
    """

    account: Account
    entry_settings: EntrySettings = field(default_factory=EntrySettings)
    left_alone: str = ""
    refused: NoAnswer | None = None
    ends: bool = False
    role: str = ""
    rights: tuple[Right, ...] = ()
    quota_usage: QuotaUsage | NoAnswer = field(default_factory=QuotaUsage)


@dataclass(frozen=True, slots=True)
class DoctorFacts:
    """Everything that a doctor saw; what comes after a question without an answer is empty."""

    caller: Caller | NoAnswer
    environment_facts: EnvironmentFacts
    organization: OrganizationFacts | None = None
    accounts: tuple[AccountProbe, ...] = ()
