"""`rollout status`: where each wave stands, which gate it waits for, since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.cli.console import out, print_json, table
from rollout.cli.options import Config, Json, PlanArgument
from rollout.cli.startup import load_plan, read_settings

if TYPE_CHECKING:
    from rollout.settings import Settings
    from rollout.workflows.ports import StoredPlan
    from rollout.workflows.status import WaveStands


def status(plan: PlanArgument = None, config: Config = None, json: Json = False) -> None:
    """Say where each wave stands, from the plan and the journal alone. Asks AWS nothing.

    Example: [bold]rollout status[/]
    """
    from rollout.wiring import Files

    settings = read_settings(config)
    stored = load_plan(Files(settings), plan)
    stands = stands_of(settings, stored)
    if json:
        print_json([stand.as_dict() for stand in stands])
        return
    header = stored.header
    out.print(f"Plan {header.id} of {header.created:%Y-%m-%d %H:%M} UTC, {stored.location}", markup=False)
    rows = [
        (stand.wave, stand.users, stand.told, stand.enforced, stand.next_step, stand.waits_for)
        for stand in stands
    ]
    out.print(table("", ("wave", "#users", "#told", "#enforced", "next", "waits for"), rows))


def stands_of(settings: Settings, stored: StoredPlan) -> list[WaveStands]:
    """Derive where the waves of a plan stand."""
    from rollout.domain.journal.replay import replay
    from rollout.wiring import Files, offline_now
    from rollout.workflows.status import where_waves_stand

    files = Files(settings)
    progress = replay(files.journal("status").records(), stored.header.organization_id)
    gates = settings.gates
    return where_waves_stand(stored, progress, offline_now(), lead_time=gates.lead_time, soak_time=gates.soak)
