"""Decides which earlier override still lets a wave through a gate; some overrides outlive the run that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rollout.domain.gates.gate import AnyGate, OverrideHolds, wave_before
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import GateOverridden

BEGINNING = datetime.min.replace(tzinfo=UTC)


def override_in_force(
    progress: Progress, order: Sequence[str], wave: str, gate: AnyGate | None, plan_checksum: str
) -> GateOverridden | None:
    """Find the override of an earlier run that still holds for a wave; None if there is none, or no such gate.

    `order` lists the waves that have users.
    """
    if gate is None:
        return None
    matching = (
        given for given in reversed(progress.overrides) if (given.wave, given.gate) == (wave, gate.name)
    )
    given = next(matching, None)
    if given is None:
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
            disturbed = progress.releases.disturbed.get(wave_before(order, given.wave) or "", BEGINNING)
            return given.at >= max(undone, disturbed)
