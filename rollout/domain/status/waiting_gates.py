"""Finds the gates that a wave waits for: those that did not pass in the last run and that nobody has overridden."""

from __future__ import annotations

from collections import defaultdict

from rollout.domain.gates import Result, gate_named, override_in_force
from rollout.domain.plan.entries import Header
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import GateRead


def say_gate(read: GateRead) -> str:
    """Describe a gate's answer, with its numbers."""
    return f"gate {read.gate} ({read.result}): {read.detail}"


def gates_that_wait(progress: Progress, header: Header) -> dict[str, tuple[GateRead, ...]]:
    """Find the gates of each wave whose last answer was not `pass` and that no override opens."""
    order = tuple(wave for wave, users in header.waves.items() if users)
    overridden = {(override.wave, override.gate): override.at for override in progress.overrides}
    found: defaultdict[str, list[GateRead]] = defaultdict(list)
    for last in progress.gates.values():
        read = last.read
        let_through = overridden.get((read.wave, read.gate))
        if read.result is Result.PASS or (let_through is not None and let_through >= read.at):
            continue
        gate = gate_named(read.gate)
        if override_in_force(progress, order, read.wave, gate, header.checksum) is None:
            found[read.wave].append(read)
    return {wave: tuple(reads) for wave, reads in found.items()}
