"""`rollout acknowledge`: reads what people answered to their notice, and proposes lines for `rollout.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Config, Json, PlanArgument, Profile
from rollout.cli.running import leave_with
from rollout.cli.startup import Doubts, load_plan, read_settings
from rollout.cli.terminal.console import err, next_step, out, print_json, table
from rollout.counted import number_of
from rollout.errors import ExitCode

if TYPE_CHECKING:
    from rollout.workflows.telling.weighed_answers import Acknowledged


def acknowledge(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: arn, answer, until, reason, owner, ticket.")
    ],
    plan: PlanArgument = None,
    out_file: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="The file of proposed lines for rollout.yaml to write."),
    ] = Path("acknowledged.yaml"),
    wave: Annotated[
        str, typer.Option("--wave", metavar="NAME", help="The name of the wave of those who are ready.")
    ] = "volunteers",
    machine_days: Annotated[
        int,
        typer.Option(
            "--machine-days", min=1, max=365, help="For how many days machines ask, where they say no day."
        ),
    ] = 90,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Read answers from a form or ticket system ("ready", "machine", "until …"), and propose lines for rollout.yaml.

    Nothing changes by itself: whoever is ready goes in an earlier wave, and whoever asks is exempt, only once the lines
    are in rollout.yaml.

    Example: [bold]rollout acknowledge answers.csv[/], review acknowledged.yaml, then [bold]rollout plan[/]
    """
    from datetime import timedelta

    from rollout.domain.status.user_status import Statuses
    from rollout.wiring import Files, offline_now
    from rollout.wiring.answers_file import read_answers, write_proposal
    from rollout.workflows.telling.weighed_answers import acknowledge as weigh

    settings, doubts = read_settings(config), Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    answers, now = read_answers(file), offline_now()
    stored = load_plan(files, plan)
    progress = files.journal("acknowledge").progress(stored.header.organization_id)
    statuses = Statuses(stored.header, progress, settings.domain_notified(), now)
    found = weigh(answers, stored.accounts(), statuses, now.date(), timedelta(days=machine_days))
    if found.ready or found.requested:
        write_proposal(out_file, found, wave)
    if json:
        print_json(_as_json(found, str(out_file)))
    else:
        _tell(found, out_file, wave)
    doubts.tell_cures()
    leave_with({ExitCode.PLAN_REFUSED: doubts.altered, ExitCode.IN_PART: bool(found.left)})


def _tell(found: Acknowledged, out_file: Path, wave: str) -> None:
    rows = [(user.arn, f"ready: wave {wave}", "", "") for user in found.ready]
    rows += [
        (one.user.arn, f"exemption until {one.expires}", one.owner, one.reason) for one in found.requested
    ]
    if rows:
        out.print(table("Proposed", ("user", "line", "owner", "reason"), rows))
        out.print(
            f"Wrote {out_file}: {number_of(len(rows), 'line is', 'lines are')} proposed, and none is in force."
        )
    for line, why in found.left:
        err.print(f"Line {line} leads to nothing: {why}.")
    if rows:
        next_step("review the file, move what you accept into rollout.yaml, then: rollout plan")


def _as_json(found: Acknowledged, out_file: str) -> dict[str, object]:
    return {
        "file": out_file if found.ready or found.requested else None,
        "ready": [user.arn for user in found.ready],
        "requested": [
            {
                "user": one.user.arn,
                "owner": one.owner,
                "reason": one.reason,
                "expires": one.expires.isoformat(),
                "ticket": one.ticket,
            }
            for one in found.requested
        ],
        "left": [{"line": line, "why": why} for line, why in found.left],
    }
