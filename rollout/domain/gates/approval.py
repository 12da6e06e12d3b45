"""The gate of the approval: a wave waits until somebody has approved it for this very plan."""

from __future__ import annotations

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.replay import Progress


def approved_by(progress: Progress, plan_checksum: str, wave: str) -> str:
    """Say when, by whom and why this wave of these bytes of a plan was approved; empty when nobody has."""
    given = progress.approvals.get((plan_checksum, wave))
    return f"approved {given.at:%Y-%m-%d %H:%M} UTC by {given.caller}: {given.reason}" if given else ""


def _ask(question: Question, _: bool) -> GateAnswer:  # noqa: FBT001 - the setting, which is true here
    """Pass when somebody approved this wave of this very plan (`rollout approve`)."""
    wave = question.wave
    given = question.progress.approvals.get((question.plan_checksum, wave))
    if given is None:
        why = f'nobody has approved wave "{wave}" of this plan: rollout approve --wave {wave}'
        return GateAnswer("approval", Result.FAIL, why)
    detail = approved_by(question.progress, question.plan_checksum, wave)
    return GateAnswer("approval", Result.PASS, detail, since=given.at)


APPROVAL = Gate(
    name="approval",
    meaning="somebody ran `rollout approve --wave W --reason R` for these very bytes of the plan",
    needs=Needs.JOURNAL,
    cure="rollout approve --wave {wave} --reason WHY",
    override_holds=OverrideHolds.PLAN,
    ask=_ask,
    setting=Setting("Whether a wave is enforced only after `rollout approve`.", Form.SWITCH, default=False),
)
