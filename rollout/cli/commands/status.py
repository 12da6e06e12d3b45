"""`rollout status`: shows the state of each wave, and the gates that it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Config, Json, ListUsers, PlanArgument, Profile
from rollout.cli.startup import Doubts, age_of, load_plan, read_settings, tell_unrecorded
from rollout.cli.terminal.console import next_step, out, print_json, table
from rollout.cli.terminal.impact_table import impact_table, names_as_json, names_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.domain.progress.projection import Progress
    from rollout.wiring import Files
    from rollout.workflows.ports import StoredPlan
    from rollout.workflows.status import GateState, WaveState


def status(
    plan: PlanArgument = None,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
    names: ListUsers = False,
) -> None:
    """Show the state of each wave. Reads only the plan and the journal in the store.

    Example: [bold]rollout status[/]
    """
    from rollout.wiring import Files

    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    tell_unrecorded(files)
    stored = load_plan(files, plan)
    progress = files.journal("status").progress(stored.header.organization_id)
    stands = stands_of(files, stored, progress, names=names)
    if json:
        print_json([_as_json(stand, names=names) for stand in stands])
    else:
        _tell(stored, stands, progress, names=names)
    doubts.leave()


def _tell(stored: StoredPlan, stands: list[WaveState], progress: Progress, *, names: bool) -> None:
    header = stored.header
    out.print(f"Plan {header.id} of {age_of(stored)} by {header.caller}, {stored.location}")
    rows = [
        (
            *(stand.wave, stand.users, stand.queued, stand.told, stand.enforced, stand.released),
            *(stand.next_step, stand.waits_for),
        )
        for stand in stands
    ]
    columns = ("wave", "#users", "#queued", "#told", "#enforced", "#released", "next", "waits for")
    out.print(table("", columns, rows))
    if any(stand.impact.users for stand in stands):
        out.print(impact_table({stand.wave: stand.impact for stand in stands}, header.inventory_at))
    if names:
        out.print(names_table(one for stand in stands for one in stand.to_come))
    gates = [
        (stand.wave, gate.gate, gate.answer, *_moments(gate), _numbers(gate))
        for stand in stands
        for gate in stand.gates
    ]
    if gates:
        title = "\nGates of waves not enforced yet"
        out.print(table(title, ("wave", "gate", "answer", "since", "opens", "numbers"), gates))
    for stand in stands:
        if stand.approved:
            out.print(f"Wave {stand.wave}: {stand.approved}")
        if stand.enforced_by:
            out.print(f"Wave {stand.wave}: enforced by {stand.enforced_by}")
    if asked := progress.last_requests:
        started, said = asked
        out.print(f"Last run ({started.command}, {started.at:%Y-%m-%d %H:%M} UTC): {said}")
    next_step(_next(stands))


def _next(stands: list[WaveState]) -> str:
    """Name the command for the first wave that is not finished, or what that wave waits for."""
    for stand in stands:
        if stand.waits_for:
            return (
                f"wave {stand.wave} waits ({stand.waits_for}); then rollout apply --stage {stand.next_step}"
            )
        if stand.next_step:
            return f"rollout apply --stage {stand.next_step}, for wave {stand.wave}"
    return "every wave is enforced: run rollout verify every night"


def _as_json(stand: WaveState, *, names: bool) -> dict[str, object]:
    return {**stand.as_dict(), **({"affected": names_as_json(stand.to_come)} if names else {})}


def _moments(gate: GateState) -> Iterator[str]:
    for at in (gate.since, gate.opens_at):
        yield f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _numbers(gate: GateState) -> str:
    return f"{gate.detail}; overridden {gate.overridden}" if gate.overridden else gate.detail


def stands_of(
    files: Files, stored: StoredPlan, progress: Progress, *, names: bool = False
) -> list[WaveState]:
    """Return the states of a plan's waves, with the `names` of those to come if they are wanted."""
    from rollout.wiring import offline_now
    from rollout.workflows.status import wave_states

    settings = files.settings
    return wave_states(
        stored,
        progress,
        offline_now(),
        notified=settings.domain_notified(),
        gates=settings.domain_gates(),
        names=names,
    )
