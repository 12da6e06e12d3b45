"""Makes domain values for tests: name what matters, and the rest is filled in, the same every time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from rollout.domain.gates.readiness import Notified
from rollout.domain.people.exemptions import Exemption, UserMatch
from rollout.domain.people.key_activity import KeyActivity, RecordedCall, activity_of
from rollout.domain.people.observations import (
    AccountFacts,
    Finding,
    Group,
    Inventory,
    ManagedPolicy,
    Observed,
)
from rollout.domain.people.organization import Account, AccountState, Caller, Organization, user_arn
from rollout.domain.people.users import (
    AccessKey,
    DeviceKind,
    MfaDevice,
    NamedPolicy,
    Password,
    ServiceCredential,
    Unread,
    User,
    UserRef,
)
from rollout.domain.plan.account_totals import AccountTotals, summary_of
from rollout.domain.plan.entries import (
    AccountPlan,
    AccountResources,
    Digests,
    Header,
    LeftOut,
    PlanEntry,
    UserFacts,
)
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AddMember,
    Applied,
    Change,
    Outcome,
    SkipCode,
)
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.history import History, replay_all
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import (
    AccountFailed,
    Approved,
    Before,
    GateOverridden,
    GateRead,
    Intent,
    Proved,
    Record,
    Reminded,
    RunEnded,
    RunEnding,
    RunStarted,
    Settled,
    Told,
    UserSkipped,
    WaveCarried,
)
from rollout.domain.progress.schedule import beginning_of
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Code, Impact, Kind, Reason

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
ORGANIZATION = "o-a1b2c3d4e5"
MANAGEMENT = "999988887777"
ACCOUNT = "012345678901"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
GROUP = "ForceMFA"
OPERATOR = f"arn:aws:sts::{MANAGEMENT}:assumed-role/Admin/ana"


def days_ago(days: float, now: datetime = NOW) -> datetime:
    return now - timedelta(days=days)


def an_id(*parts: str, prefix: str = "AIDA") -> str:
    """An id as AWS makes them, always the same for the same words."""
    digest = sha256("/".join(parts).encode()).hexdigest().upper()
    letters = digest.translate(str.maketrans("0189", "GHJK"))
    return f"{prefix}{letters[:17]}"


# --- Organization ---


def an_organization(id: str = ORGANIZATION, management: str = MANAGEMENT) -> Organization:  # noqa: A002 - the name of the field that it fills
    return Organization(id, management)


def a_caller(
    arn: str = OPERATOR,
    account_id: str = MANAGEMENT,
    source: str | None = None,
    user_id: str = "AIDAOPERATOR",
) -> Caller:
    return Caller(arn, account_id, source_user_arn=source, user_id=user_id)


def an_account(
    id: str = ACCOUNT,  # noqa: A002 - the name of the field that it fills
    name: str = "payments-prod",
    *,
    ou: str = "Workloads/Prod",
    state: AccountState = AccountState.ACTIVE,
    tags: Mapping[str, str] | None = None,
) -> Account:
    return Account(id, name, f"{name}@example.com", state, ou, tags or {})


# --- Users as seen ---


def a_device(
    kind: DeviceKind | str = DeviceKind.TOTP, name: str = "alice", account_id: str = ACCOUNT
) -> MfaDevice:
    """A device whose serial number tells that kind."""
    serials = {
        DeviceKind.TOTP: f"arn:aws:iam::{account_id}:mfa/{name}",
        DeviceKind.PASSKEY: f"arn:aws:iam::{account_id}:u2f/user/{name}/key-1",
        DeviceKind.HARDWARE: "GAHT12345678",
        DeviceKind.SMS: f"arn:aws:iam::{account_id}:sms-mfa/{name}",
    }
    return MfaDevice(serials[DeviceKind(kind)], days_ago(100))


def a_key(
    slot: int = 1,
    *,
    active: bool = True,
    used_days_ago: float | None = None,
    created_days_ago: float = 400,
    service: str | None = "s3",
    now: datetime = NOW,
) -> AccessKey:
    """A key; `used_days_ago=None`: never used."""
    used = None if used_days_ago is None else days_ago(used_days_ago, now)
    return AccessKey(
        slot,
        active,
        days_ago(created_days_ago, now),
        used,
        service if used else None,
        "N/A" if used else None,
    )


OFFICE = "203.0.113.0/24"


def calls_at(
    *hours: int,
    days: int = 20,
    operation: str = "ec2:DescribeInstances",
    address: str = "203.0.113.24",
    agent: str = "aws-cli",
    with_mfa: bool = False,
    until: datetime = NOW,
) -> tuple[RecordedCall, ...]:
    """A call at each of these hours (UTC) of so many days before a moment."""
    day = until.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (
        (day - timedelta(days=back)).replace(hour=hour) for back in range(1, days + 1) for hour in hours
    )
    return tuple(RecordedCall(at, operation, address, agent, with_mfa) for at in moments)


def an_activity(
    *calls: RecordedCall, key: str = "key AKIA…3F", since: float = 90, sampled: bool = False
) -> KeyActivity:
    """What the calls of one key come to, with all of them looked at for so many days."""
    return activity_of(key, "CloudTrail", NOW, days_ago(since), calls, sampled=sampled)


def a_user(
    name: str = "alice",
    *,
    account_id: str = ACCOUNT,
    path: str = "/",
    password: bool | Password = True,
    signed_in_days_ago: float | None = 1,
    password_set_days_ago: float | None = 200,
    reset_required: bool | None = None,
    mfa: str | DeviceKind | Iterable[str] | None = "totp",
    devices_known: bool = True,
    keys: int | tuple[AccessKey, ...] = 0,
    used_days_ago: float | None = 3,
    keys_created_days_ago: float = 400,
    certificates: int = 0,
    services: Iterable[str] = (),
    groups: tuple[str, ...] = (),
    attached: tuple[str, ...] = (),
    inline: tuple[NamedPolicy, ...] = (),
    boundary: str | None = None,
    tags: Mapping[str, str] | None = None,
    unread: Iterable[str] = (),
    now: datetime = NOW,
    **more: Any,
) -> User:
    """A person who signed in yesterday, with a password, a TOTP device and no access keys.

    `mfa` is a kind, several kinds, or None; with `devices_known=False` only that there is one is known. `keys`
    is a number of active keys, last used `used_days_ago` (None: never), or the keys themselves. `services` names
    active service-specific credentials, `unread` facts that could not be read. `more` goes to `User` as it is.
    """
    if password is True:
        password = Password(
            last_used=None if signed_in_days_ago is None else days_ago(signed_in_days_ago, now),
            last_changed=None if password_set_days_ago is None else days_ago(password_set_days_ago, now),
            reset_required=reset_required,
        )
    kinds = (mfa,) if isinstance(mfa, str) else tuple(mfa or ())
    if isinstance(keys, int):
        keys = tuple(
            a_key(slot, used_days_ago=used_days_ago, created_days_ago=keys_created_days_ago, now=now)
            for slot in range(1, keys + 1)
        )
    fields: dict[str, Any] = {
        "account_id": account_id,
        "name": name,
        "path": path,
        "id": an_id(account_id, name),
        "arn": user_arn("aws", account_id, path, name),
        "created": days_ago(500, now),
        "rights_at": now,
        "facts_at": days_ago(1 / 24, now),
        "password": password or None,
        "mfa_active": bool(kinds),
        "devices": tuple(a_device(kind, name, account_id) for kind in kinds) if devices_known else None,
        "keys": keys,
        "certificates": certificates,
        "service_credentials": tuple(ServiceCredential(service, active=True) for service in services),
        "groups": groups,
        "attached": attached,
        "inline": inline,
        "boundary_arn": boundary,
        "tags": tags or {},
        "unread": tuple(Unread(fact, "AccessDenied") for fact in unread),
    }
    return User(**(fields | more))


def account_facts(*users: User, now: datetime = NOW, **more: Any) -> AccountFacts:
    """What was read of an account; `groups` and `policies` may be given as iterables."""
    groups: Iterable[Group] = more.pop("groups", ())
    policies: Iterable[ManagedPolicy] = more.pop("policies", ())
    return AccountFacts(
        users=tuple(sorted(users, key=lambda user: user.name)),
        groups={group.name: group for group in groups},
        policies={policy.arn: policy for policy in policies},
        read_at=more.pop("read_at", now),
        report_at=more.pop("report_at", days_ago(1 / 24, now)),
        **more,
    )


def an_observed(
    *users: User, account: Account | None = None, role: str = "OrganizationAccountAccessRole", **facts: Any
) -> Observed:
    return Observed(account or an_account(), role, account_facts(*users, **facts))


def an_inventory(*views: Any, now: datetime = NOW, findings: tuple[Finding, ...] = ()) -> Inventory:
    return Inventory(an_organization(), a_caller(), now, views or (an_observed(a_user()),), findings)


def an_exemption(
    user: str, *, days: int = 60, expires: date | None = None, ticket: str = "SEC-42"
) -> Exemption:
    """An exemption by ARN, UserId or tag, for `days` from today."""
    return Exemption(
        UserMatch(user),
        "ops@example.com",
        "until role-based backup ships",
        expires or TODAY + timedelta(days=days),
        ticket,
    )


# --- Plans ---


def a_ref(name: str = "alice", account_id: str = ACCOUNT, path: str = "/") -> UserRef:
    return UserRef(account_id, name, an_id(account_id, name), user_arn("aws", account_id, path, name))


def a_reason(code: Code | str = Code.HAS_MFA, detail: str = "", seen_at: datetime | None = NOW) -> Reason:
    code = Code(code)
    return Reason(code, detail or _DETAILS.get(code, code.value.replace("-", " ")), seen_at)


_DETAILS = {
    Code.EXEMPTION: "until role-based backup ships; owner ops@example.com, until 2027-01-31 (SEC-42)",
    Code.OTHER_DENY: "RequireMfa denies everything without MFA",
    Code.MACHINE: "no password, and key 1 was used 3 days ago for s3",
    Code.HAS_MFA: "an MFA device is on",
    Code.NO_MFA: "no MFA device",
    Code.KEYS_IN_USE: "key 1 was used 3 days ago for s3",
    Code.UNKNOWN: "GetLoginProfile could not be read: AccessDenied",
}

_IMPACT_REASONS = {
    Impact.NONE: (Code.HAS_MFA,),
    Impact.CLI: (Code.HAS_MFA, Code.KEYS_IN_USE),
    Impact.ENROL: (Code.NO_MFA,),
    Impact.PASSKEY_ONLY: (Code.PASSKEY_ONLY, Code.KEYS_IN_USE),
}

_VERDICT_REASONS = {Kind.EXEMPT: Code.EXEMPTION, Kind.COVERED: Code.OTHER_DENY, Kind.HOLD: Code.MACHINE}


def the_facts(**fields: Any) -> UserFacts:
    """What a plan keeps of a user with a password and a TOTP device; give what differs."""
    defaults: dict[str, Any] = {
        "console": True,
        "mfa_active": True,
        "mfa_kinds": ("totp",),
        "active_keys": 0,
        "observed_at": days_ago(1 / 24),
        "password_last_used": days_ago(1),
        "created": days_ago(500),
    }
    return UserFacts(**(defaults | fields))


def an_entry(
    name: str = "alice",
    verdict: Kind | str = Kind.ENFORCE,
    *,
    impact: Impact | str | None = None,
    because: Iterable[Reason | Code | str] = (),
    wave: str = "rest",
    account_id: str = ACCOUNT,
    path: str = "/",
    facts: UserFacts | None = None,
    **more: Any,
) -> PlanEntry:
    """A decision that fits together: verdict, impact, reasons and facts; `more` goes to `Entry` as it is."""
    verdict = Kind(verdict)
    if verdict is Kind.ENFORCE:
        impact = Impact(impact or Impact.NONE)
        codes: tuple[Reason | Code | str, ...] = tuple(because) or _IMPACT_REASONS[impact]
        defaults: dict[str, Any] = {
            "wave": wave,
            "attachment": Attachment.GROUP,
            "address": f"{name.lower()}@example.com",
        }
    else:
        impact = None
        codes = tuple(because) or (_VERDICT_REASONS[verdict],)
        defaults = {}
    if verdict is Kind.EXEMPT:
        defaults["exempt_until"] = date(2027, 1, 31)
    if verdict is Kind.COVERED:
        defaults |= {"covered_by": "policy RequireMfa", "enforced_by": "policy RequireMfa"}
    if verdict is Kind.HOLD:
        defaults["cure"] = "exempt with an owner, or move to a role"
    return PlanEntry(
        user=a_ref(name, account_id, path),
        path=path,
        verdict=verdict,
        reasons=tuple(code if isinstance(code, Reason) else a_reason(code) for code in codes),
        facts=facts or _facts_of(impact, codes),
        fingerprint=more.pop("fingerprint", "sha256:" + sha256(f"{account_id}/{name}".encode()).hexdigest()),
        impact=impact,
        **(defaults | more),
    )


def _facts_of(impact: Impact | None, codes: tuple[Any, ...]) -> UserFacts:
    if Code.MACHINE in codes:
        return the_facts(
            console=False,
            mfa_active=False,
            mfa_kinds=(),
            active_keys=1,
            key_last_used=days_ago(3),
            password_last_used=None,
        )
    match impact:
        case Impact.CLI:
            return the_facts(active_keys=1, key_last_used=days_ago(3))
        case Impact.ENROL:
            return the_facts(mfa_active=False, mfa_kinds=())
        case Impact.PASSKEY_ONLY:
            return the_facts(mfa_kinds=("passkey",), active_keys=1, key_last_used=days_ago(3))
        case _:
            return the_facts()


def an_account_plan(
    *entries: PlanEntry,
    account_id: str = ACCOUNT,
    name: str = "payments-prod",
    ou: str = "Workloads/Prod",
    role: str = "OrganizationAccountAccessRole",
    read_at: datetime = NOW,
    report_at: datetime | None = NOW - timedelta(hours=1),
    ours: AccountResources | None = None,
    findings: tuple[Finding, ...] = (),
) -> AccountPlan:
    """One account's part of the plan, its entries sorted by name as the domain promises."""
    return AccountPlan(
        account_id,
        name,
        ou,
        role,
        read_at,
        report_at,
        tuple(sorted(entries, key=lambda entry: entry.user.name)),
        ours or AccountResources(),
        findings,
    )


