"""Flattens a plan and its journal once into typed rows; tables and page only lay them out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from rollout.domain.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    SetDefaultVersion,
    Skipped,
    UserRef,
)
from rollout.domain.inventory import Finding
from rollout.domain.journal.records import GateRead, RunStarted
from rollout.domain.journal.replay import Done, Progress
from rollout.domain.notices import Delivery
from rollout.domain.plan import AccountPlan, Entry, Header, LeftOut
from rollout.domain.stages import Stage
from rollout.domain.verdicts.verdict import Kind
from rollout.reporting.standing import Standing, Standings, is_rehearsal, say_gate, told_in_wave, user_of


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user of an account that was read. The fields are the columns of `users.csv`, in their order."""

    account_id: str
    account_name: str
    ou_path: str
    user_name: str
    user_id: str
    user_arn: str
    verdict: str
    reasons: tuple[str, ...]
    impact: str
    wave: str
    console_access: bool
    mfa_active: bool
    mfa_kinds: tuple[str, ...]
    active_keys: int
    key_last_used: datetime | None
    password_last_used: datetime | None
    enforced: bool
    enforced_by: str
    exempt_until: date | None
    notified_at: datetime | None
    observed_at: datetime
    cure: str
    forecast: str
    covered_by: str
    notice_due: date | None
    delivery: str
    address: str
    state: str
    path: str
    plan_id: str
    waits_for: str
    why: str

    @property
    def under_mfa(self) -> bool:
        """Tell whether MFA is enforced on this user, by this tool or by somebody else's policy."""
        return self.enforced or self.verdict == Kind.COVERED


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One listed account. Numbers are None, never 0, where an account was not looked into."""

    account_id: str
    account_name: str
    ou_path: str
    state: str
    reason: str
    cure: str
    role: str
    users: int | None
    exempt: int | None
    covered: int | None
    hold: int | None
    enforce: int | None
    enforced: int | None
    mfa_active_users: int | None
    coverage_percent: float | None
    report_at: datetime | None
    read_at: datetime | None
    findings: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One thing that was done, noted or left alone, in the journal's order."""

    at: datetime
    run: str
    stage: str
    plan_id: str
    wave: str
    account_id: str
    user_name: str
    user_id: str
    change: str
    target: str
    before: str
    outcome: str
    detail: str
    request_id: str
    attempts: int | None
    address: str
    due: date | None
    delivery: str
    caller: str


@dataclass(frozen=True, slots=True)
class WaveRow:
    """Where one wave stands. `waits` counts the users who wait, by what they wait for."""

    name: str
    users: int
    told: int
    enforced: int
    notified_at: datetime | None
    enforced_at: datetime | None
    waits: tuple[tuple[str, int], ...]
    gates: tuple[GateRead, ...]

    @property
    def waiting(self) -> int:
        """Count the users whom the wave has not brought under the policy."""
        return self.users - self.enforced

    @property
    def other_gates(self) -> tuple[str, ...]:
        """Say the gates that stop the wave and that no line of `waits` names."""
        named = {what for what, _ in self.waits}
        said = (say_gate(gate) for gate in self.gates)
        return tuple(gate for gate in said if gate not in named) if self.waiting else ()


@dataclass(frozen=True, slots=True)
class RunRow:
    """One command that carried changes: who, when, which plan, and how it ended."""

    run: str
    at: datetime
    stage: str
    plan_id: str
    caller: str
    version: str
    ending: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A fact that a person must look at, with the account's name beside its id."""

    code: str
    text: str
    account_id: str
    account_name: str
    user_arn: str


@dataclass(frozen=True, slots=True)
class Flat:
    """A whole report before it is laid out."""

    header: Header
    now: datetime
    users: tuple[UserRow, ...]
    accounts: tuple[AccountRow, ...]
    changes: tuple[ChangeRow, ...]
    waves: tuple[WaveRow, ...]
    findings: tuple[FindingRow, ...]
    unsettled: int
    runs: tuple[RunRow, ...]
    rehearsed: bool


