"""The gate of failures: a wave stops when more of its users, or of the wave before, have failed than may."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Key, Needs, OverrideHolds, Question, Setting
from rollout.domain.progress.gate_result import Result


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`gates.failure_tolerance`: so many users may fail, and so large a share; the smaller of the two counts."""

    count: int = 3
    percent: float = 5.0

    def limit(self, users: int) -> int:
        """Work out how many of so many users may fail; rounded down, as StackSets does."""
        # 57 % of 10,000 is 5,700, also where the product is a hair's breadth below.
        return min(self.count, int(users * self.percent / 100 + 1e-9))


def _ask(question: Question, tolerance: Tolerance) -> GateAnswer:
    """Fail when the wave itself, or the one before, has more failures than it may.

    Failures are users whose change failed, who were released, or who are locked out; they add up over all runs. Whom a
    wave released after it was carried does not keep it from being gone over.
    """
    progress, wave = question.progress, question.wave
    said = []
    for name in (question.before, wave):
        if name is None:
            continue
        failures = progress.held_against(name) if name == wave else progress.failed_users(name)
        count, users = len(failures), question.users[name]
        limit = tolerance.limit(users)
        said.append(f'wave "{name}": {count} of {users} users failed, {limit} may')
        if count > limit:
            return GateAnswer("failure_tolerance", Result.FAIL, said[-1])
    return GateAnswer("failure_tolerance", Result.PASS, "; ".join(said))


FAILURE_TOLERANCE = Gate(
    name="failure_tolerance",
    meaning="neither this wave nor the one before has more failures than it may",
    needs=Needs.JOURNAL,
    cure="see who failed and why in changes.csv of the report",
    override_holds=OverrideHolds.RUN,
    ask=_ask,
    setting=Setting(
        "How many users of a wave may fail before it stops.",
        {
            "count": Key(Form.COUNT, 3, "The most users of a wave that may fail."),
            "percent": Key(Form.PERCENT, 5, "The largest share of a wave that may fail."),
        },
        Tolerance(),
        Tolerance,
    ),
)
