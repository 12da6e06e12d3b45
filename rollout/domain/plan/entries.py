"""Defines the plan as a value: a header, and one part per account that can be read alone (design.md#plan-file)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from rollout.domain.people.actor import Actor
from rollout.domain.people.addresses import NOBODY, Addressee
from rollout.domain.people.observations import Finding
from rollout.domain.people.users import UserRef
from rollout.domain.plan.doors import Door
from rollout.domain.plan.impact_counts import ImpactCounts
from rollout.domain.policy.attachment import Attachment
from rollout.domain.verdicts.verdict import NOTHING_KNOWN, Code, Impact, Kind, MatrixRow, Reason, Situation

SCHEMA = 2
"""In schema 1, users of whom the plan says the same stand in one line, with the cure of a hold."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A listed account that is not in the plan: `closed`, `suspended`, `excluded` or `unreachable`, and why."""

    account_id: str
    name: str
    ou: str
    state: str
    reason: str
    cure: str = ""
    calls: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class UserFacts:
    """The facts about a user that reports show. Times are aware, in UTC."""

    console: bool
    mfa_active: bool
    mfa_kinds: tuple[str, ...]
    active_keys: int
    observed_at: datetime
    key_last_used: datetime | None = None
    password_last_used: datetime | None = None
    created: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """The decision about one user, with the evidence behind it.

    `wave` is empty except for `enforce` users. `fingerprint` digests the facts behind the verdict: equal fingerprints
    mean that no relevant fact has changed. `matrix` is an index into the account's `matrices`. `doors` are the ways in
    that were looked at; plans of earlier versions have none.
    """

    user: UserRef
    path: str
    verdict: Kind
    reasons: tuple[Reason, ...]
    facts: UserFacts
    fingerprint: str
    wave: str = ""
    impact: Impact | None = None
    attachment: Attachment | None = None
    cure: str = ""
    forecast: str = ""
    situation: Situation = NOTHING_KNOWN
    address: str = ""
    addressee: Addressee = NOBODY
    exempt_until: date | None = None
    covered_by: str = ""
    enforced_by: str = ""
    matrix: int | None = None
    doors: tuple[Door, ...] = ()

    @property
    def enforced_by_us(self) -> str:
        """Name the policy through which this tool enforces MFA; empty if none does, or only policies of others."""
        return self.enforced_by if self.enforced_by != self.covered_by else ""

    @property
    def because(self) -> tuple[str, ...]:
        """The codes of the reasons, each once."""
        return tuple(dict.fromkeys(str(reason.code) for reason in self.reasons))

    @property
    def is_unreached(self) -> bool:
        """Whether the user is held because no address is known."""
        return self.verdict is Kind.HOLD and any(reason.code is Code.UNREACHED for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class AccountResources:
    """Our policy, group and members in an account as it was read, to recognise drift."""

    policy_arn: str = ""
    policy_digest: str = ""
    group_exists: bool = False
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One account's part of the plan: its users, sorted by name.

    `matrices` hold the answers of evaluation, each distinct one once. `calls` counts the requests made to read the
    account, `retries` those of them that repeated a failed one.
    """

    account_id: str
    name: str
    ou: str
    role: str
    read_at: datetime
    report_at: datetime | None
    entries: tuple[PlanEntry, ...]
    ours: AccountResources = field(default_factory=AccountResources)
    findings: tuple[Finding, ...] = ()
    matrices: tuple[tuple[MatrixRow, ...], ...] = ()
    calls: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Digests:
    """What the plan is based on, as `sha256:` digests; it can be applied only with the same.

    `index` covers what the index says of each account; it is empty in plans of earlier versions, which have no index.
    """

    policy: str
    settings: str
    evidence: str = ""
    index: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The first document of the plan file. The store fills in checksum, seal, cures, and two digests.

    `impact` counts by wave the users who were still to be enforced; it is empty in plans of earlier versions. `calls`
    and `retries` count all requests of the inventory, including those to read the organization. `caller` and
    `caller_id` are the ARN and the UserId of who made the plan; earlier versions recorded no UserId. `cures` say by
    the code of a hold what to do about it.
    """

    id: str
    organization_id: str
    management_account_id: str
    partition: str
    caller: str
    caller_id: str = field(default="", kw_only=True)
    created: datetime
    inventory_at: datetime
    digests: Digests
    scps: str
    waves: Mapping[str, int]
    verdicts: Mapping[str, int]
    impact: Mapping[str, ImpactCounts] = field(default_factory=dict)
    cures: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()
    calls: int = 0
    retries: int = 0
    checksum: str = ""
    seal: str = ""
    schema: int = SCHEMA

    @property
    def planner(self) -> Actor:
        """Who made the plan."""
        return Actor(self.caller, self.caller_id)


def cures_in(account: AccountPlan) -> dict[str, str]:
    """Give the cure of each reason for which a user of the account is held, by its code."""
    held = (entry for entry in account.entries if entry.cure)
    return {str(one.code): one.code.cure for entry in held for one in entry.reasons if one.code.cure}