def left_out(
    account_id: str = "444455556666",
    state: str = "unreachable",
    *,
    name: str = "legacy",
    ou: str = "Workloads/Prod",
    reason: str = "no role lets us in",
    cure: str = "",
) -> LeftOut:
    return LeftOut(account_id, name, ou, state, reason, cure)


def a_finding(
    code: str = "root-without-mfa",
    text: str = "The root user has no MFA",
    account_id: str = "",
    user_arn: str = "",
) -> Finding:
    return Finding(code, text, account_id, user_arn)


def summed_up(part: AccountPlan) -> AccountTotals:
    """What the plan as a whole knows of an account of which nobody is still to be enforced."""
    return summary_of(part, (), names=False)


def a_header(*accounts: AccountPlan, waves: tuple[str, ...] = ("canary", "rest"), **more: Any) -> Header:
    """The header that belongs to these accounts, its counts taken from them."""
    entries = [entry for account in accounts for entry in account.entries]
    fields: dict[str, Any] = {
        "id": "k3f9",
        "organization_id": ORGANIZATION,
        "management_account_id": MANAGEMENT,
        "partition": "aws",
        "caller": OPERATOR,
        "caller_id": "AIDAOPERATOR",
        "created": NOW,
        "inventory_at": NOW,
        "digests": Digests("sha256:" + "1" * 64, "sha256:" + "2" * 64, "sha256:" + "3" * 64),
        "scps": "auto",
        "waves": {wave: sum(entry.wave == wave for entry in entries) for wave in waves},
        "verdicts": {str(kind): sum(entry.verdict is kind for entry in entries) for kind in Kind},
        "checksum": "sha256:" + "c" * 64,
    }
    return Header(**(fields | more))


