"""What the doctor saw: of the caller, the organization, and each account. Nothing here is judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from rollout.domain.people.organization import Account, Caller, Organization
from rollout.domain.people.users import Unread


@dataclass(frozen=True, slots=True)
class Trouble:
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
    sessions: tuple[SessionSize, ...] | Trouble = ()


@dataclass(frozen=True, slots=True)
class WayIn:
    """How accounts are entered, as far as a refusal may be about it."""

    external_id: bool = False
    source_identity: bool = False
    session_tags: bool = False


@dataclass(frozen=True, slots=True)
class OrganizationLook:
    """What was seen of the organization; `control_policies` counts those read, None where they were not to be read."""

    organization: Organization | Trouble
    expected: str | None = None
    accounts: tuple[Account, ...] | Trouble = ()
    control_policies: int | Unread | None = None


class May(StrEnum):
    """Whether an action may be taken; what nobody could find out is never fine."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNTESTED = "not tested"
    MISSING = "not offered"


class How(StrEnum):
    """How it was found out."""

    SIMULATED = "by simulation"
    ASKED = "by asking"
    NOT_AT_ALL = ""


@dataclass(frozen=True, slots=True)
class Right:
    """One action that the tool needs in an account, and whether it may be taken."""

    action: str
    writes: bool
    may: May
    how: How = How.NOT_AT_ALL
    why: str = ""


@dataclass(frozen=True, slots=True)
class Holdings:
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
class AccountLook:
    """What was seen of one account: left alone on purpose, refused, or entered by a role.

    `ends` marks a refusal that is about the caller: no other account would let it in either.
    """

    account: Account
    left_alone: str = ""
    refused: Trouble | None = None
    ends: bool = False
    role: str = ""
    rights: tuple[Right, ...] = ()
    holdings: Holdings | Trouble = field(default_factory=Holdings)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that a doctor saw; what comes after a trouble that ends the look is empty."""

    caller: Caller | Trouble
    environment_facts: EnvironmentFacts
    organization: OrganizationLook | None = None
    accounts: tuple[AccountLook, ...] = ()
    way_in: WayIn = field(default_factory=WayIn)
