"""Flattens a plan and its journal once into typed rows; tables and page only lay them out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from rollout.domain.people.inventory import Finding
from rollout.domain.plan.entries import AccountPlan, Entry, Header, LeftOut
from rollout.domain.progress.records import GateRead, RunStarted
from rollout.domain.progress.replay import Progress, is_rehearsal
from rollout.domain.progress.stages import Stage
from rollout.domain.status.user_status import Statuses, UserStatus, counts_of
from rollout.domain.status.waiting_gates import gates_that_wait, say_gate
from rollout.domain.verdicts.verdict import Kind
from rollout.reporting import moments
from rollout.reporting.change_history import ChangeRow, history, stage_of


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
    calls: int | None
    retries: int | None


@dataclass(frozen=True, slots=True)
class WaveRow:
    """Where one wave stands. `waits` counts the users who wait, by what they wait for.

    `said` is what people have said of it: approvals of this very plan, and gates overridden.
    """

    name: str
    users: int
    queued: int
    told: int
    enforced: int
    notified_at: datetime | None
    enforced_at: datetime | None
    waits: tuple[tuple[str, int], ...]
    gates: tuple[GateRead, ...]
    said: tuple[str, ...] = ()

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
    gates = gates_that_wait(progress, header)
    statuses = Statuses(header, progress, now, {wave: say_gate(reads[0]) for wave, reads in gates.items()})
    waves: dict[str, list[UserStatus]] = {name: [] for name in header.waves}
    users: list[UserRow] = []
    table = [_left_out(account) for account in header.left_out]
    findings = list(header.findings)
    names = {account.account_id: account.name for account in header.left_out}
    for account in accounts:
        names[account.account_id] = account.name
        rows = []
        for entry in account.entries:
            status = statuses.of(entry.user, entry)
            rows.append(_user(entry, account, status, header.id))
            if entry.wave:
                waves.setdefault(entry.wave, []).append(status)
        users += rows
        table.append(_account(account, rows))
        findings += account.findings
    return Flat(
        header=header,
        now=now,
        users=tuple(users),
        accounts=tuple(sorted(table, key=lambda row: row.account_id)),
        changes=tuple(history(progress, rehearsal)),
        waves=tuple(
            _wave(name, users, progress, gates.get(name, ()), tuple(_said(name, progress, header.checksum)))
            for name, users in waves.items()
        ),
        findings=tuple(_finding(finding, names) for finding in findings),
        unsettled=sum(not is_rehearsal(done) for done in progress.open),
        runs=tuple(_run(started, progress) for started in progress.runs.values()),
        rehearsed=rehearsal is not None,
    )


# --- Users and accounts ---


def _user(entry: Entry, account: AccountPlan, status: UserStatus, plan_id: str) -> UserRow:
    facts, told, by = entry.facts, status.notice, status.enforced_by or entry.covered_by
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
        enforced=bool(by),
        enforced_by=by,
        exempt_until=entry.exempt_until,
        notified_at=told.at if told else None,
        observed_at=facts.observed_at,
        cure=entry.cure,
        forecast=entry.forecast,
        covered_by=entry.covered_by,
        notice_due=told.due if told else None,
        delivery=str(told.delivery) if told else "",
        address=told.address if told else entry.address,
        state=status.state_code,
        path=entry.path,
        plan_id=plan_id,
        waits_for=status.waits_for,
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
        calls=account.calls or None,
        retries=account.retries if account.calls else None,
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
        calls=account.calls or None,
        retries=account.retries if account.calls else None,
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
        stage_of(started),
        started.plan_id,
        started.caller,
        started.version,
        ended.ending if ended else "not ended",
        ended.at if ended else None,
    )


# --- Waves ---


def _wave(
    name: str,
    users: list[UserStatus],
    progress: Progress,
    gates: tuple[GateRead, ...],
    said: tuple[str, ...],
) -> WaveRow:
    counts = counts_of(users)
    waits = Counter(status.waits_for for status in users if not status.enforced)
    return WaveRow(
        name,
        counts.users,
        counts.queued,
        counts.told,
        counts.enforced,
        progress.carried.get((Stage.NOTIFY, name)),
        progress.carried.get((Stage.ENFORCE, name)),
        tuple(sorted(waits.items(), key=lambda item: (-item[1], item[0]))),
        gates,
        said,
    )


def _said(wave: str, progress: Progress, plan_checksum: str) -> Iterator[str]:
    given = progress.approvals.get((plan_checksum, wave))
    if given:
        yield f"approved {moments.minute(given.at)} by {given.caller}: {given.reason}"
    for one in progress.overrides:
        if one.wave == wave:
            yield f"gate {one.gate} overridden {moments.minute(one.at)} by {one.caller}: {one.reason}"
