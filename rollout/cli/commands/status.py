"""`rollout status`: where each wave stands, which gate it waits for, since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.cli.options import Config, Json, PlanArgument, Profile
from rollout.cli.startup import load_plan, read_settings
from rollout.cli.terminal.console import out, print_json, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.wiring import Files
    from rollout.workflows.ports import StoredPlan
    from rollout.workflows.status import GateStands, WaveStands


def status(
    plan: PlanArgument = None, config: Config = None, profile: Profile = None, json: Json = False
) -> None:
    """Say where each wave stands, from the plan and the journal alone. Asks nothing but the store.

    Example: [bold]rollout status[/]
    """
    from rollout.wiring import Files

    settings = read_settings(config)
    files = Files(settings, profile)
    stored = load_plan(files, plan)
    stands = stands_of(files, stored)
    if json:
        print_json([stand.as_dict() for stand in stands])
        return
    header = stored.header
    out.print(f"Plan {header.id} of {header.created:%Y-%m-%d %H:%M} UTC, {stored.location}", markup=False)
    rows = [
        (
            *(stand.wave, stand.users, stand.queued, stand.told, stand.enforced, stand.released),
            *(stand.next_step, stand.waits_for),
        )
        for stand in stands
    ]
    columns = ("wave", "#users", "#queued", "#told", "#enforced", "#released", "next", "waits for")
    out.print(table("", columns, rows))
    gates = [
        (stand.wave, gate.gate, gate.answer, *_moments(gate), _numbers(gate))
        for stand in stands
        for gate in stand.gates
    ]
    if gates:
        title = "\nGates before waves that are not enforced yet"
        out.print(table(title, ("wave", "gate", "answer", "since", "opens", "numbers"), gates))
    for stand in stands:
        if stand.approved:
            out.print(f"Wave {stand.wave} is {stand.approved}", markup=False)


def _moments(gate: GateStands) -> Iterator[str]:
    for at in (gate.since, gate.opens_at):
        yield f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _numbers(gate: GateStands) -> str:
    return f"{gate.detail}; overridden {gate.overridden}" if gate.overridden else gate.detail


def stands_of(files: Files, stored: StoredPlan) -> list[WaveStands]:
    """Derive where the waves of a plan stand."""
    from rollout.domain.progress.replay import replay
    from rollout.wiring import offline_now
    from rollout.workflows.status import where_waves_stand

    settings = files.settings
    progress = replay(files.journal("status").records(), stored.header.organization_id)
    return where_waves_stand(
        stored,
        progress,
        offline_now(),
        lead_time=settings.gates.lead_time,
        gates=settings.domain_gates(),
        unaffected_too=settings.gates.notice_for_unaffected,
    )
