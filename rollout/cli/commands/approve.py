"""`rollout approve`: approves a wave of a plan for the gate `approval`."""

from __future__ import annotations

from typing import Annotated

import typer

from rollout.cli.options import Config, Json, PlanArgument, Profile, free_text
from rollout.cli.startup import load_plan, read_settings
from rollout.cli.terminal.console import out, print_json, warn


def approve(
    plan: PlanArgument = None,
    *,
    wave: Annotated[str, typer.Option("--wave", metavar="NAME", help="The wave to approve.")],
    reason: Annotated[
        str,
        typer.Option("--reason", metavar="TEXT", callback=free_text, help="Why; recorded in the journal."),
    ],
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Approve a wave of a plan. Asks AWS only for your identity; writes nothing to AWS.

    Example: [bold]rollout approve --wave canary --reason "CAB-311"[/]. With gates.approval in rollout.yaml, no wave is
    enforced without an approval. An approval applies to this plan only.
    """
    from rollout.wiring import Live
    from rollout.workflows.approve import approve as record

    settings = read_settings(config)
    live = Live(settings, profile)
    stored = load_plan(live.files, plan)
    run = live.new_run()
    given = record(
        stored,
        wave,
        reason,
        live.organization.caller(),
        live.files.journal(run),
        run,
        live.clock.now(),
    )
    if not settings.gates.approval:
        warn("gates.approval is off in rollout.yaml, so no wave requires an approval")
    if json:
        print_json(
            {
                "plan": stored.header.id,
                "wave": wave,
                "users": stored.header.waves[wave],
                "caller": given.caller,
                "at": given.at,
                "reason": given.reason,
            }
        )
        return
    users = stored.header.waves[wave]
    out.print(
        f"Wave {wave} of plan {stored.header.id} ({users} users) is approved by {given.caller}.", markup=False
    )
