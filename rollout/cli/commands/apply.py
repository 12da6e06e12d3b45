"""`rollout apply`: runs one stage of a reviewed plan, and writes a report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.keeping_looks import keep_look, past_of
from rollout.cli.options import (
    Accounts,
    Config,
    Defaults,
    Json,
    ListUsers,
    Ous,
    OverrideGates,
    PlanArgument,
    Profile,
    Users,
    Yes,
    free_text,
    overrides_of,
)
from rollout.cli.running import leave_with
from rollout.cli.startup import go_live, read_deciding_settings, selection, share_report
from rollout.cli.terminal.apply_summary import (
    as_json,
    tell,
    tell_gates,
    tell_unseen,
    tell_wave,
    warn_of_no_device,
)
from rollout.cli.terminal.console import TerminalProgress, confirm, err, print_json, shortly, warn
from rollout.cli.terminal.impact_table import names_table
from rollout.domain.progress.stages import Stage
from rollout.errors import ExitCode, Interrupted

if TYPE_CHECKING:
    from rollout.domain.people.organization import Caller
    from rollout.domain.people.scope import Selection
    from rollout.wiring import Live
    from rollout.workflows.apply.order import ApplyResult, Order
    from rollout.workflows.apply.run import OperatorQuestion
    from rollout.workflows.ports import StoredPlan


def apply(
    plan: PlanArgument = None,
    stage: Annotated[Stage, typer.Option("--stage", help="The stage to run.")] = Stage.DRY_RUN,
    wave: Annotated[
        str | None,
        typer.Option(
            "--wave",
            metavar="NAME",
            help="The wave to process; default: the next wave due.",
            show_default=False,
        ),
    ] = None,
    account: Accounts = None,
    ou: Ous = None,
    user: Users = None,
    override_gate: OverrideGates = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            metavar="TEXT",
            callback=free_text,
            help="Why the gate is overridden; recorded in the journal.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    defaults: Defaults = False,
    profile: Profile = None,
    yes: Yes = False,
    json: Json = False,
    names: ListUsers = False,
) -> None:
    """Run one stage of a plan: rehearse it, notify people, or enforce MFA.

    Example: [bold]rollout apply --stage dry-run[/], then [bold]--stage notify[/], and after the lead time
    [bold]--stage enforce[/]. Run it again for the next wave, or to resume an interrupted run.
    """
    from rollout.domain.gates import GATES
    from rollout.workflows.apply.guards import check_order
    from rollout.workflows.apply.run import apply_plan

    overrides = overrides_of(override_gate, reason, GATES)
    settings = read_deciding_settings(config, defaults=defaults)
    live, where = go_live(settings, profile)
    stored = live.files.plans.load(plan, where.organization.id)
    run = live.new_run()
    order = live.order(
        stage, stored, where, wave=wave, selection=selection(account, ou, user), overrides=overrides
    )
    # Report every error that is already known before asking for confirmation and before writing anything.
    check_order(order, where.organization, live.clock.now())
    live.files.check_writable(stage, stored)
    rehearsal = stage is Stage.DRY_RUN
    if not rehearsal:
        live.record_deliveries(where.organization.id)  # whose notice came back is not enforced
    context = live.run_context(run, where, TerminalProgress(), rehearsal=rehearsal)
    result = apply_plan(
        order,
        run=context,
        preview=live.preview(context),
        where=where,
        organization=live.organization,
        notifier=live.notifier(rehearsal=rehearsal),
        agree=lambda question: _agree(order, question, where.caller, yes=yes, names=names),
    )
    report = str(_write_report(live, stored, result)) if result.waves or result.tally.counts else None
    if json:
        people = {"planner": stored.header.caller, "caller": where.caller.arn}
        print_json({**as_json(result, report, names=names), **people})
    else:
        tell(result, run, stored.header, report, names=names)
    if result.interrupted:
        raise Interrupted(
            "stopped as requested; the journal contains what was done, and no change was left incomplete",
            cure=f"resume with: {_again(stage, plan, wave, order.selection)}",
        )
    if result.refused is not None:
        raise result.refused
    if result.stopped:
        warn(
            f"stopped by failure_tolerance: too many failures in wave {', '.join(result.stopped)};"
            " fix the causes above, then continue with --override-gate failure_tolerance --reason WHY"
        )
    elif result.in_part:
        warn("some users or accounts failed, see above; run the command again to retry them")
    leave_with({ExitCode.IN_PART: bool(result.stopped) or result.in_part})


def _again(stage: Stage, plan: str | None, wave: str | None, chosen: Selection) -> str:
    """Return the command that resumes this run."""
    arguments = ["rollout", "apply", "--stage", str(stage)]
    arguments += [plan] if plan else []
    arguments += ["--wave", wave] if wave else []
    for option, globs in (("--account", chosen.accounts), ("--ou", chosen.ous), ("--user", chosen.users)):
        arguments += [part for glob in globs for part in (option, glob)]
    return shlex.join(arguments)


def _agree(order: Order, question: OperatorQuestion, caller: Caller, *, yes: bool, names: bool) -> None:
    """Print what the run will do to how many users, and ask for confirmation. Raises Refused, WrongUsage, Interrupted.

    With --yes nobody is asked, and nothing is read for the question: the result has the figures.
    """
    from rollout.domain.gates.enrolment import ENROLMENT

    if order.stage is Stage.DRY_RUN:
        return
    header, due = order.plan.header, question.due
    tell_gates((answer for _, answer in due.gates), due.inherited, order.overrides)
    if due.why_nothing:
        err.print(f"Nothing more is due: {due.why_nothing}.")
    preview = None if yes else question.look()
    action = "notify people" if order.stage is Stage.NOTIFY else "enforce MFA"
    action = action if due.waves else "release users"
    described = f"plan {header.id}, made {header.created:%Y-%m-%d %H:%M} UTC by {header.caller}"
    err.print(f"About to {action} in organization {header.organization_id} as {caller.arn} ({described}):")
    impact = preview.impact if preview else {}
    for name in due.waves:
        again = ", again, for users added since" if (order.stage, name) in question.progress.carried else ""
        tell_wave(name, question.users[name], impact.get(name), again)
    for account_id, released in due.let_out.items():
        who = shortly([arn.rpartition(":user/")[2] for arn in released])
        err.print(f"  account {account_id}: release {who} again, enforced in spite of a release")
    if preview is not None:
        tell_unseen(preview)
        if order.stage is Stage.ENFORCE:
            warn_of_no_device(impact.values(), gated=order.gates.of(ENROLMENT) is not None)
        if names:
            err.print(names_table(preview.affected))
    confirm("Go on?", yes=yes)


def _write_report(live: Live, stored: StoredPlan, result: ApplyResult) -> Path:
    from rollout.domain.progress.history import replay_all
    from rollout.reporting import write_report

    real, rehearsal = result.history, None
    if result.stage is Stage.DRY_RUN:  # what was only noted is not in the journal
        rehearsal = result.history
        real = replay_all(live.files.journal("report").records(), stored.header.organization_id)
    else:
        keep_look(
            live.files, f"apply-{result.stage}", stored.header, stored.accounts(), real, live.clock.now()
        )
    folder = live.files.report_folder(stored)
    files = write_report(
        folder,
        stored.header,
        stored.accounts(),
        real,
        live.clock.now(),
        notified=live.settings.domain_notified(),
        rehearsal=rehearsal,
        proof=live.files.proof_of(stored, real),
        past=past_of(live.files, stored.header.organization_id),
    )
    for place in share_report(live.files, stored, files)[-1:]:
        err.print(f"The report is also at {place}, for the team.")
    return files.html
