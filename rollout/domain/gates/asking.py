"""Asks the gates of one wave in order, and finds when time alone opens them (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from rollout.domain.gates.gate import AnyGate, Form, GateAnswer, Members, Needs, Question
from rollout.domain.gates.gate_rules import GateRules
from rollout.domain.gates.overrides import override_in_force
from rollout.domain.people.actor import Actor
from rollout.domain.plan.entries import Header
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import GateOverridden
from rollout.domain.progress.stages import Stage


def _nobody() -> Members:
    raise LookupError("only a gate that needs the wave's users may read them")


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Holds everything that gates depend on, except the wave's users as AWS shows them.

    `users` has the number of users of every wave, in the order of the waves. `returning`: only users who were enforced
    before come back. `policy` is the digest of what is to be enforced.
    """

    progress: Progress
    rules: GateRules
    users: Mapping[str, int]
    plan_checksum: str
    planner: Actor
    now: datetime
    returning: bool = False
    policy: str = ""
    partition: str = "aws"

    @classmethod
    def of(
        cls, progress: Progress, rules: GateRules, header: Header, now: datetime, *, returning: bool = False
    ) -> Gatekeeper:
        """Make the one of a plan."""
        return cls(
            progress,
            rules,
            header.waves,
            header.checksum,
            header.planner,
            now,
            returning,
            header.digests.policy,
            header.partition,
        )

    @property
    def order(self) -> Sequence[str]:
        """The waves that have users."""
        return tuple(wave for wave, count in self.users.items() if count)

    def rounds(self, wave: str) -> tuple[tuple[Needs, ...], ...]:
        """List what the gates are asked by, round by round, before users of a wave come under the policy.

        No further round is asked once a gate stops the wave. A wave that was carried before stays open: whoever joins
        late or comes back waits for plan and calendar only, and so does whoever is in no wave.
        """
        if wave not in self.order or (Stage.ENFORCE, wave) in self.progress.carried:
            return (Needs.PLAN,), (Needs.CALENDAR,)
        return (Needs.PLAN,), (Needs.JOURNAL, Needs.CALENDAR), (Needs.PEOPLE,)

    def ask(
        self, wave: str, *needs: Needs, look: Callable[[], Members] = _nobody
    ) -> Iterator[tuple[AnyGate, GateAnswer]]:
        """Ask the gates that need one of these; `look` is called at most once, and only if a gate needs people."""
        filled = {name: self.users[name] for name in self.order}
        question = Question(
            wave,
            self.progress,
            filled,
            self.plan_checksum,
            self.planner,
            self.now,
            cache(look),
            self.returning,
            self.policy,
            self.partition,
            self.rules.quiet_for,
        )
        for gate, value in self.rules.to_ask(*needs):
            yield gate, gate.ask(question, value)

    def unasked(self) -> Iterator[tuple[AnyGate, GateAnswer]]:
        """Say what each gate that needs people will ask for."""
        later = "apply --stage enforce reads them when the other gates are open"
        for gate, value in self.rules.to_ask(Needs.PEOPLE):
            needed = f"{value:g} % needed; " if gate.setting and gate.setting.form is Form.PERCENT else ""
            yield gate, GateAnswer(gate.name, Result.NOT_ASKED, f"{needed}{later}")

    def opens_by_itself(self, stops: Sequence[GateAnswer]) -> datetime | None:
        """Find when time alone opens all of these gates, and the calendar too; None if more has to happen."""
        moments = [answer.opens_at for answer in stops if answer.opens_at is not None]
        if not moments or len(moments) < len(stops):
            return None
        then = replace(self, now=max(moments))
        still = [answer for _, answer in then.ask(self.order[0], Needs.CALENDAR) if not answer.passes]
        return then.opens_by_itself(still) if still else then.now

    def override(self, wave: str, gate: AnyGate) -> GateOverridden | None:
        """Find the override of an earlier run that lets the wave through; None if there is none."""
        return override_in_force(self.progress, self.order, wave, gate, self.plan_checksum)


def next_due(progress: Progress, stage: Stage, order: Sequence[str]) -> str | None:
    """Find the first wave with users that has not been carried to the stage; None if all have."""
    return next((wave for wave in order if (stage, wave) not in progress.carried), None)
