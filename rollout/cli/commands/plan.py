"""Implements `rollout plan`: reads every account, judges every user, and writes the plan for review."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.options import Accounts, Config, Json, Ous, Profile
from rollout.cli.running import leave_with
from rollout.cli.startup import go_live, read_settings, selection, tell_endpoints
from rollout.cli.terminal.console import TerminalProgress, err, out, print_json, table, warn
from rollout.errors import ExitCode

if TYPE_CHECKING:
    from rollout.domain.plan.comparison import Before
    from rollout.domain.plan.entries import Header
    from rollout.workflows.plan import Planned


def plan(
    config: Config = None,
    profile: Profile = None,
    account: Accounts = None,
    ou: Ous = None,
    json: Json = False,
    detailed_exitcode: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with code 3 when the plan has users to enforce."),
    ] = False,
) -> None:
    """Read every account, judge every user, and write a plan. Nothing is written to AWS.

    Example: [bold]rollout plan[/], then review the file that it names in a pull request.
    """
    from rollout.workflows.inventory import read_levels, take_inventory
    from rollout.workflows.plan import compare_with, make_plan

    settings = read_settings(config)
    live, where = go_live(settings, profile)
    live.files.check_plans_writable()
    tell_endpoints(live)
    progress = TerminalProgress()
    levels = read_levels(live.organization, where.accounts, settings.rules.scps)
    inventory = take_inventory(
        where, levels, live.looking(where, progress), settings.domain_scope(), selection(account, ou)
    )
    journal = live.files.journal(live.new_run())
    before = compare_with(live.files.plans, where.organization.id)
    planned = make_plan(inventory, live.plan_order(where), live.files.plans, journal, before)
    header = planned.stored.header
    if json:
        print_json(_as_json(planned, before))
    else:
        _summarise(planned)
        for line in before.differences(planned.accounts, tuple(header.waves)):
            out.print(line, markup=False)
        out.print(f"\nPlan [bold]{header.id}[/]: {planned.stored.location}")
        err.print("Next: review the plan, then run `rollout apply --stage dry-run`")
    unreachable = any(left.state == "unreachable" for left in header.left_out)
    if unreachable:
        warn("some accounts could not be read (see above); they are not in the plan")
    due = detailed_exitcode and changes_due(planned)
    leave_with({ExitCode.IN_PART: unreachable, ExitCode.CHANGES_FOUND: due})


def changes_due(planned: Planned) -> bool:
    """Tell whether the plan has users still to be enforced."""
    return any(
        entry.verdict == "enforce" and not entry.enforced_by
        for account in planned.accounts
        for entry in account.entries
    )


def _summarise(planned: Planned) -> None:
    from rollout.domain.verdicts.verdict import Kind

    header = planned.stored.header
    entries = [entry for account in planned.accounts for entry in account.entries]
    out.print(
        f"Organization {header.organization_id}: {len(planned.accounts)} accounts read, {len(entries)} users"
    )
    out.print(table("", ("verdict", "#users"), [(name, count) for name, count in header.verdicts.items()]))
    out.print(table("\nWaves", ("wave", "#users"), [(name, count) for name, count in header.waves.items()]))
    held = Counter(reason.code for entry in entries if entry.verdict is Kind.HOLD for reason in entry.reasons)
    rows = [(code, count, code.cure) for code, count in sorted(held.items())]
    if rows:
        out.print(table("\nOn hold", ("reason", "#users", "cure"), rows))
    left_out(header)
    findings(planned)


def left_out(header: Header) -> None:
    """Print the accounts that are not in the plan, with their reasons."""
    rows = [(left.account_id, left.name, left.state, left.reason) for left in header.left_out]
    if rows:
        out.print(table("\nAccounts not in the plan", ("account", "name", "state", "reason"), rows))


def findings(planned: Planned) -> None:
    """Print the findings, which a person should check."""
    found = [*planned.stored.header.findings, *(one for part in planned.accounts for one in part.findings)]
    rows = [(one.code, one.account_id, one.text) for one in found]
    if rows:
        out.print(table("\nFindings", ("what", "account", "text"), rows))


def _as_json(planned: Planned, before: Before) -> dict[str, object]:
    header = planned.stored.header
    return {
        "plan": header.id,
        "file": planned.stored.location,
        "organization": header.organization_id,
        "verdicts": dict(header.verdicts),
        "waves": dict(header.waves),
        "moved_to_a_later_wave": [
            {"arn": move.arn, "was": move.was, "now": move.now}
            for move in before.later(planned.accounts, tuple(header.waves))
        ],
        "left_out": [
            {"account": left.account_id, "name": left.name, "state": left.state, "reason": left.reason}
            for left in header.left_out
        ],
    }
