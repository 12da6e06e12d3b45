"""Which override still lets a wave through a gate: overrides may outlive the run that they were given to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rollout.domain.gates.gate import AnyGate, OverrideHolds
from rollout.domain.progress.records import GateOverridden
from rollout.domain.progress.replay import Progress

BEGINNING = datetime.min.replace(tzinfo=UTC)


def override_in_force(
    progress: Progress, order: Sequence[str], wave: str, gate: AnyGate | None, plan_checksum: str
) -> GateOverridden | None:
    """Find the override of an earlier run that still holds; None when there is none, or no such gate.

    `order` has the waves with users.
    """
    given = next(
        (one for one in reversed(progress.overrides) if gate and (one.wave, one.gate) == (wave, gate.name)),
        None,
    )
    if given is None or gate is None:
        return None
    return given if _holds(given, gate, progress, order, plan_checksum) else None


def _holds(
    given: GateOverridden, gate: AnyGate, progress: Progress, order: Sequence[str], plan_checksum: str
) -> bool:
    undone = progress.undone.get(given.wave, BEGINNING)
    match gate.override_holds:
        case OverrideHolds.RUN:
            return False
        case OverrideHolds.PLAN:
            return progress.runs[given.run].plan_checksum == plan_checksum
        case OverrideHolds.WAVE:
            return given.at >= undone
        case OverrideHolds.SOAK:
            return given.at >= max(undone, _disturbed_before(progress, order, given.wave))


def _disturbed_before(progress: Progress, order: Sequence[str], wave: str) -> datetime:
    position = order.index(wave) if wave in order else 0
    before = order[position - 1] if position else ""
    return progress.releases.disturbed.get(before, BEGINNING)
