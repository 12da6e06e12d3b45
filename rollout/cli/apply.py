"""`rollout apply`: carry a reviewed plan to a stage, and write a report of what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.console import TerminalProgress, confirm, err, out, print_json, table
from rollout.cli.options import Accounts, Config, Json, Ous, PlanArgument, Profile, Users, Yes
from rollout.cli.startup import go_live, read_settings, selection
from rollout.domain.stages import Stage
from rollout.errors import Interrupted, WrongUsage

if TYPE_CHECKING:
    from rollout.wiring import Live
    from rollout.workflows.apply.order import Applied, Order
    from rollout.workflows.ports import StoredPlan

IN_PART = 4


def apply(
    plan: PlanArgument = None,
    stage: Annotated[Stage, typer.Option("--stage", help="How far to carry it.")] = Stage.DRY_RUN,
    wave: Annotated[
        str | None,
        typer.Option(
            "--wave", metavar="NAME", help="This wave; default: the next one due.", show_default=False
        ),
    ] = None,
    account: Accounts = None,
    ou: Ous = None,
    user: Users = None,
    override_gate: Annotated[
        list[str] | None,
        typer.Option(
            "--override-gate",
            metavar="GATE",
            help="Let the wave through this gate; needs --reason.",
            show_default=False,
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", help="Why a gate is overridden; journalled.", show_default=False
        ),
    ] = None,
    config: Config = None,
    profile: Profile = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Carry a plan to a stage: rehearse it, tell people, or enforce.

    Example: [bold]rollout apply --stage dry-run[/], then [bold]--stage notify[/], and when the lead time has passed
    [bold]--stage enforce[/]. Run it again for the next wave; a run that was cut short goes on where it stopped.
    """
    from rollout.workflows.apply.run import apply_plan

    overrides = _overrides(override_gate, reason)
    settings = read_settings(config)
    live, where = go_live(settings, profile)
    stored = live.files.plans.load(plan, where.organization.id)
    run = live.new_run()
    order = live.order(
        stage, run, stored, where, wave=wave, selection=selection(account, ou, user), overrides=overrides
    )
    tools = live.tools(stage, run, where, TerminalProgress())
    if stage is not Stage.DRY_RUN:
        _ask(order, live, stored, yes=yes)
    result = apply_plan(order, tools, where)
    report = _write_report(live, stored, result) if result.waves else None
    if json:
        print_json(_as_json(result, report))
    else:
        _tell(result, stored, report)
    if result.interrupted:
        raise Interrupted(
            "ended early; what was done is journalled", cure=f"go on with: rollout apply --stage {stage}"
        )
    if result.in_part:
        raise typer.Exit(IN_PART)


def _overrides(gates: list[str] | None, reason: str | None) -> dict[str, str]:
    known = ("dry_run_done", "soak")
    for gate in gates or ():
        if gate not in known:
            raise WrongUsage(f'there is no gate "{gate}"', cure=f"gates: {', '.join(known)}")
    if gates and not reason:
        raise WrongUsage("--override-gate needs --reason", cure='say why: --reason "…"; it is journalled')
    return dict.fromkeys(gates or (), reason or "")


def _ask(order: Order, live: Live, stored: StoredPlan, *, yes: bool) -> None:
    from rollout.domain.journal.replay import replay
    from rollout.workflows.apply.run import waves_due

    header = stored.header
    now = live.clock.now()
    progress = replay(live.files.journal(order.run).records(), header.organization_id)
    due = waves_due(order, progress, now)
    if not due.waves:
        return
    users = sum(header.waves[wave] for wave in due.waves)
    does = "tells" if order.stage is Stage.NOTIFY else "enforces"
    err.print(f"Plan {header.id} {does} wave {', '.join(due.waves)}: up to {users} users.")
    confirm("Go on?", yes=yes)


def _write_report(live: Live, stored: StoredPlan, result: Applied) -> Path:
    from rollout.domain.journal.replay import replay
    from rollout.reporting import write_report

    real = replay(live.files.journal("report").records(), stored.header.organization_id)
    rehearsal = result.progress if result.stage is Stage.DRY_RUN else None
    folder = live.files.report_folder(stored)
    files = write_report(
        folder, stored.header, stored.accounts(), real, live.clock.now(), rehearsal=rehearsal
    )
    return files.html


def _tell(result: Applied, stored: StoredPlan, report: Path | None) -> None:
    if not result.waves:
        out.print(f"Nothing is due: {result.why_nothing}.", markup=False)
        return
    for answer in result.gates:
        err.print(f"Gate {answer.gate}: {answer.result} ({answer.detail})", markup=False)
    counts = [(word, count) for word, count in sorted(result.tally.counts.items())]
    title = f"Plan {stored.header.id}, stage {result.stage}, wave {', '.join(result.waves)}"
    out.print(table(title, ("what", "#count"), counts or [("nothing to do", 0)]))
    if result.tally["writes"] == 0 and result.stage is not Stage.DRY_RUN:
        out.print("No write to AWS was needed.")
    for account_id in result.failed_accounts:
        out.print(f"Account {account_id} could not be entered; see changes.csv", markup=False)
    if report is not None:
        out.print(f"Report: {report}", markup=False)


def _as_json(result: Applied, report: Path | None) -> dict[str, object]:
    return {
        "stage": str(result.stage),
        "waves": list(result.waves),
        "counts": dict(result.tally.counts),
        "gates": [
            {"gate": answer.gate, "result": str(answer.result), "detail": answer.detail}
            for answer in result.gates
        ],
        "failed_accounts": list(result.failed_accounts),
        "why_nothing": result.why_nothing,
        "report": str(report) if report else None,
    }
