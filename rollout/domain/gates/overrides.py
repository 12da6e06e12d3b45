"""Which word of an operator still lets a wave through a gate: overrides outlive the run that they were given to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rollout.domain.progress.records import GateOverridden
from rollout.domain.progress.replay import Progress

BEGINNING = datetime.min.replace(tzinfo=UTC)
# About the wave, whatever plan it is carried by.
OF_THE_WAVE = frozenset({"soak", "enrolment", "cli_moved"})
# About the very bytes of a plan: another one has to be rehearsed and approved anew.
OF_THE_PLAN = frozenset({"dry_run_done", "approval"})


def standing_override(
    progress: Progress, order: Sequence[str], wave: str, gate: str, plan_checksum: str
) -> GateOverridden | None:
    """Find the override of an earlier run that still holds; None when there is none.

    What was said of failures and of the calendar was said of that moment, and holds for that run alone. An override of
    the soak is over once a release or a lock-out has shaken the wave before.
    """
    given = next(
        (one for one in reversed(progress.overrides) if (one.wave, one.gate) == (wave, gate)),
        None,
    )
    if given is None:
        return None
    if gate in OF_THE_PLAN:
        return given if progress.runs[given.run].plan_checksum == plan_checksum else None
    if gate not in OF_THE_WAVE or given.at < _spoiled_at(progress, order, wave, gate):
        return None
    return given


def _spoiled_at(progress: Progress, order: Sequence[str], wave: str, gate: str) -> datetime:
    undone = progress.undone.get(wave, BEGINNING)
    position = order.index(wave) if wave in order else 0
    if gate != "soak" or position == 0:
        return undone
    return max(undone, progress.releases.disturbed.get(order[position - 1], BEGINNING))