# --- Journal ---


def a_run(
    run: str = "run-1",
    *,
    at: datetime = NOW,
    stage: Stage | str = Stage.ENFORCE,
    plan_id: str = "k3f9",
    organization_id: str = ORGANIZATION,
    caller: str = OPERATOR,
    version: str = "1.0.0",
    checksum: str = "sha256:" + "c" * 64,
) -> RunStarted:
    return RunStarted(run, at, organization_id, plan_id, checksum, Stage(stage), caller, version)


def a_membership(name: str = "alice", account_id: str = ACCOUNT, group: str = GROUP) -> AddMember:
    return AddMember(account_id, group, a_ref(name, account_id))


def an_intent(
    change: Change | None = None,
    *,
    number: int = 1,
    run: str = "run-1",
    at: datetime = NOW,
    before: str = "absent",
    wave: str = "rest",
) -> Intent:
    return Intent(run, at, number, change or a_membership(), Before(before), wave)


def a_settlement(
    outcome: Outcome | None = None, *, number: int = 1, run: str = "run-1", of: str = "", at: datetime = NOW
) -> Settled:
    return Settled(run, at, of or run, number, outcome or Applied(f"request-{number}"))


def a_change(
    change: Change | None = None,
    outcome: Outcome | None = None,
    *,
    number: int = 1,
    run: str = "run-1",
    at: datetime = NOW,
    before: str = "absent",
    wave: str = "rest",
) -> tuple[Intent, Settled]:
    """An intent and what came of it, for `a_progress(a_run(), *a_change())`."""
    return (
        an_intent(change, number=number, run=run, at=at, before=before, wave=wave),
        a_settlement(outcome, number=number, run=run, at=at),
    )


