"""Derives progress from the journal: goes on from a snapshot where one fits, and makes one where much is new."""

from __future__ import annotations

import gc
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from rollout.domain.progress.projection import Projection
from rollout.domain.progress.records import DeliverySeen, LeftAlone, Record, Reminded, Told
from rollout.errors import JournalDamaged, KeyUnusable, RolloutError
from rollout.store.formats.found_segments import (
    FoundSegment,
    Look,
    Prefix,
    PrefixChanged,
    Reading,
    Tell,
    last_written,
)
from rollout.store.formats.journal_lines import KnownValues
from rollout.store.formats.journal_reading import (
    SENT,
    JournalInOrder,
    Telling,
    Where,
    look_at,
    records_of,
    remember,
)
from rollout.store.formats.new_segment import LAST_RECORDS
from rollout.store.formats.seals import Seals, Trust
from rollout.store.formats.snapshot import Cover, CoveredSegment, Unfit, cover_of

log = logging.getLogger(__name__)

ENOUGH_LINES = 5_000
"""A snapshot is made where so many lines were not in the last one: it takes as long as to read some thousand."""
_ENDS = frozenset(kind.__name__ for kind in (*LAST_RECORDS, LeftAlone))
"""What a segment ends with that hardly grows any more."""
_SILENCE = timedelta(days=1)
"""A run that has written nothing for so long, while others have, is dead."""


class Snapshots(Protocol):
    """Keeps the newest snapshot of each organization."""

    def cover(self, organization_id: str, seals: Seals | None) -> Cover | None:
        """Read which segments went into the snapshot; None if there is none. Raises Unfit."""

    def projection(self, cover: Cover) -> Projection:
        """Read the snapshot of this cover. Raises Unfit."""

    def keep(self, cover: Cover, projection: Projection, seals: Seals | None) -> None:
        """Replace the snapshot; it is only for speed, so nothing is raised."""

    def write_waiting(self) -> None:
        """Replace it now, if that was put off."""


def progress_of(
    look: Look,
    where: Where,
    trust: Trust,
    organization_id: str,
    snapshots: Snapshots,
    more: Iterable[Record] = (),
) -> Projection:
    """Take in the whole journal, then `more`; what is wrong with it goes to `trust.tell`, as in `records_of`."""
    projection = _projection_of(look, where, trust, organization_id, snapshots)
    if rest := list(more):
        snapshots.write_waiting()
    return projection.all(rest)


def _projection_of(
    look: Look, where: Where, trust: Trust, organization_id: str, snapshots: Snapshots
) -> Projection:
    seals = trust.usable()
    with _no_garbage_collection():
        # Where the key cannot be used just now, a snapshot can neither be checked nor sealed.
        if seals is trust.seals and (cover := _cover(organization_id, seals, snapshots)):
            try:
                return _go_on(look, where, trust, seals, cover, snapshots)
            except (Unfit, PrefixChanged, JournalDamaged) as problem:
                log.info("the snapshot of the journal is left aside: %s", str(problem) or "it does not fit")
        return _read_all(look, where, trust, seals, organization_id, snapshots)


def sent_of(
    look: Look, where: Where, trust: Trust, organization_id: str, snapshots: Snapshots
) -> Iterator[Told | Reminded | DeliverySeen]:
    """Read what was sent to people, and check the rest, as `records_of` does; a snapshot tells what needs no check."""
    cover = None
    if trust.usable() is trust.seals:
        cover = _cover(organization_id, trust.seals, snapshots)
    for record in records_of(look, where, trust, SENT, cover.segments if cover else ()):
        if isinstance(record, SENT):
            yield record


def _read_all(
    look: Look, where: Where, trust: Trust, seals: Seals | None, organization_id: str, snapshots: Snapshots
) -> Projection:
    telling = Telling(trust.tell)
    fold = _Fold(Projection(organization_id), where, seals, telling)
    try:
        journal = look_at(look, where, seals, trust)
    except JournalDamaged as problem:
        telling(problem)
        return fold.projection
    for wrong in journal.problems:
        telling(wrong)
    fold.all(journal.ordered, journal, snapshots if seals is trust.seals else None)
    if not telling.told:
        remember(fold.ends, journal, seals, trust)
    return fold.projection


def _cover(organization_id: str, seals: Seals | None, snapshots: Snapshots) -> Cover | None:
    try:
        return snapshots.cover(organization_id, seals)
    except Unfit as problem:
        log.info("the snapshot of the journal is left aside: %s", problem)
        return None