def flatten(
    header: Header,
    accounts: Iterable[AccountPlan],
    progress: Progress,
    now: datetime,
    *,
    rehearsal: Progress | None = None,
) -> Flat:
    """Go through the plan once, an account at a time, and through the journal."""
    standings = Standings(header, progress, now)
    waves = {name: _Wave() for name in header.waves}
    users: list[UserRow] = []
    table = [_left_out(account) for account in header.left_out]
    findings = list(header.findings)
    names = {account.account_id: account.name for account in header.left_out}
    for account in accounts:
        names[account.account_id] = account.name
        rows = []
        for entry in account.entries:
            standing = standings.of(entry)
            rows.append(_user(entry, account, standing, header.id))
            if entry.wave:
                waves.setdefault(entry.wave, _Wave()).take(entry, standing)
        users += rows
        table.append(_account(account, rows))
        findings += account.findings
    changes = _changes(progress, rehearsed=False)
    if rehearsal:
        changes += _changes(rehearsal, rehearsed=True)
    return Flat(
        header=header,
        now=now,
        users=tuple(users),
        accounts=tuple(sorted(table, key=lambda row: row.account_id)),
        changes=tuple(changes),
        waves=tuple(wave.row(name, progress, standings.gates.get(name, ())) for name, wave in waves.items()),
        findings=tuple(_finding(finding, names) for finding in findings),
        unsettled=sum(not is_rehearsal(done) for done in progress.open),
        runs=tuple(_run(started, progress) for started in progress.runs.values()),
        rehearsed=rehearsal is not None,
    )


# --- Users and accounts ---


def _user(entry: Entry, account: AccountPlan, standing: Standing, plan_id: str) -> UserRow:
    facts, told = entry.facts, standing.told
    return UserRow(
        account_id=account.account_id,
        account_name=account.name,
        ou_path=account.ou,
        user_name=entry.user.name,
        user_id=entry.user.id,
        user_arn=entry.user.arn,
        verdict=str(entry.verdict),
        reasons=entry.because,
        impact=str(entry.impact or ""),
        wave=entry.wave,
        console_access=facts.console,
        mfa_active=facts.mfa_active,
        mfa_kinds=facts.mfa_kinds,
        active_keys=facts.active_keys,
        key_last_used=facts.key_last_used,
        password_last_used=facts.password_last_used,
        enforced=standing.enforced,
        enforced_by=standing.enforced_by,
        exempt_until=entry.exempt_until,
        notified_at=told.at if told else None,
        observed_at=facts.observed_at,
        cure=entry.cure,
        forecast=entry.forecast,
        covered_by=entry.covered_by,
        notice_due=told.due if told else None,
        delivery=str(told.delivery) if told else "",
        address=told.address if told else entry.address,
        state=standing.state,
        path=entry.path,
        plan_id=plan_id,
        waits_for=standing.waits_for,
        why="; ".join(dict.fromkeys(reason.detail for reason in entry.reasons if reason.detail)),
    )


def _account(account: AccountPlan, rows: list[UserRow]) -> AccountRow:
    verdicts = Counter(row.verdict for row in rows)
    return AccountRow(
        account_id=account.account_id,
        account_name=account.name,
        ou_path=account.ou,
        state="entered",
        reason="",
        cure="",
        role=account.role,
        users=len(rows),
        exempt=verdicts[Kind.EXEMPT],
        covered=verdicts[Kind.COVERED],
        hold=verdicts[Kind.HOLD],
        enforce=verdicts[Kind.ENFORCE],
        enforced=sum(row.enforced for row in rows),
        mfa_active_users=sum(row.mfa_active for row in rows),
        coverage_percent=percent(sum(row.under_mfa for row in rows), len(rows)),
        report_at=account.report_at,
        read_at=account.read_at,
        findings=" | ".join(f"{finding.code}: {finding.text}" for finding in account.findings),
    )


