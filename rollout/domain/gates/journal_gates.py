"""Gates that the journal alone can answer: rehearsed, soaked, approved, and not too many failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollout.domain.gates.answer import GateAnswer, Result, days, failed, passed
from rollout.domain.progress.replay import Progress
from rollout.domain.progress.stages import Stage


def dry_run_done(progress: Progress, plan_checksum: str) -> GateAnswer:
    """Pass when this very plan has been rehearsed to the end."""
    at = progress.rehearsed.get(plan_checksum)
    if at is not None:
        return passed("dry_run_done", f"rehearsed {at:%Y-%m-%d %H:%M} UTC", at)
    ended = [
        progress.ended[run]
        for run, started in progress.runs.items()
        if started.stage is Stage.DRY_RUN and started.plan_checksum == plan_checksum and run in progress.ended
    ]
    if ended:
        last = ended[-1]
        detail = f'the rehearsal of {last.at:%Y-%m-%d %H:%M} UTC ended "{last.ending}", not with everybody'
        return GateAnswer("dry_run_done", Result.INCONCLUSIVE, detail, since=last.at)
    return failed("dry_run_done", "this plan has not been rehearsed: apply --stage dry-run first")


def soak(progress: Progress, order: Sequence[str], wave: str, wait: timedelta, now: datetime) -> GateAnswer:
    """Pass when the wave before has been enforced for long enough. `order` holds the waves that have users."""
    position = order.index(wave)
    if position == 0:
        return passed("soak", "the first wave waits for nobody")
    before = order[position - 1]
    carried = progress.carried.get((Stage.ENFORCE, before))
    if carried is None:
        return failed("soak", f'wave "{before}" is not enforced yet')
    shaken = progress.releases.disturbed.get(before)
    since = f'wave "{before}" enforced {carried:%Y-%m-%d %H:%M} UTC'
    if shaken is not None and shaken > carried:
        since = f'wave "{before}" shaken by a release or a lock-out {shaken:%Y-%m-%d %H:%M} UTC'
        carried = shaken
    opens = carried + wait
    if now < opens:
        detail = f"{since}; soak of {days(wait)} ends {opens:%Y-%m-%d %H:%M} UTC"
        return failed("soak", detail, opens, carried)
    return passed("soak", f"{since}, soaked {days(now - carried)} of {days(wait)}", opens)


def next_due(progress: Progress, stage: Stage, order: Sequence[str]) -> str | None:
    """Find the first wave with users that has not been carried to the stage."""
    return next((wave for wave in order if (stage, wave) not in progress.carried), None)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`gates.failure_tolerance`: so many users may fail, and so large a share; the smaller of the two counts."""

    count: int = 3
    percent: float = 5.0

    def limit(self, users: int) -> int:
        """Work out how many of so many users may fail; rounded down, as StackSets does."""
        # 57 % of 10,000 is 5,700, also where the product is a hair's breadth below.
        return min(self.count, int(users * self.percent / 100 + 1e-9))


def failure_tolerance(
    progress: Progress, order: Sequence[str], users: Mapping[str, int], wave: str, tolerance: Tolerance
) -> GateAnswer:
    """Fail when the wave itself, or the one before, has more failures than it may.

    Failures are users whose change failed, was released, or who got trapped; they add up over all runs. Whom a wave
    let out after it was carried does not keep it from being gone over.
    """
    gate = "failure_tolerance"
    position = order.index(wave)
    said = []
    for name in order[max(position - 1, 0) : position + 1]:
        failures = progress.held_against(name) if name == wave else progress.failed_users(name)
        count, limit = len(failures), tolerance.limit(users[name])
        said.append(f'wave "{name}": {count} of {users[name]} users failed, {limit} may')
        if count > limit:
            return failed(gate, said[-1])
    return passed(gate, "; ".join(said))


def approval(progress: Progress, plan_checksum: str, wave: str) -> GateAnswer:
    """Pass when somebody approved this wave of this very plan (`rollout approve`)."""
    given = progress.approvals.get((plan_checksum, wave))
    if given is None:
        return failed(
            "approval", f'nobody has approved wave "{wave}" of this plan: rollout approve --wave {wave}'
        )
    detail = f"approved {given.at:%Y-%m-%d %H:%M} UTC by {given.caller}: {given.reason}"
    return passed("approval", detail, given.at)
