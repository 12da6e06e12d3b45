"""Implements `rollout plan`: reads every account, judges every user, and writes the plan for review."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.keeping_looks import keep_look
from rollout.cli.options import (
    Accounts,
    Config,
    Defaults,
    EngineKind,
    Json,
    ListUsers,
    Ous,
    Profile,
    Scheduler,
)
from rollout.cli.running import leave_with
from rollout.cli.startup import go_live, read_deciding_settings, selection, tell_endpoints
from rollout.cli.terminal.console import (
    TerminalProgress,
    bold,
    err,
    next_step,
    out,
    print_json,
    shortly,
    table,
    warn,
)
from rollout.cli.terminal.impact_table import impact_as_json, impact_table, names_as_json, names_table
from rollout.cli.terminal.movements_table import movements_as_json, tell_movements
from rollout.counted import number_of
from rollout.errors import ExitCode

if TYPE_CHECKING:
    from rollout.domain.people.observations import Finding
    from rollout.domain.plan.entries import Header
    from rollout.domain.plan.impact_counts import Affected
    from rollout.domain.verdicts.verdict import Code
    from rollout.wiring import PlanPlace
    from rollout.workflows.plan import Planned


def plan(
    config: Config = None,
    defaults: Defaults = False,
    profile: Profile = None,
    account: Accounts = None,
    ou: Ous = None,
    engine: EngineKind = None,
    scheduler: Scheduler = None,
    json: Json = False,
    names: ListUsers = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with code 3 when the plan has users to enforce."),
    ] = False,
    accept_unmatched: Annotated[
        bool,
        typer.Option(
            "--accept-unmatched",
            help="Plan although a line of break_glass, exemptions or exclude matches nobody.",
        ),
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the plan to this file, its evidence beside it; default: plans/ in the store.",
            show_default=False,
        ),
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="PLAN",
            help="Also tell who moved from where to where since this plan; its path, file stem or ID.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Read every account, judge every user, and write a plan. Nothing is written to AWS.

    If nothing has changed since the previous plan, that plan is kept, with its rehearsal and its approvals.

    Example: [bold]rollout plan[/], then review the file that it names in a pull request.
    """
    from rollout.wiring.cluster import look_of
    from rollout.workflows.plan import compared_plans, make_plan, newest_plan, plan_in_place_of

    spread = {"engine.kind": engine, "engine.scheduler": scheduler}
    settings = read_deciding_settings(config, defaults=defaults, flags=spread)
    live, where = go_live(settings, profile)
    organization_id = where.organization.id
    plans: PlanPlace = live.files.plans
    # Before minutes of reading: can the plan be put where it belongs, and does it replace nothing but a plan?
    if to is None:
        live.files.check_plans_writable()
        earlier = newest_plan(plans, organization_id)
    else:
        plans = live.files.plan_at(to)
        earlier = plan_in_place_of(plans, live.files.plans, organization_id)
    other = live.files.plans.load(diff, whole=False) if diff else None
    tell_endpoints(live)
    order = live.plan_order(where, accept_unmatched=accept_unmatched)
    look = look_of(live, where, TerminalProgress(), selection(account, ou))
    run = live.new_run()
    with live.files.drafting(plans) as draft:
        planned = make_plan(look, order, draft, live.files.journal(run), earlier, run=run, names=names)
    if not (account or ou):
        known = live.files.journal("look").progress(organization_id)
        keep_look(
            live.files, "plan", planned.stored.header, planned.stored.accounts(), known, live.clock.now()
        )
    moves = other and compared_plans(other, planned.stored)
    if json:
        moved = {"moved": movements_as_json(moves)} if moves else {}
        print_json({**_as_json(planned, names=names), **moved})
    else:
        _summarise(planned, names=names)
        if moves:
            tell_movements(moves)
        _tell_where(planned)
    header = planned.header
    unreachable = any(left.state == "unreachable" for left in header.left_out)
    if unreachable:
        warn("some accounts could not be read (see above); they are not in the plan")
    due = detailed_exitcode and changes_due(planned) > 0
    leave_with({ExitCode.IN_PART: unreachable, ExitCode.CHANGES_FOUND: due})


