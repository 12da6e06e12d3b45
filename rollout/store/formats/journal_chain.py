"""Proves a journal whole: lines carry checksums, and each run names what was there of the others when it began.

A segment opens with a line of its own, `{"type":"SegmentOpened","run":…,"number":…,"saw":{run:checksum},"sum":…}`.
Every line's `sum` is a checksum over the line and the `sum` before it; the first goes on from the run's id. `saw` names
the last line of every segment that no earlier `saw` names already, so what a run saw is found by following it from one
segment to the next. `number` puts the runs in order: it is higher than that of any run seen.

Segments of earlier versions have neither checksums nor numbers. They come first, by the time of their first record.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from rollout.domain.progress.records import Record
from rollout.errors import AwsFailure, JournalDamaged, Unwritable
from rollout.files.bounded_files import BeyondLimit, BoundedStream, Lines
from rollout.store.formats.journal_lines import LIMITS, BrokenLine, UnknownLine, record_of, start_of

TAIL = 65_536
"""Bytes at the end of a segment that are sure to hold two lines, or nearly."""

_OPENS = b'{"type":"SegmentOpened",'
_SUM = re.compile(rb',"sum":"[0-9a-f]{16}"\}\n?\Z')
_SUM_LENGTH = len(b',"sum":"0123456789abcdef"}\n')


class Segment(Protocol):
    """What one run has written, in one file or several. Each method may raise JournalDamaged where it is unreadable."""

    @property
    def run(self) -> str:
        """The id of the run."""

    @property
    def may_be_torn(self) -> bool:
        """Whether a crash can have cut the last line short."""

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        """Give file, number in it, and bytes of each line; only a last one has no line break."""

    def tail(self) -> bytes:
        """Give the last TAIL bytes, or all that there are."""

    def keep(self) -> None:
        """Make sure that what was read stays, whoever wrote it and whatever happens to this machine."""


def lines_in(stream: Lines, where: str) -> Iterator[tuple[str, int, bytes]]:
    """Give the lines of one file or object as `Segment.lines` does. Raises JournalDamaged beyond the limits."""
    try:
        for number, line in enumerate(BoundedStream(stream, where, LIMITS), 1):
            yield where, number, line
    except BeyondLimit as problem:
        raise JournalDamaged(str(problem), cure=_CURE) from problem


Look = Callable[[], Sequence[Segment]]


class Chain:
    """The checksums along one segment; `sum` is that of the last line."""

    def __init__(self, run: str) -> None:
        """Begin at a run's id, so that no segment passes for another's."""
        self.sum = _sum(run.encode())

    def add(self, bare: bytes) -> bytes:
        """Give a line, line break included, its checksum."""
        self.sum = _sum(self.sum + bare)
        return b'%b,"sum":"%b"}\n' % (bare[:-2], self.sum)

    def check(self, line: bytes) -> bytes:
        """Take the checksum off the line that follows. Raises BrokenLine unless it is that very line."""
        # Without a line break it was cut short right before it, or the line break itself is what is damaged.
        for whole in (line,) if line.endswith(b"\n") else (line + b"\n", line[:-1] + b"\n"):
            bare = whole[:-_SUM_LENGTH] + b"}\n"
            if whole.endswith(b',"sum":"%b"}\n' % _sum(self.sum + bare)):
                self.sum = whole[-19:-3]
                return bare
        raise BrokenLine("its checksum does not fit it and the line before")


def _sum(content: bytes) -> bytes:
    return sha256(content).hexdigest()[:16].encode()


@dataclass(frozen=True, slots=True)
class _Opening:
    type: Literal["SegmentOpened"]
    run: str
    number: int
    saw: dict[str, str]


_OPENING = TypeAdapter(_Opening)


@dataclass(frozen=True, slots=True)
class _Found:
    """A segment, its opening line (None: of an earlier version, or nothing whole in it), and its place in the order."""

    segment: Segment
    opening: _Opening | None
    place: tuple[int, datetime, str]

    @property
    def saw(self) -> dict[str, str]:
        return self.opening.saw if self.opening else {}


class NewSegment:
    """Spells the lines of a run that writes."""

    def __init__(self, run: str, look: Look) -> None:
        """Look at nothing yet; `look` finds the segments that are there."""
        self._run, self._look = run, look
        self._chain: Chain | None = None

    def spell(self, lines: Sequence[bytes]) -> bytes:
        """Give lines their checksums, in this order; the first time behind the opening. Raises Unwritable."""
        if self._chain is None:
            lines = [self._opening(), *lines]
            self._chain = Chain(self._run)
        return b"".join(map(self._chain.add, lines))

    def _opening(self) -> bytes:
        try:
            segments = self._look()
            found = [each for each in map(_found_or_none, segments) if each]
            named = {item for each in found for item in each.saw.items()}
            runs = {run for run, _ in named}
            saw = {}
            for each in found:
                run = each.segment.run
                if each.opening is None and run in runs:
                    continue  # of an earlier version: it does not grow any more, and is slow to look at
                if (end := _end(each)) and (run, end) not in named:
                    each.segment.keep()
                    saw[run] = end
        except (AwsFailure, JournalDamaged) as problem:
            raise Unwritable(f"the journal cannot be added to: {problem}", cure=problem.cure) from problem
        number = 1 + max([len(segments), *(each.place[0] for each in found)])
        return _OPENING.dump_json(_Opening("SegmentOpened", self._run, number, saw)) + b"\n"


def _found_or_none(segment: Segment) -> _Found | None:
    """Find a segment; None for one that is damaged, which stops no run from writing: readers are told of it."""
    try:
        return _found(segment)
    except JournalDamaged:
        return None


def _found(segment: Segment) -> _Found:
    where, number, line = next(segment.lines(), ("", 0, b""))
    if line.startswith(_OPENS) or _SUM.search(line):
        try:
            opening = _OPENING.validate_json(Chain(segment.run).check(line))
            return _Found(segment, opening, (opening.number, start_of(b""), segment.run))
        except ValidationError as problem:
            raise _unknown(where, number, UnknownLine("how the segment opens")) from problem
        except BrokenLine as problem:
            if line.endswith(b"\n") or not segment.may_be_torn:
                raise _damaged(where, number, problem) from problem
    return _Found(segment, None, (0, start_of(line), segment.run))


def _end(found: _Found) -> str:
    """Give the checksum of the last whole line; empty where there is none, or it is damaged."""
    chain = Chain(found.segment.run)
    try:
        last = found.segment.tail().split(b"\n")[-3:-1] if found.opening else []
        if len(last) == 2:
            chain.sum = last[0][-18:-2]
            chain.check(last[1] + b"\n")
            return chain.sum.decode()
        none = chain.sum
        for _ in _records(found, chain, {}, ""):
            pass
    except (JournalDamaged, BrokenLine):
        return ""
    return "" if chain.sum == none else chain.sum.decode()


def records_of(look: Look, where: Callable[[str], str]) -> Iterator[Record]:
    """Read all segments in order; a torn last line is passed over. Raises JournalDamaged where anything is missing.

    `where` tells a person where a run's segment belongs.
    """
    found, wanted = _all_found(look)
    if wanted.keys() - found.keys():
        # One that came while the others were listed can have been seen already.
        found, wanted = _all_found(look)
    for run in sorted(wanted.keys() - found.keys()):
        seer = next(iter(wanted[run].values()))
        raise JournalDamaged(f"{where(run)} is missing: run {seer} saw it", cure=_CURE)
    for each in sorted(found.values(), key=lambda each: each.place):
        run = each.segment.run
        yield from _records(each, Chain(run), wanted.get(run, {}), where(run))


def _all_found(look: Look) -> tuple[dict[str, _Found], dict[str, dict[bytes, str]]]:
    """Find all segments by run, and by run and checksum the lines that must be there, with the run that saw them."""
    found = {segment.run: _found(segment) for segment in look()}
    wanted: defaultdict[str, dict[bytes, str]] = defaultdict(dict)
    for seer, each in found.items():
        for run, end in each.saw.items():
            wanted[run][end.encode()] = seer
    return found, dict(wanted)


def _records(found: _Found, chain: Chain, wanted: dict[bytes, str], where: str) -> Iterator[Record]:
    segment, summed = found.segment, found.opening is not None
    file, number = where, 0
    torn: JournalDamaged | None = None
    for file, number, line in segment.lines():
        if torn:
            raise torn
        try:
            bare = chain.check(line) if summed else line
            record = None if summed and bare.startswith(_OPENS) else record_of(bare)
        except BrokenLine as problem:
            torn = _damaged(file, number, problem)
            # A crash cuts the last line short; nobody was told that it was written.
            if not segment.may_be_torn or (summed and line.endswith(b"\n")):
                raise torn from problem
            continue
        except UnknownLine as problem:
            raise _unknown(file, number, problem) from problem
        if not summed:
            chain.add(line.rstrip(b"\n") + b"\n")
        wanted.pop(chain.sum, None)
        if record:
            yield record
    if wanted:
        seer = next(iter(wanted.values()))
        raise JournalDamaged(
            f"{file} was cut short at line {number}, or replaced: a line that run {seer} saw is not in it",
            cure=_CURE,
        )


_CURE = "take that file back from a backup; without it, nobody knows what that run changed"


def _damaged(where: str, number: int, problem: BrokenLine) -> JournalDamaged:
    return JournalDamaged(f"{where}, line {number} is damaged: {problem}", cure=_CURE)


def _unknown(where: str, number: int, problem: UnknownLine) -> JournalDamaged:
    return JournalDamaged(
        f"{where}, line {number} was not written by this version of rollout: {problem}",
        cure="use the newest version of rollout that anybody used on this store",
    )
