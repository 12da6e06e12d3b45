"""Implements `rollout show`: presents a plan, and explains one user's verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Accounts, Config, Json, Ous, PlanArgument, Profile, Users
from rollout.cli.startup import Doubts, age_of, load_plan, read_settings, selection
from rollout.cli.terminal.console import bold, echo_lines, next_step, out, print_json, shortly, table
from rollout.cli.terminal.explained_user import explain_in_short, explain_with_evidence, not_looked_at
from rollout.cli.terminal.impact_table import impact_as_json, impact_table
from rollout.errors import EmptySelection, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rollout.domain.people.scope import Selection
    from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
    from rollout.wiring import Files
    from rollout.workflows.ports import StoredPlan


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
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence",
            help="With --user: everything that was looked at, by which call and when, and what was not.",
        ),
    ] = False,
    markdown: Annotated[
        bool,
        typer.Option(
            "--markdown", help="Print a summary for reviewers: who is at risk, why, and what is new."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Show a plan per wave, account and verdict; with --user, explain the verdict. Reads only the store.

    Example: [bold]rollout show --user '*/alice'[/], and with [bold]--evidence[/] all that the verdict rests on;
    [bold]rollout show --markdown[/] for a pull request.
    """
    from rollout.wiring import Files
    from rollout.workflows.selecting import check_in_plan

    if evidence and not user:
        raise WrongUsage("--evidence needs --user", cure="name whose evidence: --user '*/alice' --evidence")
    if markdown and (json or any((account, ou, user, wave))):
        raise WrongUsage("--markdown sums up the whole plan", cure="leave out the other options")
    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    stored = load_plan(files, plan)
    if markdown:
        _summarise_for_review(files, stored)
        doubts.leave()
        return
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
        explain = explain_with_evidence if evidence else explain_in_short
        for part, entries in parts:
            for entry in entries:
                explain(part, entry)
        if not evidence:
            next_step("the evidence, with sources and times: add --evidence")
    else:
        _overview(stored, parts, _words(files, stored))
        next_step("why one user was judged so: rollout show --user '*/NAME'")
    doubts.leave()


def _summarise_for_review(files: Files, stored: StoredPlan) -> None:
    from rollout.reporting.plan_review import plan_review
    from rollout.workflows.plan import compared_plans

    before = files.plans.before(stored.header)
    since = compared_plans(before, stored) if before else None
    echo_lines("".join(plan_review(stored.header, stored.accounts(), since)))


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
    from rollout.workflows.selecting import chosen_parts

    for part in chosen_parts(stored, chosen):
        entries = [
            entry
            for entry in part.entries
            if chosen.takes_user(entry.user.arn, entry.user.name, entry.user.id)
            and (wave is None or entry.wave == wave)
        ]
        if entries or not (chosen.users or wave):
            yield part, entries


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
                        "enforced_by": entry.enforced_by or None,
                        "doors": [asdict(door) for door in entry.doors if door.at is not None],
                        "not_looked_at": [
                            {"name": door.name, "why": door.found} for door in not_looked_at(entry)
                        ],
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
