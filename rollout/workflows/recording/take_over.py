"""Records in the store what it did not take when people were let out: once, whatever died meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rollout.domain.people.organization import UNKNOWN_ORGANIZATION
from rollout.domain.progress.records import (
    AccountFailed,
    Intent,
    Record,
    Released,
    ReleaseEnded,
    RunEnded,
    RunStarted,
    Settled,
    UserSkipped,
)
from rollout.domain.progress.releases import RELEASE
from rollout.errors import Unwritable
from rollout.workflows.ports import Journal, StopMarker, UnrecordedRun

LATE = ("-late", "-late-2", "-late-3")
"""What follows a run's id in the name of the segment for its late records. A command that died may have left one."""

OF_A_RELEASE = (RunStarted, Released, Intent, Settled, UserSkipped, AccountFailed, RunEnded)


def take_over(
    found: Iterable[UnrecordedRun],
    journal: Callable[[str], Journal],
    marker: StopMarker,
    organization_id: str,
    say: Callable[[str], None],
) -> None:
    """Put into the store what is not there yet, and delete it here; what cannot be trusted stays, and is named.

    `journal` opens the journal, with new records in the segment of that name. Raises Unwritable and what reading the
    journal raises.
    """
    runs = tuple(found)
    recorded = _recorded({one.run for one in runs}, journal) if runs else {}
    for one in runs:
        for problem in one.problems:
            say(f"not recorded, and left out: {problem}")
        if one.problems and not one.records:
            continue
        if strange := [record for record in one.records if not _is_of_a_release(record, one.run)]:
            say(
                f"not recorded: {one.where} holds what no release writes, such as {type(strange[0]).__name__}"
            )
            continue
        records = tuple(_named(record, organization_id) for record in one.records)
        late = _missing(records, recorded[one.run])
        if late and _is_over(late, recorded[""]):
            say(f"What run {one.run} did has been ended since; its records in {one.where} were not needed.")
        elif late:
            _record(one.run, late, journal, marker)
            say(f"Recorded {len(late)} records of run {one.run}, which the store did not take then.")
        one.discard()


def _is_of_a_release(record: Record, run: str) -> bool:
    """Tell whether a release writes such a record. From this machine, nothing else is put into the store."""
    if record.run != run or not isinstance(record, OF_A_RELEASE):
        return False
    return record.command == RELEASE if isinstance(record, RunStarted) else True


def _named(record: Record, organization_id: str) -> Record:
    """Name the organization, where nobody could say then which it was."""
    if isinstance(record, RunStarted) and record.organization_id == UNKNOWN_ORGANIZATION:
        return replace(record, organization_id=organization_id)
    return record


def _recorded(runs: set[str], journal: Callable[[str], Journal]) -> defaultdict[str, list[Record]]:
    """Read what the store has of these runs, and under "" every end of a release."""
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for record in journal("look").records():
        if record.run in runs:
            found[record.run].append(record)
        if isinstance(record, ReleaseEnded):
            found[""].append(record)
    return found


def _missing(records: Sequence[Record], recorded: Sequence[Record]) -> list[Record]:
    there = set(map(repr, recorded))
    return [record for record in records if repr(record) not in there]


def _is_over(late: Sequence[Record], ends: Sequence[Record]) -> bool:
    """Tell whether all releases among these were ended later: to record them now would begin them again."""
    released = [record for record in late if isinstance(record, Released)]
    return bool(released) and all(
        any(
            isinstance(end, ReleaseEnded)
            and end.at >= record.at
            and end.release_scope.contains(record.release_scope)
            for end in ends
        )
        for record in released
    )


def _record(run: str, late: list[Record], journal: Callable[[str], Journal], marker: StopMarker) -> None:
    missing = late
    for ending in LATE:
        try:
            journal(f"{run}{ending}").append(*missing)
            break
        except Unwritable:
            # Another command may have been quicker, or died half-way.
            missing = _missing(late, _recorded({run}, journal)[run])
            if not missing:
                break
            if ending == LATE[-1]:
                raise
    for record in late:
        if isinstance(record, Released):
            marker.add(record)
