"""Finds which waves are due, and asks their gates whether they may move (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from rollout.domain.gates import (
    GateAnswer,
    Gatekeeper,
    Members,
    Result,
    next_due,
    opens_by_itself,
    standing_override,
)
from rollout.domain.progress.records import GateOverridden
from rollout.domain.progress.replay import Progress
from rollout.domain.progress.stages import Stage
from rollout.errors import Refused
from rollout.workflows.apply.order import Due, Order

Look = Callable[[str], Members]

_CURES = {
    "soak": "wait",
    "failure_tolerance": "see who failed and why in changes.csv of the report",
    "approval": "rollout approve --wave {wave} --reason WHY",
    "window": "wait",
    "enrolment": "remind people: rollout apply --stage notify",
    "cli_moved": "remind people: rollout apply --stage notify",
}


def what_is_due(order: Order, progress: Progress, now: datetime, look: Look) -> Due:
    """Find which waves to carry, and ask their gates; `look` is called only where a gate asks about people."""
    filled = order.filled
    if not filled:
        return Due((), why_nothing="nobody in this plan is to be enforced")
    if not order.gated:
        return Due((order.wave,) if order.wave else filled)
    return _Asking(order, progress, now, look).due()


class _Asking:
    """Asks the gates of one run, in their order, and gathers what they say."""

    def __init__(self, order: Order, progress: Progress, now: datetime, look: Look) -> None:
        self._order, self._look = order, look
        self._progress = progress
        header = order.plan.header
        self._keeper = Gatekeeper(progress, order.gates, header.waves, header.checksum, now)
        self._wave = order.wave or next_due(progress, order.stage, order.filled)
        self._inherited: dict[str, str] = {}
        self._answers: list[GateAnswer] = []

    @property
    def _about(self) -> str:
        """The wave that the answers are about: where all have been carried, the last one."""
        return self._wave or self._order.filled[-1]

    def due(self) -> Due:
        order = self._order
        still_open = tuple(name for name in order.filled if (order.stage, name) in self._progress.carried)
        if order.wave is not None:
            still_open = ()
        if self._ask([self._keeper.rehearsed()]):
            return self._refused(())
        stops = list(self._ask_the_others())
        if not stops:
            waves = tuple(name for name in order.filled if name in still_open or name == self._wave)
            return self._due(waves, "" if self._wave else f"every wave has been carried to {order.stage}")
        if any(answer.gate == "window" for answer in stops):
            still_open = ()
        opens = opens_by_itself(stops, order.gates.window)
        if opens is None or order.wave is not None:
            return self._refused(still_open)
        return self._due(still_open, self._next(stops, opens))

    def _ask_the_others(self) -> Iterator[GateAnswer]:
        """Give the gates that stop the wave. A look at people is only worth it where nothing else does."""
        if self._order.stage is not Stage.ENFORCE:
            return
        if self._wave is None:
            yield from self._ask(self._keeper.calendar())
            return
        stops = self._ask(self._keeper.of_journal(self._wave))
        if not stops:
            wave = self._wave
            stops = self._ask(self._keeper.of_people(lambda: self._look(wave)))
        yield from stops

    def _ask(self, answers: Iterator[GateAnswer] | Sequence[GateAnswer]) -> list[GateAnswer]:
        """Keep the answers, and give those that stop the wave."""
        asked = list(answers)
        self._answers += asked
        return [answer for answer in asked if not self._lets_through(answer)]

    def _lets_through(self, answer: GateAnswer) -> bool:
        if answer.passes or answer.gate in self._order.overrides:
            return True
        checksum = self._order.plan.header.checksum
        given = standing_override(self._progress, self._order.filled, self._about, answer.gate, checksum)
        if given is None:
            return False
        self._inherited[answer.gate] = say_override(given)
        return True

    def _due(self, waves: tuple[str, ...], why_nothing: str, refused: Refused | None = None) -> Due:
        gates = tuple((self._about, answer) for answer in self._answers)
        return Due(waves, gates, why_nothing, self._inherited, refused)

    def _next(self, stops: Sequence[GateAnswer], opens: datetime) -> str:
        said = "; ".join(f"gate {answer.gate}: {answer.detail}" for answer in stops)
        if self._wave is None:
            return f"every wave has been carried to {self._order.stage}; {said}"
        both = f"; together they open {opens:%Y-%m-%d %H:%M} UTC" if len(stops) > 1 else ""
        return f'wave "{self._wave}" is next; {said}{both}'

    def _refused(self, still_open: tuple[str, ...]) -> Due:
        stops = [answer for answer in self._answers if not self._lets_through(answer)]
        refusal = _refusal(stops, self._about)
        return self._due(still_open, str(refusal), refusal)


def say_override(given: GateOverridden) -> str:
    """Say an override for a person."""
    return f"overridden {given.at:%Y-%m-%d %H:%M} UTC by {given.caller}: {given.reason}"


def _refusal(stops: Sequence[GateAnswer], wave: str) -> Refused:
    overriding = " ".join(f"--override-gate {answer.gate}" for answer in stops) + " --reason WHY"
    first = stops[0]
    if first.gate == "dry_run_done":
        cure = "rollout apply --stage dry-run"
        if first.result is Result.INCONCLUSIVE:
            cure = f"{cure}, or {overriding}"
        return Refused(f"gate dry_run_done: {first.detail}", cure=cure)
    said = "; ".join(f"gate {answer.gate}: {answer.detail}" for answer in stops)
    cures = dict.fromkeys(_CURES[answer.gate].format(wave=wave) for answer in stops)
    return Refused(f'wave "{wave}" may not move yet: {said}', cure=f"{'; '.join(cures)}, or {overriding}")
