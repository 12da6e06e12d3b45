"""Weighs a share of a wave's users, some of whom could not be looked at: sure only where they could not tip it."""

from __future__ import annotations

from rollout.domain.gates.gate import GateAnswer
from rollout.domain.progress.gate_result import Result


def answer_of_share(gate: str, what: str, having: int, seen: int, unseen: int, percent: float) -> GateAnswer:
    """Answer whether `having` are `percent` percent of all users; inconclusive where the `unseen` decide."""
    total = seen + unseen
    said = f"{having} of {total} users {what}, {needed(percent)}"
    if total == 0 or having * 100 >= percent * total:
        return GateAnswer(gate, Result.PASS, said)
    if (having + unseen) * 100 >= percent * total:
        return GateAnswer(gate, Result.INCONCLUSIVE, f"{said}; {unseen} could not be looked at")
    return GateAnswer(gate, Result.FAIL, said)


def needed(percent: float) -> str:
    """Say which share is asked for."""
    return f"{percent:g} % needed"
