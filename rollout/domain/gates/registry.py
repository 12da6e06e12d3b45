"""Lists every gate in the order of asking; a new gate is a module in this folder and a line here."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.domain.gates.approval import APPROVAL
from rollout.domain.gates.cli_moved import CLI_MOVED
from rollout.domain.gates.dry_run_done import DRY_RUN_DONE
from rollout.domain.gates.enrolment import ENROLMENT
from rollout.domain.gates.failure_tolerance import FAILURE_TOLERANCE
from rollout.domain.gates.gate import AnyGate
from rollout.domain.gates.proof import PROOF
from rollout.domain.gates.soak import SOAK
from rollout.domain.gates.window import WINDOW

GATES: tuple[AnyGate, ...] = (
    DRY_RUN_DONE,
    SOAK,
    FAILURE_TOLERANCE,
    APPROVAL,
    PROOF,
    WINDOW,
    ENROLMENT,
    CLI_MOVED,
)


def gate_named(name: str, gates: Iterable[AnyGate] = GATES) -> AnyGate | None:
    """Find a gate by its name; None if this version has no such gate."""
    return next((gate for gate in gates if gate.name == name), None)
