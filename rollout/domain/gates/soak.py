"""The gate of the soak: a wave waits until the one before has been enforced long enough for problems to show."""

from __future__ import annotations

from datetime import timedelta

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.stages import Stage


def _ask(question: Question, wait: timedelta) -> GateAnswer:
    """Pass if the wave before has been enforced for `wait`."""
    progress, before, now = question.progress, question.before, question.now
    if before is None:
        return GateAnswer("soak", Result.PASS, "the first wave waits for no other")
    began = progress.carried.get((Stage.ENFORCE, before))
    if began is None:
        return GateAnswer("soak", Result.FAIL, f'wave "{before}" is not enforced yet')
    since = f'wave "{before}" enforced {began:%Y-%m-%d %H:%M} UTC'
    disturbed = progress.releases.disturbed.get(before)
    if disturbed is not None and disturbed > began:
        since = f'wave "{before}" disturbed by a release or a lock-out {disturbed:%Y-%m-%d %H:%M} UTC'
        began = disturbed
    opens = began + wait
    if now < opens:
        detail = f"{since}; soak of {_days(wait)} ends {opens:%Y-%m-%d %H:%M} UTC"
        return GateAnswer("soak", Result.FAIL, detail, opens, began)
    return GateAnswer(
        "soak", Result.PASS, f"{since}, soaked {_days(now - began)} of {_days(wait)}", since=opens
    )


def _days(span: timedelta) -> str:
    count = span / timedelta(days=1)
    return f"{count:.0f} days" if count == int(count) else f"{count:.1f} days"


SOAK = Gate(
    name="soak",
    meaning="the wave before has been enforced for long enough; a release or a lock-out there restarts the soak",
    needs=Needs.JOURNAL,
    cure="wait",
    override_holds=OverrideHolds.SOAK,
    ask=_ask,
    setting=Setting(
        "From the enforcement of one wave to that of the next.", Form.DURATION, timedelta(days=3)
    ),
    opens_by_time=True,
    in_status="{detail}",
)
