"""May this wave move? Pass, fail or inconclusive, always with numbers (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rollout.domain.journal.replay import Progress
from rollout.domain.stages import Stage


class Result(StrEnum):
    """What a gate answers; only `pass` lets a wave through."""

    PASS = "pass"  # noqa: S105 - a gate's answer
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One gate's answer. `opens_at` is when time alone will open it, where that can be told."""

    gate: str
    result: Result
    detail: str
    opens_at: datetime | None = None


def dry_run_done(progress: Progress, plan_checksum: str) -> GateAnswer:
    """Pass when this very plan has been rehearsed to the end."""
    at = progress.rehearsed.get(plan_checksum)
    if at is not None:
        return GateAnswer("dry_run_done", Result.PASS, f"rehearsed {at:%Y-%m-%d %H:%M} UTC")
    ended = [
        progress.ended[run]
        for run, started in progress.runs.items()
        if started.stage is Stage.DRY_RUN and started.plan_checksum == plan_checksum and run in progress.ended
    ]
    if ended:
        last = ended[-1]
        detail = f'the rehearsal of {last.at:%Y-%m-%d %H:%M} UTC ended "{last.ending}", not with everybody'
        return GateAnswer("dry_run_done", Result.INCONCLUSIVE, detail)
    return GateAnswer(
        "dry_run_done", Result.FAIL, "this plan has not been rehearsed: apply --stage dry-run first"
    )


def soak(progress: Progress, order: Sequence[str], wave: str, wait: timedelta, now: datetime) -> GateAnswer:
    """Pass when the wave before has been enforced for long enough. `order` holds the waves that have users."""
    position = order.index(wave)
    if position == 0:
        return GateAnswer("soak", Result.PASS, "the first wave waits for nobody")
    before = order[position - 1]
    carried = progress.carried.get((Stage.ENFORCE, before))
    if carried is None:
        return GateAnswer("soak", Result.FAIL, f'wave "{before}" is not enforced yet')
    opens = carried + wait
    since = f'wave "{before}" enforced {carried:%Y-%m-%d %H:%M} UTC'
    if now < opens:
        detail = f"{since}; soak of {_days(wait)} ends {opens:%Y-%m-%d %H:%M} UTC"
        return GateAnswer("soak", Result.FAIL, detail, opens)
    return GateAnswer("soak", Result.PASS, f"{since}, soaked {_days(now - carried)} of {_days(wait)}")


def next_due(progress: Progress, stage: Stage, order: Sequence[str]) -> str | None:
    """Find the first wave with users that has not been carried to the stage."""
    return next((wave for wave in order if (stage, wave) not in progress.carried), None)


def _days(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"{days:.0f} days" if days == int(days) else f"{days:.1f} days"
