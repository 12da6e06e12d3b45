"""Finds the waves that are due, and asks their gates whether they may proceed (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rollout.domain.gates import GateAnswer, Gatekeeper, Members, Needs, next_due
from rollout.domain.gates.gate import AnyGate
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import GateOverridden
from rollout.domain.progress.stages import Stage
from rollout.errors import Refused
from rollout.workflows.account_run.wave_gates import Stop, describe_stops, refusal
from rollout.workflows.apply.order import Due, Order

Look = Callable[[str], Members]


def what_is_due(order: Order, progress: Progress, now: datetime, look: Look) -> Due:
    """Find the waves to carry out, and ask their gates. Calls `look` only if a gate needs to know the users."""
    filled = order.filled
    if not filled:
        return Due((), why_nothing="this plan enforces nobody")
    if not order.gated:
        return Due((order.wave,) if order.wave else filled)
    return _Asking(order, progress, now, look).due()


class _Asking:
    """Asks the gates of one run in order, and collects their answers."""

    def __init__(self, order: Order, progress: Progress, now: datetime, look: Look) -> None:
        self._order, self._look = order, look
        self._progress = progress
        self._keeper = Gatekeeper.of(progress, order.gates, order.plan.header, now)
        self._wave = order.wave or next_due(progress, order.stage, order.filled)
        self._inherited: dict[str, str] = {}
        self._answers: list[GateAnswer] = []

    @property
    def _about(self) -> str:
        """The wave that the answers are about; the last one if all have been carried out."""
        return self._wave or self._order.filled[-1]

    def due(self) -> Due:
        order = self._order
        still_open = tuple(name for name in order.filled if (order.stage, name) in self._progress.carried)
        if order.wave is not None:
            still_open = ()
        if stops := self._ask(Needs.PLAN):
            return self._refused(stops, ())
        stops = self._ask_about_enforcing()
        if not stops:
            waves = tuple(name for name in order.filled if name in still_open or name == self._wave)
            return self._due(waves, "" if self._wave else f"every wave has reached stage {order.stage}")
        if any(gate.needs is Needs.CALENDAR for gate, _ in stops):
            still_open = ()
        opens = self._keeper.opens_by_itself([answer for _, answer in stops])
        if opens is None or order.wave is not None:
            return self._refused(stops, still_open)
        return self._due(still_open, self._next(stops, opens))

    def _ask_about_enforcing(self) -> list[Stop]:
        """Return the gates that stop the wave. The users are read only if no other gate stops it."""
        if self._order.stage is Stage.ENFORCE:
            for needs in self._keeper.rounds(self._about):
                if Needs.PLAN not in needs and (stops := self._ask(*needs)):
                    return stops
        return []

    def _ask(self, *needs: Needs) -> list[Stop]:
        """Keep all answers, and return those that stop the wave."""
        asked = list(self._keeper.ask(self._about, *needs, look=lambda: self._look(self._about)))
        self._answers += [answer for _, answer in asked]
        return [(gate, answer) for gate, answer in asked if not self._lets_through(gate, answer)]

    def _lets_through(self, gate: AnyGate, answer: GateAnswer) -> bool:
        if answer.passes or gate.name in self._order.overrides:
            return True
        given = self._keeper.override(self._about, gate)
        if given is None:
            return False
        self._inherited[gate.name] = describe_override(given)
        return True

    def _due(self, waves: tuple[str, ...], why_nothing: str, refused: Refused | None = None) -> Due:
        gates = tuple((self._about, answer) for answer in self._answers)
        return Due(waves, gates, why_nothing, self._inherited, refused)

    def _next(self, stops: Sequence[Stop], opens: datetime) -> str:
        if self._wave is None:
            return f"every wave has reached stage {self._order.stage}; {describe_stops(stops)}"
        both = f"; together they open {opens:%Y-%m-%d %H:%M} UTC" if len(stops) > 1 else ""
        return f'wave "{self._wave}" is next; {describe_stops(stops)}{both}'

    def _refused(self, stops: Sequence[Stop], still_open: tuple[str, ...]) -> Due:
        refused = refusal(stops, self._about)
        return self._due(still_open, str(refused), refused)


def describe_override(given: GateOverridden) -> str:
    """Describe an override for a person."""
    return f"overridden {given.at:%Y-%m-%d %H:%M} UTC by {given.caller}: {given.reason}"
