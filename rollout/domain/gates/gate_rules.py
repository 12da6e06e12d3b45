"""Holds the settings of all gates: `gates:` of `rollout.yaml`, as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from rollout.domain.gates.failure_tolerance import FAILURE_TOLERANCE, Tolerance
from rollout.domain.gates.gate import QUIET_FOR, AnyGate, Gate, Needs, Value
from rollout.domain.gates.registry import GATES
from rollout.domain.gates.soak import SOAK


class GateRules:
    """The gates in the order in which they are asked, each with its setting. Immutable.

    `settings` are by gate name; any that is not given has its default. A gate set to None or False is not asked.
    `quiet_for` is how long keys must have made no call without MFA to count as left.
    """

    def __init__(
        self, gates: Iterable[AnyGate] = GATES, *, quiet_for: timedelta = QUIET_FOR, **settings: object
    ) -> None:
        """Take the settings. Raises TypeError for the name of a gate that does not exist or has no setting."""
        self.gates, self.quiet_for = tuple(gates), quiet_for
        self._settings = {gate.name: gate.setting.default for gate in self.gates if gate.setting is not None}
        if unknown := settings.keys() - self._settings.keys():
            raise TypeError(f"no gate has these settings: {', '.join(sorted(unknown))}")
        self._settings |= settings

    def changed(self, **settings: object) -> GateRules:
        """Give the same rules with these settings changed."""
        return GateRules(self.gates, quiet_for=self.quiet_for, **{**self._settings, **settings})

    def of(self, gate: Gate[Value]) -> Value | None:
        """Give the setting of a gate; None if it has none."""
        return self._settings.get(gate.name)

    def to_ask(self, *needs: Needs) -> Iterator[tuple[AnyGate, Any]]:
        """Yield the gates to ask that need one of these, each with its setting."""
        for gate in self.gates:
            value = self.of(gate)
            if gate.needs in needs and gate.is_set(value):
                yield gate, value

    @property
    def soak(self) -> timedelta:
        """How long a wave soaks before the next; the dates in notices depend on it too."""
        return self.of(SOAK) or timedelta()

    @property
    def tolerance(self) -> Tolerance:
        """How many users of a wave may fail; a run's budget depends on it too."""
        return self.of(FAILURE_TOLERANCE) or Tolerance()
