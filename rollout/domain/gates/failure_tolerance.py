"""The gate of failures: a wave stops when too many users of it, or of the wave before it, have failed."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.counted import number_of
from rollout.domain.gates.gate import (
    Form,
    Gate,
    GateAnswer,
    Needs,
    OverrideHolds,
    Question,
    Setting,
    SettingKey,
)
from rollout.domain.progress.gate_result import Result


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`gates.failure_tolerance`: how many users of a wave may fail, as a number and in percent; the smaller counts."""

    count: int = 3
    percent: float = 5.0

    def limit(self, users: int) -> int:
        """Give how many of a number of users may fail, rounded down as StackSets does."""
        # 57 % of 10,000 is 5,700, also where the product is a hair's breadth below.
        return min(self.count, int(users * self.percent / 100 + 1e-9))


def _ask(question: Question, tolerance: Tolerance) -> GateAnswer:
    """Fail if the wave or the one before has more failures than the tolerance allows.

    Failures are users whose change failed, who are released, or who are deadlocked; they add up over all runs. Once a
    wave has been carried, users released from it do not keep later runs from going over it again. Nor do a wave's own
    failures keep those out who come back to it: that is how they are repaired.
    """
    progress, wave = question.progress, question.wave
    counts = []
    for name in (question.before, None if question.returning else wave):
        if name is None:
            continue
        failures = progress.held_against(name) if name == wave else progress.failed_users(name)
        count, users = len(failures), question.users[name]
        limit = tolerance.limit(users)
        counts.append(f'wave "{name}": {count} of {number_of(users, "user")} failed (limit {limit})')
        if count > limit:
            return GateAnswer("failure_tolerance", Result.FAIL, counts[-1])
    own = ("users come back to a wave whatever failed in it",) if question.returning else ()
    return GateAnswer("failure_tolerance", Result.PASS, "; ".join((*counts, *own)))


FAILURE_TOLERANCE = Gate(
    name="failure_tolerance",
    meaning="neither this wave nor the one before has more failures than the tolerance allows",
    needs=Needs.JOURNAL,
    cure="see who failed and why in changes.csv of the report",
    override_holds=OverrideHolds.RUN,
    ask=_ask,
    setting=Setting(
        "How many users of a wave may fail before it stops.",
        {
            "count": SettingKey(Form.COUNT, 3, "The most users of a wave that may fail."),
            "percent": SettingKey(Form.PERCENT, 5, "The largest share of a wave that may fail."),
        },
        Tolerance(),
        Tolerance,
    ),
)
