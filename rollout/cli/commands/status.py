"""`rollout status`: one screen of where the rollout stands: users, waves, gates, and what is to be decided."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.keeping_looks import past_of
from rollout.cli.options import Config, Json, ListUsers, PlanArgument, Profile
from rollout.cli.startup import Doubts, age_of, load_plan, read_settings, tell_unrecorded
from rollout.cli.terminal.console import next_step, out, print_json, table
from rollout.cli.terminal.impact_table import impact_table, names_as_json, names_table
from rollout.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollout.domain.progress.projection import Progress
    from rollout.domain.status.over_time import Past
    from rollout.wiring import Files
    from rollout.workflows.ports import StoredPlan
    from rollout.workflows.status import GateState, Overview, WaveState

EVERY = 5.0
"""Seconds between two looks of --watch."""


def status(
    plan: PlanArgument = None,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
    names: ListUsers = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again every few seconds, until Ctrl-C.")
    ] = False,
) -> None:
    """Show where the rollout stands: users, waves, gates, and what is to be decided. Reads only the store.

    Example: [bold]rollout status[/]
    """
    if watch and json:
        raise WrongUsage("--watch is for people", cure="leave out --json, or run the command again and again")
    while True:
        _show_once(plan, config, profile, json=json, names=names, clear=watch)
        if not watch:
            return
        try:
            time.sleep(EVERY)
        except KeyboardInterrupt:
            return


def _show_once(
    plan: str | None, config: Path | None, profile: str | None, *, json: bool, names: bool, clear: bool
) -> None:
    from rollout.wiring import Files

    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    tell_unrecorded(files)
    stored = load_plan(files, plan)
    progress = files.journal("status").progress(stored.header.organization_id)
    found = _overview(files, stored, progress, names=names)
    if json:
        print_json([_as_json(stand, names=names) for stand in found.waves])
    else:
        past = past_of(files, stored.header.organization_id)
        if clear:
            out.clear()
        _tell(stored, found, progress, past, names=names)
    doubts.leave()


def _tell(stored: StoredPlan, found: Overview, progress: Progress, past: Past, *, names: bool) -> None:
    from rollout.cli.terminal.headline import headline, to_decide
    from rollout.wiring import offline_now

    header, stands = stored.header, found.waves
    for line in headline(header, found, past, offline_now()):
        out.print(line)
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
    if waiting := to_decide(header, past):
        as_of = f" as of {past.looks[-1].at:%Y-%m-%d %H:%M} UTC" if past.looks else ""
        title = f"\nTo decide{as_of}; the page of rollout report has the commands"
        out.print(table(title, ("what", "#users", "since", "what ends it"), waiting))
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
    for stand in (one for one in stands if one.next_step != "done"):
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


def stands_of(files: Files, stored: StoredPlan, progress: Progress) -> list[WaveState]:
    """Return the states of a plan's waves."""
    return _overview(files, stored, progress, names=False).waves


def _overview(files: Files, stored: StoredPlan, progress: Progress, *, names: bool) -> Overview:
    from rollout.wiring import offline_now
    from rollout.workflows.status import overview

    settings = files.settings
    return overview(
        stored,
        progress,
        offline_now(),
        notified=settings.domain_notified(),
        gates=settings.domain_gates(),
        names=names,
    )
