"""Explains the verdict on one user: in ten lines, or with all the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.cli.terminal.console import bold, out, table
from rollout.domain.plan.doors import CONSOLE, NEVER_LOOKED_AT, PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rollout.domain.plan.doors import Door
    from rollout.domain.plan.entries import AccountPlan, PlanEntry
    from rollout.domain.verdicts.verdict import MatrixRow, Reason

LINES = 10
DECISIONS = {
    "Allowed": "allowed",
    "ExplicitlyDenied": "denied",
    "ImplicitlyDenied": "not allowed",
    "Undecided": "undecided",
}
QUESTIONS = {
    "cover": "Without MFA, under the present policies (covered = every request is explicitly denied)",
    "enrol": "Without MFA, with ForceMFA added (able to enrol = every request is allowed; sts:GetSessionToken"
    " needs no Allow, only no explicit Deny)",
    "passkey": "On the console without MFA, with ForceMFA added (able to register a passkey or security key = every"
    " request is allowed)",
    "aws-login": "With MFA (able to use `aws login` = every request is allowed)",
    "session": "At the sign-in to the console, with ForceMFA added (a session = no request is denied)",
}
STATES = {"absent": "by access key", "false": "on the console", "true": "with MFA"}
Line = tuple[str, str]


def explain_in_short(part: AccountPlan, entry: PlanEntry) -> None:
    """Print ten lines at most: the verdict, its reasons, what was found at each door, and what nobody looked at."""
    first = [_account(part, f"address {_address(entry)}" if entry.address else "no address")]
    last = [*_consequences(entry), *_looked(entry)]
    room = LINES - 1 - len(first) - len(last)
    reasons = [_reason(one) for one in entry.reasons]
    if len(reasons) > room:
        rest = entry.reasons[room - 1 :]
        reasons[room - 1 :] = [("also", ", ".join(dict.fromkeys(str(one.code) for one in rest)))]
    carried = f" (wave {entry.wave}, impact {entry.impact})" if entry.wave else ""
    _print(entry, carried, [*first, *reasons, *last])


def explain_with_evidence(part: AccountPlan, entry: PlanEntry) -> None:
    """Print everything: each reason, each door with its source and time, each request that was evaluated."""
    reasons = [_reason(one) for one in entry.reasons]
    address = [("address", _address(entry))] if entry.address else []
    where = [_account(part, f"UserId {entry.user.id}")]
    if entry.wave:
        attached = f"policy attached to the {entry.attachment}"
        where.append(("wave", f"{entry.wave}, impact {entry.impact}, {attached}"))
    ways = [("can register", ", ".join(entry.situation.ways))] if entry.situation.ways else []
    login = [("aws login", "allowed")] if entry.situation.aws_login else []
    _print(entry, "", [*where, *reasons, *_consequences(entry), *ways, *login, *address])
    looked = [(door.name, door.found, door.source, _time(door.at)) for door in entry.doors if door.at]
    if looked:
        out.print(table("\nWays in that were looked at", ("what", "found", "by", "read"), looked))
    not_looked = [(door.name, door.found) for door in not_looked_at(entry)]
    out.print(table("\nNot looked at", ("what", "why"), not_looked))
    if entry.matrix is not None:
        _print_matrix(part.matrices[entry.matrix])


def not_looked_at(entry: PlanEntry) -> list[Door]:
    """List what nobody looked at, for this user or for anybody."""
    return [*(door for door in entry.doors if door.at is None), *NEVER_LOOKED_AT]


def _print(entry: PlanEntry, carried: str, lines: list[Line]) -> None:
    out.print()
    out.print(bold(entry.verdict), f"{carried}  {entry.user.arn}", sep="")
    out.print(table("", ("", ""), lines))


def _account(part: AccountPlan, more: str) -> Line:
    return "account", f"{part.account_id} {part.name} ({part.ou or 'root'}), {more}"


def _address(entry: PlanEntry) -> str:
    by = entry.addressee.found_by
    return f"{entry.address} (by {by})" if by else entry.address


def _reason(reason: Reason) -> Line:
    return str(reason.code), f"{reason.detail}{_read(reason.seen_at)}"


def _consequences(entry: PlanEntry) -> Iterator[Line]:
    for name, text in (
        ("forecast", entry.forecast),
        ("cure", entry.cure),
        ("covered by", entry.covered_by),
        ("enforced by", entry.enforced_by_us),
        ("exempt until", f"{entry.exempt_until.isoformat()} UTC" if entry.exempt_until else ""),
    ):
        if text:
            yield name, text


def _looked(entry: PlanEntry) -> Iterator[Line]:
    looked = [door for door in entry.doors if door.at is not None and door.name not in (PERMISSIONS, CONSOLE)]
    if looked:
        found = [door.name for door in looked if not door.found.startswith("none")]
        nothing = [door.name for door in looked if door.name not in found]
        said = (", ".join(found), f"no {', '.join(nothing)}" if nothing else "")
        yield "found", "; ".join(text for text in said if text) + _read(looked[0].at)
    yield "not looked at", ", ".join(door.name for door in not_looked_at(entry))


def _read(at: datetime | None) -> str:
    return f"  (read {_time(at)})" if at else ""


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _print_matrix(matrix: tuple[MatrixRow, ...]) -> None:
    """Print the results of the policy evaluation: without our policies, and with ForceMFA added."""
    for question, title in QUESTIONS.items():
        asked: dict[str, dict[str, MatrixRow]] = {}
        for row in matrix:
            if row.question == question:
                asked.setdefault(row.action, {})[row.mfa] = row
        present = [state for state in STATES if any(state in states for states in asked.values())]
        cells = [
            (action, *(_said(states[state]) for state in present), states[present[-1]].because)
            for action, states in asked.items()
        ]
        if cells:
            heads = (STATES[state] for state in present)
            out.print(table(f"\n{title}", ("request", *heads, "decided by"), cells))


def _said(row: MatrixRow) -> str:
    return DECISIONS.get(row.decision, row.decision)
