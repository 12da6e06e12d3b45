"""The gate of rehearsal: a plan notifies and enforces nobody until it has been rehearsed."""

from __future__ import annotations

from rollout.domain.gates.gate import Gate, GateAnswer, Needs, OverrideHolds, Question
from rollout.domain.progress.gate_result import Result


def _ask(question: Question, _: None) -> GateAnswer:
    """Pass if exactly this plan has been rehearsed to the end."""
    progress, checksum = question.progress, question.plan_checksum
    at = progress.rehearsed.get(checksum)
    if at is not None:
        return GateAnswer("dry_run_done", Result.PASS, f"rehearsed {at:%Y-%m-%d %H:%M} UTC", since=at)
    ended = [
        progress.ended[run]
        for run, started in progress.runs.items()
        if started.rehearses_plan and started.plan_checksum == checksum and run in progress.ended
    ]
    if ended:
        last = ended[-1]
        detail = f'the rehearsal of {last.at:%Y-%m-%d %H:%M} UTC ended "{last.ending}", not with everybody'
        return GateAnswer("dry_run_done", Result.INCONCLUSIVE, detail, since=last.at)
    return GateAnswer(
        "dry_run_done", Result.FAIL, "this plan has not been rehearsed: apply --stage dry-run first"
    )


DRY_RUN_DONE: Gate[None] = Gate(
    name="dry_run_done",
    meaning="exactly this plan was rehearsed to the end, with everybody",
    needs=Needs.PLAN,
    cure="rollout apply --stage dry-run",
    override_holds=OverrideHolds.PLAN,
    ask=_ask,
    in_status="{detail}",
)
