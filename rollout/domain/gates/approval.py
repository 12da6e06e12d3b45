"""The gate of approval: a wave waits until somebody approves it for exactly this plan."""

from __future__ import annotations

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.projection import Progress


def approved_by(progress: Progress, plan_checksum: str, wave: str) -> str:
    """Say when, by whom and why this wave of this exact plan was approved; empty if nobody has approved it."""
    given = progress.approvals.get((plan_checksum, wave))
    return f"approved {given.at:%Y-%m-%d %H:%M} UTC by {given.caller}: {given.reason}" if given else ""


def _ask(question: Question, _: bool) -> GateAnswer:  # noqa: FBT001 - the setting, which is true here
    """Pass if somebody has approved this wave of exactly this plan (`rollout approve`)."""
    progress, checksum, wave = question.progress, question.plan_checksum, question.wave
    if detail := approved_by(progress, checksum, wave):
        return GateAnswer("approval", Result.PASS, detail, since=progress.approvals[checksum, wave].at)
    why = f'nobody has approved wave "{wave}" of this plan: rollout approve --wave {wave}'
    return GateAnswer("approval", Result.FAIL, why)


APPROVAL = Gate(
    name="approval",
    meaning="somebody ran `rollout approve --wave W --reason R` for exactly this plan",
    needs=Needs.JOURNAL,
    cure="rollout approve --wave {wave} --reason WHY",
    override_holds=OverrideHolds.PLAN,
    ask=_ask,
    setting=Setting("Whether a wave is enforced only after `rollout approve`.", Form.SWITCH, default=False),
)