def _due(due: date | datetime) -> datetime:
    """The time at which a day has begun everywhere."""
    return due if isinstance(due, datetime) else beginning_of(due)


NOTIFIED = Notified(timedelta(days=14))
"""The rule by which users are ready, unless a test is about another."""


def a_told(
    user: UserRef | str = "alice",
    *,
    run: str = "run-1",
    at: datetime = NOW,
    wave: str = "rest",
    impact: Impact | str = Impact.NONE,
    due: date | datetime | None = None,
    delivery: Delivery | str = Delivery.DELIVERED,
    address: str = "",
    message_id: str = "<1@example.com>",
    detail: str = "",
) -> Told:
    """A notice, by default for two weeks from then."""
    user = a_ref(user) if isinstance(user, str) else user
    return Told(
        run,
        at,
        user,
        wave,
        address or f"{user.name.lower()}@example.com",
        Impact(impact),
        _due(due or (at + timedelta(days=14)).date()),
        Delivery(delivery),
        message_id,
        detail,
    )


def a_reminder(
    user: UserRef | str = "alice",
    *,
    run: str = "run-1",
    at: datetime = NOW + timedelta(days=7),
    wave: str = "rest",
    impact: Impact | str = Impact.NONE,
    due: date | datetime | None = None,
    mark: timedelta = timedelta(days=7),
    delivery: Delivery | str = Delivery.DELIVERED,
    address: str = "",
    detail: str = "",
) -> Reminded:
    """A reminder of a notice from today, a week before its day."""
    user = a_ref(user) if isinstance(user, str) else user
    return Reminded(
        run,
        at,
        user,
        wave,
        address or f"{user.name.lower()}@example.com",
        Impact(impact),
        _due(due or (NOW + timedelta(days=14)).date()),
        mark,
        Delivery(delivery),
        "<2@example.com>",
        detail,
    )


