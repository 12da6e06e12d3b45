"""Implements `rollout show`: presents a plan, and explains one user's verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Accounts, Config, Json, Ous, PlanArgument, Profile, Users
from rollout.cli.startup import Doubts, age_of, load_plan, read_settings, selection
from rollout.cli.terminal.console import bold, out, print_json, shortly, table
from rollout.cli.terminal.impact_table import impact_as_json, impact_table
from rollout.errors import EmptySelection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rollout.domain.people.scope import Selection
    from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
    from rollout.domain.verdicts.verdict import MatrixRow
    from rollout.wiring import Files
    from rollout.workflows.ports import StoredPlan


DECISIONS = {
    "Allowed": "allowed",
    "ExplicitlyDenied": "denied",
    "ImplicitlyDenied": "not allowed",
    "Undecided": "undecided",
}


def show(
    plan: PlanArgument = None,
    account: Accounts = None,
    ou: Ous = None,
    user: Users = None,
    wave: Annotated[
        str | None, typer.Option("--wave", metavar="NAME", help="Only this wave.", show_default=False)
    ] = None,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Show a plan per wave, account and verdict; with --user, explain the verdict. Reads only the store.

    Example: [bold]rollout show --user '*/alice'[/]
    """
    from rollout.wiring import Files
    from rollout.workflows.selecting import check_in_plan

    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    stored = load_plan(files, plan)
    chosen = selection(account, ou, user)
    check_in_plan(chosen, stored)
    if wave is not None and wave not in stored.header.waves:
        known = ", ".join(stored.header.waves)
        raise EmptySelection(f'the plan has no wave "{wave}"', cure=f"waves of this plan: {known}")
    parts = list(_chosen(stored, chosen, wave))
    if not parts:
        raise EmptySelection(
            "no user in the plan matches all of these options", cure="run `rollout show` to see every user"
        )
    if json:
        print_json(_as_json(stored.header, parts))
    elif user:
        for part, entries in parts:
            for entry in entries:
                explain(part, entry)
    else:
        _overview(stored, parts, _words(files, stored))
    doubts.leave()


def _words(files: Files, stored: StoredPlan) -> dict[str, str]:
    """Describe each wave's approval of this exact plan, and its overridden gates; "" without any."""
    from rollout.domain.gates.approval import APPROVAL, approvals_of

    header, rule = stored.header, files.settings.domain_gates().of(APPROVAL)
    progress = files.journal("show").progress(header.organization_id)
    said = {}
    for wave in header.waves:
        approved = approvals_of(progress, header.checksum, wave, header.planner, rule).sentence
        words = [approved] if approved else []
        words += [
            f"gate {one.gate} overridden {one.at:%Y-%m-%d %H:%M} UTC by {one.caller}: {one.reason}"
            for one in progress.overrides
            if one.wave == wave
        ]
        said[wave] = "; ".join(words)
    return said


def _chosen(
    stored: StoredPlan, chosen: Selection, wave: str | None
) -> Iterator[tuple[AccountPlan, list[PlanEntry]]]:
    for part in stored.accounts():
        if not chosen.takes_account(part.account_id, part.name, part.ou):
            continue
        entries = [
            entry
            for entry in part.entries
            if chosen.takes_user(entry.user.arn, entry.user.name, entry.user.id)
            and (wave is None or entry.wave == wave)
        ]
        if entries or not (chosen.users or wave):
            yield part, entries


def explain(part: AccountPlan, entry: PlanEntry) -> None:
    """Print one user's verdict, and every reason with its fact and the time at which that was read."""
    out.print()
    out.print(bold(entry.verdict), entry.user.arn, sep="  ")
    rows: list[tuple[str, str]] = [("account", f"{part.account_id} {part.name} ({part.ou or 'root'})")]
    rows.append(("UserId", entry.user.id))
    if entry.wave:
        rows.append(
            ("wave", f"{entry.wave}, impact {entry.impact}, policy attached to the {entry.attachment}")
        )
    for reason in entry.reasons:
        seen = f"  (read {reason.seen_at:%Y-%m-%d %H:%M} UTC)" if reason.seen_at else ""
        rows.append((str(reason.code), f"{reason.detail}{seen}"))
    for name, text in (
        ("forecast", entry.forecast),
        ("can register", ", ".join(entry.situation.ways)),
        ("aws login", "allowed" if entry.situation.aws_login else ""),
        ("cure", entry.cure),
        ("covered by", entry.covered_by),
        ("enforced by", entry.enforced_by),
        ("address", entry.address),
    ):
        if text:
            rows.append((name, text))
    rows += key_evidence(entry)
    if entry.exempt_until:
        rows.append(("exempt until", f"{entry.exempt_until.isoformat()} UTC"))
    out.print(table("", ("", ""), rows))
    if entry.matrix is not None:
        _print_matrix(part.matrices[entry.matrix])


