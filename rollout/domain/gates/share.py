"""Builds the gates that ask for a share of a wave's users; the answer is sure only if unread users cannot change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rollout.counted import number_of
from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.people.users import User
from rollout.domain.progress.gate_result import Result


def share_gate(  # noqa: PLR0913 - the words of a gate
    name: str,
    meaning: str,
    description: str,
    achievement: str,
    achieved: Callable[[User, Question], Result | None],
    *,
    starter: int | None = None,
    why: str = "",
    unsure: str = "{count} are in doubt",
) -> Gate[float]:
    """Build a gate that passes when at least the percentage in its setting of a wave's users have achieved something.

    `achieved` says whether a user has: PASS, FAIL, or INCONCLUSIVE; None leaves the user out of the count.
    `achievement` completes "3 of 4 users …", and `unsure` says what is not known of `count` users. `starter` and `why`
    are as in `Setting`.
    """

    def ask(question: Question, percent: float) -> GateAnswer:
        members = question.look()
        counted = Counter(achieved(user, question) for user in members.users)
        done, doubtful, unseen = counted[Result.PASS], counted[Result.INCONCLUSIVE], members.unseen
        total = done + counted[Result.FAIL] + doubtful + unseen
        detail = f"{done} of {number_of(total, 'user')} {achievement}, {percent:g} % needed"
        if total == 0 or done * 100 >= percent * total:
            return GateAnswer(name, Result.PASS, detail)
        doubts = [unsure.format(count=doubtful)] * bool(doubtful)
        doubts += [f"{unseen} could not be looked at"] * bool(unseen)
        if (done + doubtful + unseen) * 100 >= percent * total:
            return GateAnswer(name, Result.INCONCLUSIVE, "; ".join((detail, *doubts)))
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
