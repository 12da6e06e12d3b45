"""`rollout rollback`: undoes exactly what this tool did according to the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.letting_out import go_live_to_roll_back
from rollout.cli.options import Accounts, Config, Json, Profile, Users, Yes
from rollout.cli.running import leave_with
from rollout.cli.startup import Doubts, read_settings_for_the_brake, tell_endpoints
from rollout.cli.terminal.console import TerminalProgress, confirm, err, next_step, out, print_json, table
from rollout.counted import number_of
from rollout.errors import ExitCode, Interrupted, WrongUsage

if TYPE_CHECKING:
    from rollout.workflows.account_run import RunResult
    from rollout.workflows.rollback import Foreseen


def rollback(
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan",
            metavar="PLAN",
            help="Undo the changes of this plan (id or file stem).",
            show_default=False,
        ),
    ] = None,
    wave: Annotated[
        str | None,
        typer.Option("--wave", metavar="NAME", help="Undo the changes of this wave.", show_default=False),
    ] = None,
    account: Accounts = None,
    user: Users = None,
    everything: Annotated[bool, typer.Option("--all", help="Undo every change in the journal.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read AWS, but write nothing.")] = False,
    config: Config = None,
    profile: Profile = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Undo this tool's changes, newest first; what existed before stays. Needs the journal, but no plan.

    Example: [bold]rollout rollback --wave canary --dry-run[/], then without [bold]--dry-run[/]. Run it
    again to resume an interrupted run.
    """
    from rollout.domain.people.scope import Selection
    from rollout.domain.progress.history import replay_all
    from rollout.workflows.ports import PolicyLevels
    from rollout.workflows.rollback import RollbackChoice, foresee, plan_id_of, roll_back

    narrowed = any((plan, wave, account, user))
    if narrowed == everything:
        raise WrongUsage(
            "select what to undo: either --all, or any of --plan, --wave, --account and --user",
            cure="rollout rollback --help has examples",
        )
    settings = read_settings_for_the_brake(config)
    doubts = Doubts()
    live, where = go_live_to_roll_back(settings, profile, doubts)
    journal, organization_id = live.files.journal("rollback"), where.organization.id
    progress = journal.progress(organization_id)
    wanted = RollbackChoice(
        plan_id_of(plan, progress) if plan else "",
        wave or "",
        Selection(accounts=tuple(account or ()), users=tuple(user or ())),
    )
    foreseen = foresee(progress, wanted, lambda: replay_all(journal.records(), organization_id))
    if foreseen.nothing:
        out.print("There is nothing to undo.")
        doubts.tell_cures()
        return
    run = live.new_run()
    if not dry_run:
        tell_endpoints(live)
        _ask(foreseen, yes=yes)
    result = roll_back(
        wanted,
        where.accounts,
        run=live.run_context(run, where, TerminalProgress(), rehearsal=dry_run),
        basis=live.basis(where, PolicyLevels({}), finding=False),
    )
    if json:
        print_json(_as_json(result, rehearsal=dry_run))
    else:
        _tell(result, rehearsal=dry_run)
    doubts.tell_cures()
    if result.interrupted:
        raise Interrupted(
            "interrupted; the journal contains what was undone", cure="run the same command again"
        )
    leave_with({ExitCode.IN_PART: result.in_part})


def _ask(foreseen: Foreseen, *, yes: bool) -> None:
    err.print(
        f"About to undo the enforcement or enrolment rights of up to {number_of(foreseen.people, 'user')}, and "
        f"{number_of(foreseen.things, 'policy, group or attachment', 'policies, groups and attachments')} that nobody "
        f"else needs, in {number_of(len(foreseen.accounts), 'account')}."
    )
    confirm("Go on?", yes=yes)


def _tell(result: RunResult, *, rehearsal: bool) -> None:
    counts: dict[str, int] = {}
    for one in result.accounts:
        for change in one.written:
            counts[type(change).__name__] = counts.get(type(change).__name__, 0) + 1
    title = "Would be undone" if rehearsal else "Undone"
    out.print(table(title, ("write", "#count"), sorted(counts.items()) or [("nothing", 0)]))
    left = [(one.account.id, stays.what, stays.why) for one in result.accounts for stays in one.left]
    if left:
        out.print(
            table("\nWould not be undone" if rehearsal else "\nNot undone", ("account", "what", "why"), left)
        )
    for one in result.accounts:
        for why in one.failed:
            err.print(f"Account {one.account.id}: {why}")
    next_step(
        "undo it: the same command without --dry-run"
        if rehearsal
        else "see where everybody stands: rollout verify"
    )


def _as_json(result: RunResult, *, rehearsal: bool) -> dict[str, object]:
    return {
        "rehearsal": rehearsal,
        "writes": result.writes,
        "accounts": [
            {
                "account": one.account.id,
                "undone": [type(change).__name__ for change in one.written],
                "left": [{"what": stays.what, "why": stays.why} for stays in one.left],
                "failed": one.failed,
            }
            for one in result.accounts
        ],
    }
