"""`rollout report`: CSV and HTML from plan and journal."""

from __future__ import annotations

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.keeping_looks import past_of
from rollout.cli.options import Config, Json, PlanArgument, Profile
from rollout.cli.startup import Doubts, load_plan, read_settings, share_report
from rollout.cli.terminal.console import next_step, out, print_json


def report(
    plan: PlanArgument = None, config: Config = None, profile: Profile = None, json: Json = False
) -> None:
    """Write a page, three CSV tables and a calendar of exemptions into reports/<plan>/. Asks nothing but the store.

    Example: [bold]rollout report[/]
    """
    from rollout.domain.progress.history import replay_all
    from rollout.reporting import write_report
    from rollout.wiring import Files, offline_now

    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    stored = load_plan(files, plan)
    progress = replay_all(files.journal("report").records(), stored.header.organization_id)
    written = write_report(
        files.report_folder(stored),
        stored.header,
        stored.accounts(),
        progress,
        offline_now(),
        notified=settings.domain_notified(),
        proof=files.proof_of(stored, progress),
        past=past_of(files, stored.header.organization_id),
    )
    shared = share_report(files, stored, written)
    if json:
        parts = {
            name: str(getattr(written, name)) for name in ("html", "users", "accounts", "changes", "calendar")
        }
        print_json({**parts, "shared": list(shared)})
    else:
        for place in (
            written.html,
            written.users,
            written.accounts,
            written.changes,
            written.calendar,
            *shared,
        ):
            out.print(str(place))
        next_step(f"open {written.html} in a browser")
    doubts.leave()
