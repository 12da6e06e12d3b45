"""Decides whether a wave may move: pass, fail or inconclusive, always with numbers (design.md#stages-and-gates)."""

from rollout.domain.gates.approval import ApprovalRule
from rollout.domain.gates.asking import Gatekeeper, next_due
from rollout.domain.gates.failure_tolerance import Tolerance
from rollout.domain.gates.gate import Gate, GateAnswer, Members, Needs
from rollout.domain.gates.gate_rules import GateRules
from rollout.domain.gates.overrides import override_in_force
from rollout.domain.gates.registry import GATES, gate_named
from rollout.domain.gates.window import Freeze, Window
from rollout.domain.progress.gate_result import Result

__all__ = [
    "GATES",
    "ApprovalRule",
    "Freeze",
    "Gate",
    "GateAnswer",
    "GateRules",
    "Gatekeeper",
    "Members",
    "Needs",
    "Result",
    "Tolerance",
    "Window",
    "gate_named",
    "next_due",
    "override_in_force",
]
