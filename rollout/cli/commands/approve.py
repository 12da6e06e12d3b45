"""`rollout approve`: approves a wave of a plan for the gate `approval`."""

from __future__ import annotations

from typing import Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Config, Json, PlanArgument, Profile, free_text
from rollout.cli.startup import load_plan, read_settings
from rollout.cli.terminal.console import next_step, out, print_json, warn
from rollout.counted import number_of


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
    from rollout.domain.gates.approval import APPROVAL
    from rollout.wiring import Live
    from rollout.workflows.approve import ApprovalRequest
    from rollout.workflows.approve import approve as record

    settings = read_settings(config)
    live = Live(settings, profile, endpoint_ok=endpoint_ok())
    stored = load_plan(live.files, plan, whole=True)
    run, rule = live.new_run(), settings.domain_gates().of(APPROVAL)
    approval = record(
        stored,
        ApprovalRequest(wave, reason, live.organization.caller(), rule),
        live.files.journal(run),
        run,
        live.clock.now(),
    )
    if rule is None:
        warn("gates.approval is off in rollout.yaml, so no wave requires an approval")
    header, given, counted = stored.header, approval.given, len(approval.approvals.counted)
    needed, users = rule.count if rule else 0, header.waves[wave]
    if json:
        print_json(
            {
                "plan": header.id,
                "planner": header.caller,
                "wave": wave,
                "users": users,
                "caller": given.caller,
                "caller_id": given.caller_id,
                "at": given.at,
                "reason": given.reason,
                "approvals": [one.caller for one in approval.approvals.counted],
                "needed": needed,
            }
        )
        return
    waits = f", {counted} of {needed} approvals" if counted < needed else ""
    out.print(
        f"Wave {wave} of plan {header.id} ({number_of(users, 'user')}) is approved by {given.caller}{waits}."
    )
    out.print(f"The plan was made by {header.caller}.")
    if needed > 1:
        out.print(f"Approvals: {approval.approvals.sentence}")
    next_step(
        "have somebody else approve it, too"
        if counted < needed
        else f"when the wave is due: rollout apply --stage enforce --wave {wave}"
    )