def _left_out(account: LeftOut) -> AccountRow:
    return AccountRow(
        account.account_id,
        account.name,
        account.ou,
        account.state,
        account.reason,
        account.cure,
        role="",
        users=None,
        exempt=None,
        covered=None,
        hold=None,
        enforce=None,
        enforced=None,
        mfa_active_users=None,
        coverage_percent=None,
        report_at=None,
        read_at=None,
        findings="",
    )


def percent(part: int, whole: int) -> float | None:
    """Give a share with one decimal, rounded down: 100 means everybody. None of nothing."""
    return part * 1000 // whole / 10 if whole else None


def _finding(finding: Finding, names: dict[str, str]) -> FindingRow:
    return FindingRow(
        finding.code,
        finding.text,
        finding.account_id,
        names.get(finding.account_id, ""),
        finding.user_arn,
    )


def _run(started: RunStarted, progress: Progress) -> RunRow:
    ended = progress.ended.get(started.run)
    return RunRow(
        started.run,
        started.at,
        str(started.stage),
        started.plan_id,
        started.caller,
        started.version,
        ended.ending if ended else "not ended",
        ended.at if ended else None,
    )


# --- Waves ---


class _Wave:
    """Counts the users of one wave as they come by."""

    def __init__(self) -> None:
        self.users = self.told = self.enforced = 0
        self.waits: Counter[str] = Counter()

    def take(self, entry: Entry, standing: Standing) -> None:
        self.users += 1
        self.told += told_in_wave(standing.told, entry.wave)
        self.enforced += standing.enforced
        if not standing.enforced:
            self.waits[standing.waits_for] += 1

    def row(self, name: str, progress: Progress, gates: tuple[GateRead, ...]) -> WaveRow:
        return WaveRow(
            name,
            self.users,
            self.told,
            self.enforced,
            progress.carried.get((Stage.NOTIFY, name)),
            progress.carried.get((Stage.ENFORCE, name)),
            tuple(sorted(self.waits.items(), key=lambda item: (-item[1], item[0]))),
            gates,
        )


# --- Changes, notices, skips ---

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def word_of(change: Change) -> str:
    """Name a kind of change: `add-member` for AddMember."""
    return _WORDS.sub("-", type(change).__name__).lower()


def target_of(change: Change) -> str:
    """Name the policy or group that a change touches; both, where one is hung on the other."""
    match change:
        case CreateGroup(group=group) | DeleteGroup(group=group):
            return f"group {group}"
        case AddMember(group=group) | RemoveMember(group=group):
            return f"group {group}"
        case AttachToGroup(group=group, policy_arn=arn) | DetachFromGroup(group=group, policy_arn=arn):
            return f"{arn} on group {group}"
        case SetDefaultVersion(policy_arn=arn, version_id=version):
            return f"{arn} version {version}"
        case DeleteVersion(policy_arn=arn, version_id=version):
            return f"{arn} version {version}"
        case (
            CreatePolicy(policy_arn=arn)
            | CreateVersion(policy_arn=arn)
            | DeletePolicy(policy_arn=arn)
            | AttachToUser(policy_arn=arn)
            | DetachFromUser(policy_arn=arn)
        ):
            return arn


@dataclass(frozen=True, slots=True)
class _Result:
    """An outcome in the words of the table."""

    outcome: str
    detail: str = ""
    request_id: str = ""
    attempts: int | None = None


def _result(outcome: Outcome | None) -> _Result:
    match outcome:
        case None:
            return _Result("unsettled", "the run broke off before it knew")
        case Applied(request_id=request_id, attempts=attempts, unconfirmed=unconfirmed):
            detail = "unconfirmed: the answer was lost, the effect was found" if unconfirmed else ""
            return _Result("applied", detail, request_id, attempts)
        case AlreadyInPlace():
            return _Result("already-in-place")
        case Skipped(code=code, detail=detail):
            return _Result("skipped", _joined(code, detail))
        case Failed(why=why, attempts=attempts):
            return _Result("failed", why, attempts=attempts)


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def _changes(progress: Progress, *, rehearsed: bool) -> list[ChangeRow]:
    """Put everything of one journal in its order.

    Records of one moment go by account and by their number there, so that accounts worked on side by side by a
    clock that stands still come out the same every time.
    """
    runs = {run: number for number, run in enumerate(progress.runs)}
    rows = [
        ((row.at, runs.get(row.run, -1), row.account_id, rank, number), row)
        for rank, number, row in _unsorted(progress, rehearsed=rehearsed)
    ]
    rows.sort(key=lambda pair: pair[0])
    return [row for _, row in rows]


