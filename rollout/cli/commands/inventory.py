"""Implements `rollout inventory`: a table of every user with today's verdict, for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.keeping_looks import keep_look
from rollout.cli.options import Accounts, Config, Defaults, EngineKind, Json, Ous, Profile, Scheduler, Users
from rollout.cli.running import leave_with
from rollout.cli.startup import Doubts, go_live, read_deciding_settings, selection, tell_endpoints
from rollout.cli.terminal.console import TerminalProgress, next_step, out, print_json, table, warn
from rollout.counted import number_of
from rollout.errors import ExitCode, WrongUsage

if TYPE_CHECKING:
    from rollout.domain.plan.entries import LeftOut
    from rollout.workflows.judging.listing import Listed


def inventory(
    to: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The file to write, ending in .csv or .parquet.",
            show_default=False,
        ),
    ],
    account: Accounts = None,
    ou: Ous = None,
    user: Users = None,
    config: Config = None,
    defaults: Defaults = False,
    profile: Profile = None,
    engine: EngineKind = None,
    scheduler: Scheduler = None,
    json: Json = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Also keep the figures in the store, for the development over time in reports."
        ),
    ] = False,
) -> None:
    """List every user of every account with today's verdict, in the columns of users.csv, without making a plan.

    Example: [bold]rollout inventory --out users.csv[/]
    """
    from rollout.reporting.users_file import format_of, write_users
    from rollout.wiring.cluster import look_of
    from rollout.wiring.output import check_writable, parts_beside, private_file
    from rollout.workflows.judging.listing import list_users

    if keep and (account or ou or user):
        raise WrongUsage("--keep needs everybody", cure="leave out --account, --ou and --user")
    # Check that the file can be written before reading for minutes.
    kind = format_of(to)
    if to.is_dir():
        raise WrongUsage(f"{to} is a folder", cure=f"name a file, such as --out {to / 'users.csv'}")
    check_writable(to.parent)
    spread = {"engine.kind": engine, "engine.scheduler": scheduler}
    settings = read_deciding_settings(config, defaults=defaults, flags=spread)
    doubts = Doubts()
    live, where = go_live(settings, profile, doubts)
    tell_endpoints(live)
    chosen, order = selection(account, ou, user), live.plan_order(where)
    # Users can only be selected after they have been read.
    look = look_of(live, where, TerminalProgress(), selection(account, ou))
    with parts_beside(to, settings) as parts:
        listed = list_users(look, order, live.files.journal(live.new_run()), chosen, parts)
        with private_file(to) as stream:
            write_users(
                stream,
                kind,
                listed.header,
                parts.accounts(),
                listed.progress,
                listed.header.inventory_at,
                settings.domain_notified(),
            )
        if keep:
            header, now = listed.header, live.clock.now()
            keep_look(live.files, "inventory", header, parts.accounts(), listed.progress, now)
    left = [one for one in listed.header.left_out if chosen.takes_account(one.account_id, one.name, one.ou)]
    if json:
        print_json(_as_json(listed, left, to))
    else:
        _tell(listed, left, to, narrowed=bool(account or ou or user))
    unreachable = any(one.state == "unreachable" for one in left)
    if unreachable:
        warn("some accounts could not be read (see above); their users are not in the file")
    doubts.tell_cures()
    leave_with({ExitCode.PLAN_REFUSED: doubts.altered, ExitCode.IN_PART: unreachable})


def _tell(listed: Listed, left: list[LeftOut], to: Path, *, narrowed: bool) -> None:
    header = listed.header
    counts = f"{number_of(listed.accounts, 'account')} read, {number_of(listed.users, 'user')}"
    asked = " selected" if narrowed else ""
    out.print(f"Organization {header.organization_id}: {counts}{asked}")
    out.print(table("", ("verdict", "#users"), list(header.verdicts.items())))
    rows = [(one.account_id, one.name, one.state, one.reason, one.cure) for one in left]
    if rows:
        out.print(table("\nAccounts not read", ("account", "name", "state", "reason", "cure"), rows))
    for finding in header.findings:
        out.print(f"{finding.code}: {finding.text}")
    out.print()
    out.print(f"Wrote {to}")
    next_step("make a plan of it: rollout plan")


def _as_json(listed: Listed, left: list[LeftOut], to: Path) -> dict[str, object]:
    header = listed.header
    return {
        "file": str(to),
        "organization": header.organization_id,
        "taken_at": header.inventory_at.isoformat(),
        "users": listed.users,
        "verdicts": dict(header.verdicts),
        "accounts_read": listed.accounts,
        "left_out": [
            {
                "account": one.account_id,
                "name": one.name,
                "state": one.state,
                "reason": one.reason,
                "cure": one.cure,
            }
            for one in left
        ],
    }
