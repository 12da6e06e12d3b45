"""`rollout report`: CSV and HTML from plan and journal."""

from __future__ import annotations

from rollout.cli.console import out, print_json
from rollout.cli.options import Config, Json, PlanArgument
from rollout.cli.startup import load_plan, read_settings


def report(plan: PlanArgument = None, config: Config = None, json: Json = False) -> None:
    """Write index.html, users.csv, accounts.csv and changes.csv into reports/<plan>/. Asks AWS nothing.

    Example: [bold]rollout report[/]
    """
    from rollout.domain.journal.replay import replay
    from rollout.reporting import write_report
    from rollout.wiring import Files, offline_now

    settings = read_settings(config)
    files = Files(settings)
    stored = load_plan(files, plan)
    progress = replay(files.journal("report").records(), stored.header.organization_id)
    written = write_report(
        files.report_folder(stored), stored.header, stored.accounts(), progress, offline_now()
    )
    if json:
        print_json({name: str(getattr(written, name)) for name in ("html", "users", "accounts", "changes")})
        return
    for path in (written.html, written.users, written.accounts, written.changes):
        out.print(str(path), markup=False)
