"""The reviewed plan as a value: a header, and one part per account that can be read alone (design.md#plan-file)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from rollout.domain.people.inventory import Finding
from rollout.domain.people.users import UserRef
from rollout.domain.policy.attachment import Attachment
from rollout.domain.verdicts.verdict import Impact, Kind, Reason, Row

SCHEMA = 1


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
class Facts:
    """What was seen of a user, as far as a report tells it. Times are aware, UTC."""

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
class Entry:
    """The decision about one user, with the evidence behind it.

    `wave` is empty for everybody but `enforce` users. `fingerprint` digests the facts behind the verdict: equal
    fingerprints mean that nothing that matters has changed. `matrix` points into the account's `matrices`.
    """

    user: UserRef
    path: str
    verdict: Kind
    reasons: tuple[Reason, ...]
    facts: Facts
    fingerprint: str
    wave: str = ""
    impact: Impact | None = None
    attachment: Attachment | None = None
    cure: str = ""
    forecast: str = ""
    address: str = ""
    exempt_until: date | None = None
    covered_by: str = ""
    enforced_by: str = ""
    matrix: int | None = None

    @property
    def enforced_by_us(self) -> str:
        """Name what of ours enforces the user; empty where nothing does, or only policies of others."""
        return self.enforced_by if self.enforced_by != self.covered_by else ""

    @property
    def because(self) -> tuple[str, ...]:
        """The reasons' words, each once."""
        return tuple(dict.fromkeys(str(reason.code) for reason in self.reasons))


@dataclass(frozen=True, slots=True)
class Ours:
    """What of ours stood in an account when it was read: for drift, and for what a change would touch."""

    policy_arn: str = ""
    policy_digest: str = ""
    group_exists: bool = False
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One account's part of the plan: everybody in it, sorted by name.

    `matrices` hold what evaluation answered, once for all users who are alike. `calls` are the requests that reading
    it took, `retries` those of them that repeated one that had gone wrong.
    """

    account_id: str
    name: str
    ou: str
    role: str
    read_at: datetime
    report_at: datetime | None
    entries: tuple[Entry, ...]
    ours: Ours = field(default_factory=Ours)
    findings: tuple[Finding, ...] = ()
    matrices: tuple[tuple[Row, ...], ...] = ()
    calls: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Digests:
    """What the plan was made from, as `sha256:` digests: applying under anything else is refused."""

    policy: str
    settings: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """Document 1 of the plan file. `checksum` and `digests.evidence` are filled by the store when it writes.

    `calls` and `retries` count the requests of the whole look, those for the organization too.
    """

    id: str
    organization_id: str
    management_account_id: str
    partition: str
    caller: str
    created: datetime
    inventory_at: datetime
    digests: Digests
    scps: str
    waves: Mapping[str, int]
    verdicts: Mapping[str, int]
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()
    calls: int = 0
    retries: int = 0
    checksum: str = ""
    schema: int = SCHEMA


def count_waves(accounts: tuple[AccountPlan, ...], names: tuple[str, ...]) -> dict[str, int]:
    """Users per wave, in the order of `rollout.yaml`, empty waves shown as 0."""
    found = Counter(entry.wave for account in accounts for entry in account.entries if entry.wave)
    return {name: found[name] for name in names}


def count_verdicts(accounts: tuple[AccountPlan, ...]) -> dict[str, int]:
    """Users per verdict, every verdict shown."""
    found = Counter(entry.verdict for account in accounts for entry in account.entries)
    return {str(kind): found[kind] for kind in Kind}
