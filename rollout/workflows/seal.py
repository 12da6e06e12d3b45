"""`rollout seal`: takes over what is in the store without a seal, once somebody has looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from rollout.domain.progress.records import Released, ReleaseEnded, RunEnding
from rollout.domain.progress.releases import ReleaseRecord
from rollout.errors import JournalDamaged
from rollout.workflows.ports import SealablePlan, UnsealedRun
from rollout.workflows.run_context import RunContext

SEAL = "seal"


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What the store's key does not cover: runs of the journal, plans, and markers of releases."""

    runs: tuple[UnsealedRun, ...] = ()
    plans: tuple[SealablePlan, ...] = ()
    markers: tuple[ReleaseRecord, ...] = ()

    @property
    def vouched(self) -> Mapping[str, str]:
        """By run, the digest of what was looked at; what is damaged is never sealed."""
        return {one.run: one.digest for one in self.runs if not one.damage}

    @property
    def nothing(self) -> bool:
        """Tell whether everything is sealed."""
        return not (self.runs or self.plans or self.markers)

    @property
    def damaged(self) -> tuple[UnsealedRun, ...]:
        """The runs that cannot be sealed as they are."""
        return tuple(one for one in self.runs if one.damage)


def seal(found: Unsealed, run: RunContext) -> tuple[ReleaseRecord, ...]:
    """Seal what was found, and journal who did it. The journal of the run vouches for the others.

    Returns the markers that stay without a seal, since the journal knows of no such release. Raises LockHeld,
    Unwritable, KeyUnusable.
    """
    with run.lock.hold(run.organization_id, SEAL):
        run.begin(SEAL)
        for plan in found.plans:
            plan.seal()
        left = _seal_markers(found, run)
        sealed = {"runs": len(found.vouched), "plans": len(found.plans)}
        run.end(RunEnding.DONE, {**sealed, "markers": len(found.markers) - len(left)})
    return left


def _seal_markers(found: Unsealed, run: RunContext) -> tuple[ReleaseRecord, ...]:
    if not found.markers:
        return ()
    records = [record for one in found.runs if not one.damage for record in one.records]
    with suppress(JournalDamaged):  # what cannot be read vouches for nothing
        records += run.journal.records()
    known = [record for record in records if isinstance(record, Released | ReleaseEnded)]
    for marker in found.markers:
        if marker in known:
            run.marker.add(marker)
    return tuple(marker for marker in found.markers if marker not in known)