def changes_due(planned: Planned) -> int:
    """Count the users who are still to be enforced."""
    return sum(account.due for account in planned.accounts)


def _tell_where(planned: Planned) -> None:
    stored = planned.stored
    for line in planned.since.lines():
        if not line.startswith(" "):
            out.print()
        out.print(line)
    kept = f" is kept; it was created {stored.header.created:%Y-%m-%d %H:%M} UTC" if planned.kept else ""
    out.print()
    out.print("Plan ", bold(stored.header.id), f"{kept}: {stored.location}", sep="")
    if not planned.kept:
        next_step("review the plan, then run `rollout apply --stage dry-run`")


def _summarise(planned: Planned, *, names: bool) -> None:
    header = planned.header
    out.print(
        f"Organization {header.organization_id}: {number_of(len(planned.accounts), 'account')} read, "
        f"{number_of(sum(account.users for account in planned.accounts), 'user')}"
    )
    out.print(table("", ("verdict", "#users"), [(name, count) for name, count in header.verdicts.items()]))
    out.print(table("\nWaves", ("wave", "#users"), [(name, count) for name, count in header.waves.items()]))
    out.print(impact_table(header.impact, header.inventory_at))
    if names:
        out.print(names_table(_to_come(planned)))
    held: Counter[Code] = sum((account.held for account in planned.accounts), Counter())
    rows = [(code, count, code.cure) for code, count in sorted(held.items())]
    if rows:
        out.print(table("\nOn hold", ("reason", "#users", "cure"), rows))
    _without_address(planned)
    left_out(header)
    findings(planned)


def _without_address(planned: Planned) -> None:
    """Print who cannot be notified, by account."""
    rows = [
        (account.account_id, account.name, found.number, shortly(found.first, number=found.number))
        for account in planned.accounts
        if (found := account.unreached).number
    ]
    if rows:
        out.print(table("\nWithout a known address", ("account", "name", "#users", "who"), rows))
        err.print("To fill in their addresses: rollout notices --unreached people.csv")


def left_out(header: Header) -> None:
    """Print the accounts that are not in the plan, with their reasons."""
    rows = [(left.account_id, left.name, left.state, left.reason) for left in header.left_out]
    if rows:
        out.print(table("\nAccounts not in the plan", ("account", "name", "state", "reason"), rows))


def findings(planned: Planned) -> None:
    """Print the findings, which a person should check."""
    if rows := [(one.code, one.account_id, one.text) for one in _found(planned)]:
        out.print(table("\nFindings", ("what", "account", "text"), rows))


def _found(planned: Planned) -> list[Finding]:
    return [*planned.header.findings, *(one for part in planned.accounts for one in part.findings)]


def _to_come(planned: Planned) -> list[Affected]:
    return [one for account in planned.accounts for one in account.to_come]


def _as_json(planned: Planned, *, names: bool) -> dict[str, object]:
    header, stored = planned.header, planned.stored
    return {
        "plan": stored.header.id,
        "file": stored.location,
        "kept": planned.kept,
        "organization": header.organization_id,
        "verdicts": dict(header.verdicts),
        "waves": dict(header.waves),
        "impact": impact_as_json(header.impact),
        **({"affected": names_as_json(_to_come(planned))} if names else {}),
        "changes_due": changes_due(planned),
        "moved_to_a_later_wave": [
            {"arn": move.arn, "was": move.was, "now": move.now} for move in planned.since.moves
        ],
        "left_out": [
            {"account": left.account_id, "name": left.name, "state": left.state, "reason": left.reason}
            for left in header.left_out
        ],
        "findings": [
            {"code": one.code, "account": one.account_id, "text": one.text} for one in _found(planned)
        ],
    }
