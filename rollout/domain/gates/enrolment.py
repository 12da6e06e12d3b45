"""The gate of enrolment: a wave waits until enough of its users have an MFA device."""

from __future__ import annotations

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.gates.share import answer_of_share, needed


def _ask(question: Question, percent: float) -> GateAnswer:
    """Pass when `percent` of the wave's users with credentials have a device."""
    members = question.look()
    people = [user for user in members.users if user.password is not None or user.active_keys]
    enrolled = sum(user.has_device for user in people)
    return answer_of_share("enrolment", "have a device", enrolled, len(people), members.unseen, percent)


ENROLMENT: Gate[float] = Gate(
    name="enrolment",
    meaning="enough of the wave's users with credentials have an MFA device",
    needs=Needs.PEOPLE,
    cure="remind people: rollout apply --stage notify",
    override_holds=OverrideHolds.WAVE,
    ask=_ask,
    setting=Setting(
        "The share of a wave's users, in percent, that must have a device before it is enforced. Null: not asked.",
        Form.PERCENT,
        None,
    ),
    needed=needed,
)
