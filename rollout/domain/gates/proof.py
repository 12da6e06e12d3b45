"""The gate of proof: nobody comes under a policy that was not shown on AWS itself to do its work (docs/proof.md)."""

from __future__ import annotations

from datetime import timedelta

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.progress.gate_result import Result


def _ask(question: Question, longest: timedelta) -> GateAnswer:
    """Pass if the newest proof of exactly this policy, in this organization and partition, is good and not too old.

    Whoever was enforced before comes back by a proof of any age.
    """
    proof = question.progress.proof_of(question.policy, question.partition)
    if proof is None:
        others = len(question.progress.proofs)
        other = f" ({others} proofs are of another policy or partition)" if others else ""
        return GateAnswer("proof", Result.FAIL, f"this policy was never proved{other}: rollout prove")
    age = question.now - proof.at
    said = f"proved {proof.at:%Y-%m-%d %H:%M} UTC in account {proof.account_id}"
    if proof.bad:
        wrong = f"{len(proof.bad)} of {proof.answers} answers are bad, such as {proof.bad[0]}"
        return GateAnswer("proof", Result.FAIL, f"{said}: {wrong}", since=proof.at)
    if proof.unanswered:
        lacking = f"{len(proof.unanswered)} needed answers are missing, such as {proof.unanswered[0]}"
        return GateAnswer("proof", Result.INCONCLUSIVE, f"{said}: {lacking}", since=proof.at)
    limit = f"{age.days} days ago, at most {longest / timedelta(days=1):g}"
    if age > longest and not question.returning:
        return GateAnswer("proof", Result.FAIL, f"{said}, {limit}", since=proof.at + longest)
    return GateAnswer("proof", Result.PASS, f"{said}, {proof.answers} answers, {limit}", since=proof.at)


PROOF: Gate[timedelta] = Gate(
    name="proof",
    meaning="`rollout prove` has shown on AWS, not too long ago, that exactly this policy does its work",
    needs=Needs.CALENDAR,
    cure="rollout prove --account ID",
    override_holds=OverrideHolds.RUN,
    ask=_ask,
    setting=Setting(
        "How old a proof of exactly this policy may be (`rollout prove`).",
        Form.DURATION,
        None,
        starter="90d",
        why="Nobody comes under a policy that was not shown on AWS itself to do its work.",
    ),
    in_status="{detail}",
)
