"""What the gates go by: `gates:` of `rollout.yaml`, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from rollout.domain.gates.journal_gates import Tolerance
from rollout.domain.gates.window import Window


@dataclass(frozen=True, slots=True)
class GateRules:
    """Every gate's setting; None and False mean that a gate is not asked. Shares are in percent."""

    soak: timedelta = timedelta(days=3)
    tolerance: Tolerance = field(default_factory=Tolerance)
    enrolment: float | None = None
    cli_moved: float | None = None
    window: Window | None = None
    approval: bool = False