def key_evidence(entry: PlanEntry) -> list[tuple[str, str]]:
    """Return one row for each access key whose calls were looked at: what it did, and where that was read."""
    from rollout.domain.verdicts.key_use import describe_use

    return [
        (one.key, f"{describe_use(one)}  ({one.source}, read {one.read_at:%Y-%m-%d %H:%M} UTC)")
        for one in entry.activity
    ]


def _print_matrix(matrix: tuple[MatrixRow, ...]) -> None:
    """Print the results of the policy evaluation: without our policies, and with ForceMFA added."""
    questions = {
        "cover": "Without MFA, under the present policies (covered = every request is explicitly denied)",
        "enrol": "Without MFA, with ForceMFA added (able to enrol = every request is allowed; sts:GetSessionToken"
        " needs no Allow, only no explicit Deny)",
        "passkey": "On the console without MFA, with ForceMFA added (able to register a passkey or security key = every"
        " request is allowed)",
        "aws-login": "With MFA (able to use `aws login` = every request is allowed)",
        "session": "At the sign-in to the console, with ForceMFA added (a session = no request is denied)",
    }
    columns = {"absent": "by access key", "false": "on the console", "true": "with MFA"}
    for question, title in questions.items():
        asked: dict[str, dict[str, MatrixRow]] = {}
        for row in matrix:
            if row.question == question:
                asked.setdefault(row.action, {})[row.mfa] = row
        present = [state for state in columns if any(state in states for states in asked.values())]
        cells = [
            (action, *(_said(states[state]) for state in present), states[present[-1]].because)
            for action, states in asked.items()
        ]
        heads = (columns[state] for state in present)
        out.print(table(f"\n{title}", ("request", *heads, "decided by"), cells))


def _overview(
    stored: StoredPlan, parts: list[tuple[AccountPlan, list[PlanEntry]]], said: Mapping[str, str]
) -> None:
    from rollout.cli.commands.plan import left_out

    header = stored.header
    out.print(f"Plan {header.id}, created {age_of(stored)} by {header.caller}")
    out.print(f"Organization {header.organization_id}, SCPs: {header.scps}, file {stored.location}")
    out.print(table("\nVerdicts", ("verdict", "#users"), list(header.verdicts.items())))
    columns = ("wave", "#users", "approved and overridden") if any(said.values()) else ("wave", "#users")
    waves = [(wave, users, said.get(wave, ""))[: len(columns)] for wave, users in header.waves.items()]
    out.print(table("\nWaves", columns, waves))
    if header.impact:  # a plan of an earlier version has none
        out.print(impact_table(header.impact, header.inventory_at))
    _by_account(parts)
    left_out(header)


def _by_account(parts: list[tuple[AccountPlan, list[PlanEntry]]]) -> None:
    """Print one table per account, all with the same column widths."""
    columns = ("verdict", "wave", "impact", "because", "#users", "who")
    tables = [
        (part, [(*group, len(names), shortly(names)) for group, names in _grouped(entries)])
        for part, entries in parts
    ]
    every = [columns, *(tuple(map(str, row)) for _, rows in tables for row in rows)]
    widths = [max(len(row[place]) for row in every) for place in range(len(columns) - 1)]
    for part, rows in tables:
        out.print()
        out.print(bold(part.account_id), f"{part.name} ({part.ou or 'root'})")
        out.print(table("", columns, rows, widths=widths) if rows else "no users")


def _said(row: MatrixRow) -> str:
    return DECISIONS.get(row.decision, row.decision)


def _grouped(entries: Iterable[PlanEntry]) -> list[tuple[tuple[str, str, str, str], list[str]]]:
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for entry in entries:
        key = (str(entry.verdict), entry.wave, str(entry.impact or ""), ", ".join(entry.because))
        groups.setdefault(key, []).append(entry.user.name)
    return sorted(groups.items())


def _as_json(header: Header, parts: list[tuple[AccountPlan, list[PlanEntry]]]) -> dict[str, object]:
    return {
        "plan": header.id,
        "organization": header.organization_id,
        "impact": impact_as_json(header.impact),
        "accounts": [
            {
                "account": part.account_id,
                "name": part.name,
                "ou": part.ou,
                "users": [
                    {
                        "arn": entry.user.arn,
                        "id": entry.user.id,
                        "verdict": str(entry.verdict),
                        "impact": entry.impact and str(entry.impact),
                        "wave": entry.wave or None,
                        "because": list(entry.because),
                        "reasons": [
                            {"code": str(reason.code), "detail": reason.detail, "seen_at": reason.seen_at}
                            for reason in entry.reasons
                        ],
                        "cure": entry.cure or None,
                        "forecast": entry.forecast or None,
                        "can_register": list(entry.situation.ways),
                        "aws_login": entry.situation.aws_login,
                        "keys": [asdict(activity) for activity in entry.activity],
                        "enforced_by": entry.enforced_by or None,
                        "requests": [
                            asdict(row)
                            for row in (part.matrices[entry.matrix] if entry.matrix is not None else ())
                        ],
                    }
                    for entry in entries
                ],
            }
            for part, entries in parts
        ],
    }
