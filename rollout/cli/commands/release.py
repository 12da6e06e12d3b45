"""`rollout release`: let a user, a wave, an account or everybody out, at once."""

from __future__ import annotations

from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.commands.release_end import end_release
from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.letting_out import WhomNamed, ground_of_a_release, ground_of_an_end
from rollout.cli.options import (
    Config,
    Defaults,
    Json,
    OverrideGates,
    Profile,
    Users,
    Yes,
    free_text,
    overrides_of,
)
from rollout.cli.running import leave_with
from rollout.cli.startup import (
    Doubts,
    read_deciding_settings,
    read_settings_for_the_brake,
    tell_endpoints,
)
from rollout.cli.terminal.console import TerminalProgress, confirm, err, next_step, out, print_json, table
from rollout.counted import number_of
from rollout.errors import ExitCode, Interrupted, WrongUsage

if TYPE_CHECKING:
    from rollout.wiring import Live
    from rollout.workflows.release import ReleaseResult, ReleaseSelection


def release(
    user: Users = None,
    wave: Annotated[
        str | None,
        typer.Option("--wave", metavar="NAME", help="Everybody enforced in this wave.", show_default=False),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(
            "--account",
            metavar="GLOB",
            help="Everybody in this account, with one write; can be repeated.",
            show_default=False,
        ),
    ] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Everybody in every account, with one write per account.")
    ] = False,
    span: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="SPAN",
            help="End the release automatically after this time: 4h, 30m, 2d.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        bool,
        typer.Option(
            "--end", help="End the release: enforce users again who were released, or removed by hand."
        ),
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", callback=free_text, help="Why; journalled.", show_default=False
        ),
    ] = None,
    override_gate: OverrideGates = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read AWS, but write nothing.")] = False,
    config: Config = None,
    defaults: Defaults = False,
    profile: Profile = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Let users out at once. Needs no plan and waits for no lock; a running apply leaves them alone from then on.

    Example: [bold]rollout release --account 111122223333 --for 4h --reason "INC-7: console locked"[/], and
    [bold]rollout release --account 111122223333 --end[/] when all is well again.
    """
    from rollout.domain.gates import GATES
    from rollout.wiring import Dispensable, Live
    from rollout.workflows.recording.release_journal import Recording
    from rollout.workflows.release import release as let_out

    _check(user, wave, account, everybody=everybody)
    if end and span:
        raise WrongUsage("--end and --for cannot be combined", cure="--end ends the release now")
    why = reason or ""
    if override_gate and not end:
        raise WrongUsage("--override-gate needs --end", cure="no gate is asked before users are let out")
    overrides = overrides_of(override_gate, reason, GATES)
    if not why and not end:
        raise WrongUsage("release needs --reason", cure='give one: --reason "…"; it is journalled')
    # Putting people back is a decision; letting them out is never refused for want of a file.
    settings = (
        read_deciding_settings(config, defaults=defaults) if end else read_settings_for_the_brake(config)
    )
    doubts = Doubts(letting_out=True)
    named = WhomNamed(tuple(user or ()), wave or "", tuple(account or ()))
    if end:
        ground = ground_of_an_end(settings, profile, named)
    else:
        dispensable = Dispensable.STORE | Dispensable.ORGANIZATION
        live = Live(settings, profile, tell=doubts, endpoint_ok=endpoint_ok(), dispensable=dispensable)
        ground = ground_of_a_release(live, named, recorded_first=span is not None)
    live, where = ground.live, ground.where
    run = live.new_run()
    until = _until(span, live)
    whom = ground.choose(ground.known)
    if end:
        end_release(run, whom, why, live, where, overrides, rehearsal=dry_run, yes=yes, json=json)
        return
    order = live.release_order(where, until=until, reason=why)
    if not dry_run:
        tell_endpoints(live)
        _ask(whom, until, ground.run_under_way(), yes=yes)
    context = live.run_context(run, where, TerminalProgress(), rehearsal=dry_run, locked=False)
    # The brake needs nobody's name: it does not wait for the journal once more.
    by_brake = whom[0].by_brake and not ground.unread
    journalled = (lambda: ground.known) if by_brake else ground.journalled
    recording = Recording(None if dry_run else live.files.unrecorded.of_run(run), later=ground.unread)
    result = let_out(
        order,
        ground.choose,
        journalled,
        run=context,
        running=ground.run_under_way,
        pause=sleep,
        recording=recording,
    )
    if json:
        print_json(_as_json(until, result, rehearsal=dry_run))
    else:
        _tell(until, result, rehearsal=dry_run)
    doubts.tell_cures()
    if result.interrupted:
        raise Interrupted(
            "interrupted; the journal contains what was done", cure="run the same command again"
        )
    leave_with({ExitCode.IN_PART: result.in_part})


def _check(user: list[str] | None, wave: str | None, account: list[str] | None, *, everybody: bool) -> None:
    if sum(map(bool, (user, wave, account, everybody))) != 1:
        raise WrongUsage(
            "select whom to release with exactly one of --user, --wave, --account and --all",
            cure="rollout release --help has examples",
        )


def _until(span: str | None, live: Live) -> datetime | None:
    from rollout.settings.durations import parse_duration

    if span is None:
        return None
    try:
        by = parse_duration(span)
    except ValueError as error:
        raise WrongUsage(f"--for: {error}", cure="write 4h, 30m or 2d") from error
    if not by:
        raise WrongUsage("--for 0 releases nobody", cure="write 4h, 30m or 2d")
    return live.clock.now() + by


def _ask(whom: ReleaseSelection, until: datetime | None, running: str, *, yes: bool) -> None:
    release_scope, shares = whom
    users = sum(len(share.users) for share in shares)
    what = number_of(users, "user") if users else number_of(len(shares), "account")
    writes = f"{what}, one write each"
    ends = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until you end it with --end"
    err.print(f"About to release {release_scope.text} ({writes}), {ends}.")
    if running:
        err.print(f"A run is active and will leave them alone: {running}")
    confirm("Go on?", yes=yes)


def _tell(until: datetime | None, result: ReleaseResult, *, rehearsal: bool) -> None:
    would = "would be " if rehearsal else ""
    rows = [
        (one.account.id, one.account.name, str(one.brake_was or ""), len(one.written), "; ".join(one.failed))
        for one in result.accounts
        if one.written or one.failed
    ]
    if rows:
        out.print(table("", ("account", "name", "brake was", "#writes", "failed"), rows))
    out.print(f"{result.release_scope.text}: {would}released with {number_of(result.writes, 'write')}.")
    if until:
        out.print(f"The release ends automatically at {until:%Y-%m-%d %H:%M} UTC.")
    for one in result.failed:
        err.print(f"Account {one.account.id}: {'; '.join(one.failed)}")
    if not rehearsal and not until:
        next_step("when all is well again: the same selection with --end")
    if result.unbegun:
        err.print(
            f"{number_of(result.unbegun, 'account was', 'accounts were')} not started; run the command again"
        )
    if not rehearsal:
        err.print("AWS needs a few minutes to apply this everywhere.")


def _as_json(until: datetime | None, result: ReleaseResult, *, rehearsal: bool) -> dict[str, object]:
    return {
        "released": result.release_scope.text,
        "until": until.isoformat() if until else None,
        "writes": result.writes,
        "rehearsal": rehearsal,
        "unbegun": result.unbegun,
        "accounts": [
            {
                "account": one.account.id,
                "brake_was": str(one.brake_was) if one.brake_was else None,
                "writes": len(one.written),
                "failed": one.failed,
            }
            for one in result.accounts
        ],
    }
