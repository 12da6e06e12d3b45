"""Asks the gates before anybody comes under the policy, whichever command it is that brings them there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rollout.domain.gates import GateAnswer, Gatekeeper, GateRules, Members, Needs, Result
from rollout.domain.gates.gate import AnyGate
from rollout.domain.people.scope import Scope
from rollout.domain.policy.changes import SkipCode, Skipped
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import GateOverridden, GateRead
from rollout.domain.verdicts.rules import DecisionRules
from rollout.errors import Refused
from rollout.workflows.account_run.wave_members import members_of
from rollout.workflows.inventory import Premises
from rollout.workflows.ports import StoredPlan
from rollout.workflows.run_context import RunContext

Stop = tuple[AnyGate, GateAnswer]


@dataclass(frozen=True, slots=True)
class GatedBy:
    """What decides when people may be put back: the plan, the gates, and by gate why the operator overrides it."""

    plan: StoredPlan
    gates: GateRules
    scope: Scope
    overrides: Mapping[str, str] = field(default_factory=dict)


class WaveGates:
    """Whether the gates let users of a wave come under the policy. Thread-safe.

    The gates of a wave are asked when its first user comes; those of the calendar again for each user, for a run may
    go on for hours. Answers and overrides are journalled.
    """

    def __init__(
        self,
        keeper: Gatekeeper,
        run: RunContext,
        overrides: Mapping[str, str],
        look: Callable[[str], Members] | None = None,
        opened: Collection[str] = (),
    ) -> None:
        """Ask nothing yet. `look` reads the users of a wave. The `opened` waves have been asked, and may move."""
        self._keeper, self._run, self._overrides, self._look = keeper, run, overrides, look
        self._stops: dict[str, tuple[Stop, ...]] = dict.fromkeys(opened, ())
        self._kept_out: dict[str, tuple[Stop, ...]] = {}
        self._asking = threading.Lock()

    def stop(self, wave: str) -> Skipped | None:
        """Say why users of a wave may not come under the policy now; None if they may."""
        with self._asking:
            if wave not in self._stops:
                self._stops[wave] = self._ask(wave)
            stops = self._stops[wave] or self._shut(wave)
            if not stops:
                return None
            self._kept_out.setdefault(wave, stops)
        return Skipped(SkipCode.GATE, describe_stops(stops))

    @property
    def shut_by_calendar(self) -> bool:
        """Whether nothing at all may be put in force now, for whomever; asked for what brings nobody new."""
        with self._asking:
            stops = self._shut("")
            if stops:
                self._kept_out.setdefault("", stops)
        return bool(stops)

    @property
    def refused(self) -> Refused | None:
        """The error to end with, if gates have kept somebody out."""
        with self._asking:
            refusals = [refusal(stops, wave) for wave, stops in self._kept_out.items()]
        if not refusals:
            return None
        cures = dict.fromkeys(one.cure for one in refusals)
        return Refused("; ".join(dict.fromkeys(map(str, refusals))), cure="; ".join(cures))

    def _ask(self, wave: str) -> tuple[Stop, ...]:
        for needs in self._keeper.rounds(wave):
            if stops := tuple(self._asked(wave, needs)):
                return stops
        return ()

    def _asked(self, wave: str, needs: tuple[Needs, ...]) -> Iterator[Stop]:
        keeper = replace(self._keeper, now=self._run.now())
        for gate, answer in tuple(keeper.ask(wave, *needs, look=lambda: self._members(wave))):
            self._note(wave, answer)
            if not self._lets_through(wave, gate, answer):
                yield gate, answer

    def _members(self, wave: str) -> Members:
        if self._look is None:
            raise LookupError("the gates of waves that are opened already need to see nobody")
        return self._look(wave)

    def _shut(self, wave: str) -> tuple[Stop, ...]:
        """Ask the gates of the calendar once more, and say so where one has shut meanwhile."""
        keeper = replace(self._keeper, now=self._run.now())
        stops = tuple(
            (gate, answer)
            for gate, answer in keeper.ask(wave, Needs.CALENDAR)
            if not self._lets_through(wave, gate, answer)
        )
        if stops and wave not in self._kept_out:
            for _, answer in stops:
                self._note(wave, answer)
        return stops

    def _lets_through(self, wave: str, gate: AnyGate, answer: GateAnswer) -> bool:
        given = gate.name in self._overrides
        return answer.passes or given or self._keeper.override(wave, gate) is not None

    def _note(self, wave: str, answer: GateAnswer) -> None:
        run, now = self._run, self._run.now()
        run.journal.append(GateRead(run.id, now, wave, answer.gate, answer.result, answer.detail))
        if not answer.passes and answer.gate in self._overrides:
            reason = self._overrides[answer.gate]
            run.journal.append(GateOverridden(run.id, now, wave, answer.gate, reason, run.caller))


def gates_for_putting_back(
    gated: GatedBy, rules: DecisionRules, progress: Progress, run: RunContext, where: Premises
) -> WaveGates:
    """Have a command that puts people back ask the same gates as `apply`."""
    keeper = Gatekeeper.of(progress, gated.gates, gated.plan.header, run.now(), returning=True)
    return WaveGates(
        keeper,
        run,
        gated.overrides,
        lambda wave: members_of(wave, gated.plan, gated.scope, rules.exemptions, run, where),
    )


def describe_stops(stops: Sequence[Stop]) -> str:
    """Say which gates stop a wave, with their numbers."""
    return "; ".join(f"gate {gate.name}: {answer.detail}" for gate, answer in stops)


def refusal(stops: Sequence[Stop], wave: str) -> Refused:
    """Refuse a wave because of its gates, with what opens or overrides them as the cure."""
    cure = "; ".join(dict.fromkeys(gate.cure.format(wave=wave) for gate, _ in stops))
    of_plan = all(gate.needs is Needs.PLAN for gate, _ in stops)
    # An unrehearsed plan needs no override: a rehearsal is quick and changes nothing.
    if not of_plan or any(answer.result is Result.INCONCLUSIVE for _, answer in stops):
        overriding = " ".join(f"--override-gate {gate.name}" for gate, _ in stops)
        cure = f"{cure}, or {overriding} --reason WHY"
    about = "" if of_plan or not wave else f'wave "{wave}" may not proceed yet: '
    return Refused(f"{about}{describe_stops(stops)}", cure=cure)
