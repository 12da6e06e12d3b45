"""Builds the gates that ask for a share of a wave's users; the answer is sure only if unread users cannot change it."""

from __future__ import annotations

from collections.abc import Callable

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.people.users import User
from rollout.domain.progress.gate_result import Result


def share_gate(
    name: str,
    meaning: str,
    description: str,
    achievement: str,
    achieved: Callable[[User, Question], bool | None],
    *,
    starter: int | None = None,
    why: str = "",
) -> Gate[float]:
    """Build a gate that passes when at least the percentage in its setting of a wave's users have achieved something.

    `achieved` says whether a user has; None leaves the user out of the count. `achievement` completes "3 of 4 users …".
    `starter` and `why` are as in `Setting`.
    """

    def ask(question: Question, percent: float) -> GateAnswer:
        members = question.look()
        counted = [found for user in members.users if (found := achieved(user, question)) is not None]
        done, unseen, total = sum(counted), members.unseen, len(counted) + members.unseen
        detail = f"{done} of {total} users {achievement}, {percent:g} % needed"
        if total == 0 or done * 100 >= percent * total:
            return GateAnswer(name, Result.PASS, detail)
        if (done + unseen) * 100 >= percent * total:
            return GateAnswer(name, Result.INCONCLUSIVE, f"{detail}; {unseen} could not be looked at")
        return GateAnswer(name, Result.FAIL, detail)

    return Gate(
        name=name,
        meaning=meaning,
        needs=Needs.PEOPLE,
        cure="remind people: rollout apply --stage notify",
        override_holds=OverrideHolds.WAVE,
        ask=ask,
        setting=Setting(f"{description} Null: not asked.", Form.PERCENT, None, starter=starter, why=why),
    )
