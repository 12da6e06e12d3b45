"""May this wave move? Pass, fail or inconclusive, always with numbers (design.md#stages-and-gates)."""

from rollout.domain.gates.answer import GATES, GateAnswer, Result
from rollout.domain.gates.asking import Gatekeeper, opens_by_itself
from rollout.domain.gates.gate_rules import GateRules
from rollout.domain.gates.journal_gates import (
    Tolerance,
    approval,
    dry_run_done,
    failure_tolerance,
    next_due,
    soak,
)
from rollout.domain.gates.overrides import standing_override
from rollout.domain.gates.people_gates import Members, cli_moved, enrolment, waves_members
from rollout.domain.gates.window import Freeze, Window, window

__all__ = [
    "GATES",
    "Freeze",
    "GateAnswer",
    "GateRules",
    "Gatekeeper",
    "Members",
    "Result",
    "Tolerance",
    "Window",
    "approval",
    "cli_moved",
    "dry_run_done",
    "enrolment",
    "failure_tolerance",
    "next_due",
    "opens_by_itself",
    "soak",
    "standing_override",
    "waves_members",
    "window",
]