def _unsorted(progress: Progress, *, rehearsed: bool) -> Iterator[tuple[int, int, ChangeRow]]:
    for number, override in enumerate(progress.overrides):
        started = progress.runs[override.run]
        yield (
            0,
            number,
            _row(
                override.at,
                started,
                change="override-gate",
                wave=override.wave,
                target=f"gate {override.gate}",
                outcome="overridden",
                detail=override.reason,
                caller=override.caller,
            ),
        )
    for number, failure in enumerate(progress.account_failures):
        yield (
            1,
            number,
            _row(
                failure.at,
                progress.runs[failure.run],
                change="enter-account",
                account_id=failure.account_id,
                outcome="failed",
                detail=". ".join(part for part in (failure.reason, failure.cure) if part),
            ),
        )
    for number, done in enumerate(progress.changes):
        yield 2, number, _change(done, rehearsed=rehearsed or is_rehearsal(done))
    for number, told in enumerate(notice for notices in progress.told.values() for notice in notices):
        started = progress.runs[told.run]
        noted = rehearsed or started.stage is Stage.DRY_RUN
        sent = "failed" if told.delivery is Delivery.FAILED else "told"
        yield (
            3,
            number,
            _row(
                told.at,
                started,
                change="notice",
                wave=told.wave,
                user=told.user,
                outcome="rehearsed" if noted else sent,
                detail=told.detail or f"impact {told.impact}",
                address=told.address,
                due=told.due,
                delivery="" if noted else str(told.delivery),
            ),
        )
    for number, passed in enumerate(progress.passed):
        started = progress.runs[passed.run]
        noted = rehearsed or started.stage is Stage.DRY_RUN
        yield (
            4,
            number,
            _row(
                passed.at,
                started,
                change="skip",
                wave=passed.wave,
                user=passed.user,
                outcome="rehearsed" if noted else "skipped",
                detail=_joined(passed.code, passed.detail),
            ),
        )


def _change(done: Done, *, rehearsed: bool) -> ChangeRow:
    result = _result(done.outcome)
    if rehearsed:
        would = _joined("would be " + result.outcome.replace("-", " "), result.detail)
        result = _Result("rehearsed", would if done.outcome else "")
    intent = done.intent
    return _row(
        intent.at,
        done.started,
        change=word_of(intent.change),
        wave=intent.wave,
        account_id=intent.change.account_id,
        user=user_of(intent.change),
        target=target_of(intent.change),
        before=intent.before,
        outcome=result.outcome,
        detail=result.detail,
        request_id=result.request_id,
        attempts=result.attempts,
    )


def _row(  # noqa: PLR0913 - one parameter a column
    at: datetime,
    started: RunStarted,
    *,
    change: str,
    outcome: str,
    wave: str = "",
    account_id: str = "",
    user: UserRef | None = None,
    target: str = "",
    before: str = "",
    detail: str = "",
    request_id: str = "",
    attempts: int | None = None,
    address: str = "",
    due: date | None = None,
    delivery: str = "",
    caller: str = "",
) -> ChangeRow:
    return ChangeRow(
        at=at,
        run=started.run,
        stage=str(started.stage),
        plan_id=started.plan_id,
        wave=wave,
        account_id=account_id or (user.account_id if user else ""),
        user_name=user.name if user else "",
        user_id=user.id if user else "",
        change=change,
        target=target,
        before=before,
        outcome=outcome,
        detail=detail,
        request_id=request_id,
        attempts=attempts,
        address=address,
        due=due,
        delivery=delivery,
        caller=caller or started.caller,
    )