def an_approval(
    wave: str = "rest",
    *,
    reason: str = "CAB-311",
    at: datetime = NOW,
    checksum: str = "sha256:" + "c" * 64,
    caller: str = OPERATOR,
    caller_id: str = "AIDAOPERATOR",
    organization_id: str = ORGANIZATION,
) -> Approved:
    return Approved("approval-1", at, organization_id, wave, checksum, reason, caller, caller_id)


def a_proof(
    policy: str = "sha256:policy",
    *,
    at: datetime = NOW,
    bad: tuple[str, ...] = (),
    unanswered: tuple[str, ...] = (),
    partition: str = "aws",
    run: str = "run-1",
) -> Proved:
    return Proved(
        run, at, ACCOUNT, "k3f9xy", partition, policy, 200, bad, unanswered, "proofs/x.json", "0" * 64
    )


def a_passed(
    user: UserRef | str = "alice",
    code: str = "notice",
    detail: str = "not told yet",
    *,
    run: str = "run-1",
    at: datetime = NOW,
    wave: str = "rest",
) -> UserSkipped:
    return UserSkipped(run, at, a_ref(user) if isinstance(user, str) else user, wave, SkipCode(code), detail)


def an_account_failure(
    account_id: str = ACCOUNT,
    reason: str = "AccessDenied on sts:AssumeRole",
    *,
    run: str = "run-1",
    at: datetime = NOW,
    cure: str = "",
) -> AccountFailed:
    return AccountFailed(run, at, account_id, reason, cure)


def a_gate_read(
    gate: str = "soak",
    result: str = "pass",
    detail: str = "3 of 3 days",
    *,
    wave: str = "rest",
    run: str = "run-1",
    at: datetime = NOW,
) -> GateRead:
    return GateRead(run, at, wave, gate, Result(result), detail)


def an_override(
    gate: str = "soak",
    reason: str = "incident 7",
    *,
    wave: str = "rest",
    run: str = "run-1",
    at: datetime = NOW,
    caller: str = OPERATOR,
) -> GateOverridden:
    return GateOverridden(run, at, wave, gate, reason, caller)


def a_carried(
    wave: str = "rest", stage: Stage | str = Stage.ENFORCE, *, run: str = "run-1", at: datetime = NOW
) -> WaveCarried:
    return WaveCarried(run, at, wave, Stage(stage))


def an_end(
    ending: str = "done", *, run: str = "run-1", at: datetime = NOW, counts: Mapping[str, int] | None = None
) -> RunEnded:
    return RunEnded(run, at, RunEnding(ending), counts or {})


def a_progress(*records: Record, organization_id: str = ORGANIZATION) -> History:
    """What the journal with these records says."""
    return replay_all(records, organization_id)