def _go_on(
    look: Look, where: Where, trust: Trust, seals: Seals | None, cover: Cover, snapshots: Snapshots
) -> Projection:
    """Take in what came after a snapshot. Raises Unfit, PrefixChanged or JournalDamaged where anything is wrong."""
    journal = look_at(look, where, seals, trust, cover.segments)
    if journal.problems:
        raise Unfit(str(journal.problems[0]))
    covered = {one.run: one for one in cover.segments}
    if gone := covered.keys() - journal.trusted.keys():
        raise Unfit(f"run {min(gone)} is gone")
    rest = [each for each in journal.ordered if each.run not in covered]
    if cover.segments and rest:
        last = journal.trusted[cover.segments[-1].run]
        if rest[0].place < last.place:
            raise Unfit(f"run {rest[0].run} belongs before others that went into it")
    seers = {f"run {run}" for run in covered}
    for one in cover.segments:
        _check_seen(one, journal, seers)
    fold = _Fold(snapshots.projection(cover), where, seals, _raise, list(cover.segments))
    growing = [journal.trusted[one.run] for one in cover.segments[-1:] if one.length is not None]
    fold.ends |= {one.run: one.end for one in cover.segments}
    fold.all([*growing, *rest], journal, snapshots)
    remember(fold.ends, journal, seals, trust)
    return fold.projection


def _check_seen(covered: CoveredSegment, journal: JournalInOrder, seers: Collection[str]) -> None:
    """Look for the lines that others saw of a segment; what runs saw that went in too was looked for then."""
    if covered.length is not None:
        return  # it is read again
    wanted = {end for end, seer in journal.wanted[covered.run].items() if seer not in seers}
    if wanted <= {covered.end.encode()}:
        return
    for _, _, line in journal.trusted[covered.run].segment.lines():
        wanted.discard(line[-19:-3])
    if wanted:
        raise Unfit(f"a line of run {covered.run} that others saw is not in it")


@dataclass(slots=True)
class _Fold:
    """Takes in segments in their order, and keeps what went in for as long as nothing of it may still change."""

    projection: Projection
    where: Where
    seals: Seals | None
    tell: Tell
    covered: list[CoveredSegment] = field(default_factory=list)
    ends: dict[str, str] = field(default_factory=dict)
    """By run: the checksum of the last line."""
    known: KnownValues = field(default_factory=KnownValues)

    def all(self, ordered: Sequence[FoundSegment], journal: JournalInOrder, into: Snapshots | None) -> None:
        """Take in these segments, and make a snapshot of the first of them, if there is where to keep it."""
        done = _done(ordered)
        lines, covering = 0, into is not None
        for each in ordered:
            reading = self._read(each, journal)
            if not covering:
                continue
            lines += reading.lines
            self._cover(each, reading, done=each.run in done)
            if each.run not in done:
                self._keep(into, lines)
                covering = False
        if covering:
            self._keep(into, lines)

    def _read(self, found: FoundSegment, journal: JournalInOrder) -> Reading:
        last = self.covered[-1] if self.covered and self.covered[-1].run == found.run else None
        if last:
            self.covered.pop()
        after = last.prefix if last else Prefix()
        reading = Reading(found, self.tell, self.seals, after, self.known)
        try:
            self.projection.all(reading.records(journal.wanted[found.run], self.where(found.run)))
        except JournalDamaged as problem:
            self.tell(problem)
        self.ends[found.run] = reading.chain.sum.decode()
        return reading

    def _cover(self, found: FoundSegment, reading: Reading, *, done: bool) -> None:
        prefix, end = reading.prefix, reading.chain.sum.decode()
        proof = found.segment.proof(reading.digest) if done else prefix.digest
        length = None if done else prefix.length
        self.covered.append(CoveredSegment(found.run, found.opening, found.place[1], end, proof, length))

    def _keep(self, into: Snapshots | None, lines: int) -> None:
        if into is None or lines < ENOUGH_LINES or (isinstance(self.tell, Telling) and self.tell.told):
            return
        try:
            cover = cover_of(self.projection.organization_id, self.covered, self.seals)
        except KeyUnusable as problem:
            log.info("no snapshot of the journal was made: %s", problem)
        else:
            into.keep(cover, self.projection, self.seals)


def _done(ordered: Sequence[FoundSegment]) -> set[str]:
    """Name the runs whose segments do not grow any more, as far as can be told. A wrong guess costs time only."""
    written = {each.run: last_written(each.segment) for each in ordered}
    newest = max((at for _, at in written.values() if at), default=None)
    done = set()
    for each in ordered:
        kind, at = written[each.run]
        silent = at is not None and newest is not None and newest - at > _SILENCE
        if kind in _ENDS or silent or each.opening is None:
            done.add(each.run)
    return done


def _raise(problem: RolloutError) -> None:
    """Leave the snapshot aside: the journal is then read as a whole, and what is wrong with it told."""
    if isinstance(problem, KeyUnusable):
        raise problem
    raise Unfit(str(problem))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Let a million objects come to be without looking through all of them again and again; none is garbage.

    Nor are they looked through later: what a command has read of the journal goes when nothing refers to it any more.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
