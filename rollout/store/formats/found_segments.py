"""Finds segments of the journal: how each opens, who sealed it, and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from pydantic_core import from_json

from rollout.domain.progress.records import Record
from rollout.errors import JournalDamaged, RecordAltered, RolloutError
from rollout.files.bounded_files import BeyondLimit, BoundedStream, Lines
from rollout.store.formats.journal_chain import BadSeal, Chain, Opening, is_chained, is_opening, opening_of
from rollout.store.formats.journal_lines import (
    LIMITS,
    BrokenLine,
    KnownValues,
    UnknownLine,
    record_of,
    start_of,
    type_of,
)
from rollout.store.formats.seals import Seals, refuse

TAIL = 65_536
"""Bytes at the end of a segment that are sure to hold two lines, or nearly."""

Tell = Callable[[RolloutError], None]


class Segment(Protocol):
    """What one run has written, in one file or several. Each method may raise JournalDamaged where it is unreadable."""

    @property
    def run(self) -> str:
        """The id of the run."""

    @property
    def may_be_torn(self) -> bool:
        """Whether a crash can have cut the last line short."""

    def proof(self, digest: str) -> str:
        """Give what changes whenever the bytes do: what a listing said of it, else the digest of what was read."""

    def proves(self, proof: str) -> bool:
        """Tell whether the bytes are still those of this proof; if so, nobody is likely to read them."""

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
        raise JournalDamaged(str(problem), cure=FIND_OUT) from problem


Look = Callable[[], Sequence[Segment]]


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """A segment, its opening line (None: of an earlier version, or nothing whole in it), and its place in the order.

    `seals` are those that its lines were sealed with. Without any, nothing tells who wrote it.
    """

    segment: Segment
    opening: Opening | None
    place: tuple[int, datetime, str]
    seals: Seals | None = None

    @property
    def run(self) -> str:
        """The id of the run."""
        return self.segment.run

    @property
    def saw(self) -> dict[str, str]:
        """By run, the checksum of the last line that this run saw of it."""
        return self.opening.saw if self.opening else {}


def find(segment: Segment, seals: Seals | None) -> FoundSegment:
    """Read how a segment opens. Raises JournalDamaged, also where it says falsely that this store's key sealed it."""
    where, number, line = next(segment.lines(), ("", 0, b""))
    if is_chained(line):
        try:
            opening = _opening_of(line, segment.run, seals)
            sealed = seals if seals and opening.key == seals.fingerprint else None
            if sealed:
                Chain(segment.run, sealed).check(line)
            return FoundSegment(segment, opening, (opening.number, start_of(b""), segment.run), sealed)
        except UnknownLine as problem:
            raise _unknown(where, number, problem) from problem
        except BadSeal as problem:
            raise _altered(where, number, problem) from problem
        except BrokenLine as problem:
            if line.endswith(b"\n") or not segment.may_be_torn:
                raise _damaged(where, number, problem, seals) from problem
    return FoundSegment(segment, None, (0, start_of(line), segment.run))


def _opening_of(line: bytes, run: str, seals: Seals | None) -> Opening:
    """Parse an opening. Raises BrokenLine, UnknownLine, BadSeal."""
    try:
        return opening_of(Chain(run).check(line))
    except UnknownLine:
        if seals:  # only if it is sealed can a newer version have written it
            Chain(run, seals).check(line)
        raise


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a segment: so many bytes, and their digest."""

    length: int = 0
    digest: str = ""


class PrefixChanged(Exception):
    """A segment does not begin with the bytes that it began with before."""


class Reading:
    """Reads the records of one segment, and tells what is wrong with it; `chain` is at the last line read.

    `lines` counts those that were read, and `prefix` is all up to the last of them that is whole.
    """

    def __init__(
        self,
        found: FoundSegment,
        tell: Tell = refuse,
        seals: Seals | None = None,
        after: Prefix = Prefix(),
        known: KnownValues | None = None,
        only: frozenset[bytes] = frozenset(),
        *,
        proven: bool = False,
    ) -> None:
        """Read nothing yet. `seals`: those of the store, whether they sealed this segment or not.

        The lines in `after` were read before; there, it is only looked whether they are still the same. `known`: what
        other segments of the journal have in common with this one. `only`: the types of records that are wanted; others
        are checked, and not made. Without any, all are. `proven`: the bytes are known to be right, so that not even
        the lines of other types are looked into.
        """
        self.chain = Chain(found.run, found.seals)
        self._found, self._tell, self._seals = found, tell, seals
        self._after, self._known, self._only, self._proven = after, known, only, proven
        self.lines = 0
        self._length, self._digest, self._torn = 0, sha256(), b""

    def records(self, wanted: dict[bytes, str] | None = None, where: str = "") -> Iterator[Record]:
        """Yield the records; a torn last line is passed over.

        `wanted`: by checksum, the lines that must be there, with who saw them. Raises PrefixChanged.
        """
        wanted = wanted or {}
        segment, chained = self._found.segment, self._found.opening is not None
        file, number = where, 0
        torn: JournalDamaged | None = None
        passed = b""
        for file, number, line in segment.lines():
            if self._length < self._after.length:
                self._skip(line, wanted)
                continue
            if self._proven and type_of(line) not in {b"", *self._only}:
                passed = line
                continue
            if passed:
                self.chain.go_on_after(passed)
                passed = b""
            if torn:
                self._tell(torn)
                torn = None
            try:
                record = self._record(line, chained=chained)
            except BrokenLine as problem:
                self.chain.go_on_after(line)
                self._torn = line
                torn = _damaged(file, number, problem, self._seals)
                # A crash cuts the last line short; nobody was told that it was written.
                if not segment.may_be_torn or (chained and line.endswith(b"\n")):
                    self._tell(torn)
                    torn = None
                continue
            except BadSeal as problem:
                self._tell(_altered(file, number, problem))
                continue
            except UnknownLine as problem:
                self._tell(_unknown(file, number, problem))
                continue
            wanted.pop(self.chain.sum, None)
            self._count(line)
            self.lines += 1
            if record:
                yield record
        if self._length < self._after.length:
            raise PrefixChanged
        if wanted:
            self._tell(_cut_short(file, number, next(iter(wanted.values())), self._seals))

    @property
    def prefix(self) -> Prefix:
        """What was read whole."""
        return Prefix(self._length, self._digest.hexdigest())

    @property
    def digest(self) -> str:
        """The digest of the whole segment, a torn last line included, once all of it was read."""
        digest = self._digest.copy()
        digest.update(self._torn)
        return digest.hexdigest()

    def _skip(self, line: bytes, wanted: dict[bytes, str]) -> None:
        self._count(line)
        if wanted:
            wanted.pop(line[-19:-3], None)  # its checksum
        if self._length >= self._after.length:
            self.chain.go_on_after(line)
            if self.prefix != self._after:
                raise PrefixChanged

    def _count(self, line: bytes) -> None:
        self._length += len(line)
        self._digest.update(line)

    def _record(self, line: bytes, *, chained: bool) -> Record | None:
        if chained:
            bare = self.chain.check(line)
            unwanted = bool(self._only) and type_of(bare) not in {b"", *self._only}
            return None if unwanted or is_opening(bare) else record_of(bare, self._known)
        record = record_of(line, self._known)
        self.chain.add(line.rstrip(b"\n") + b"\n")
        return record


def end_of(found: FoundSegment) -> str:
    """Give the checksum of the last whole line; empty where there is none, or it is not what was written."""
    reading = Reading(found)
    chain, none = reading.chain, reading.chain.sum
    try:
        last = found.segment.tail().split(b"\n")[-3:-1] if found.opening else []
        if len(last) == 2:
            chain.go_on_after(last[0] + b"\n")
            chain.check(last[1] + b"\n")
        else:
            for _ in reading.records():
                pass
    except (JournalDamaged, BrokenLine, BadSeal):
        return ""
    return "" if chain.sum == none else chain.sum.decode()


def last_written(segment: Segment) -> tuple[str, datetime | None]:
    """Tell of which type the last whole line of a segment is, and when it was written; as far as it says so."""
    try:
        last = from_json(segment.tail().split(b"\n")[-2])
        return str(last["type"]), datetime.fromisoformat(last["at"])
    except (ValueError, LookupError, TypeError):
        return "", None


def digest_of(segment: Segment) -> str:
    """Digest the bytes of a segment, however many files they are in. Raises JournalDamaged."""
    digest = sha256()
    for _, _, line in segment.lines():
        digest.update(line)
    return digest.hexdigest()


# --- What is wrong ---

_CURE = "take that file back from a backup; without it, nobody knows what that run changed"
FIND_OUT = (
    "find out who changed it, and take that file back from a backup or an older version; if no run of yours wrote it, "
    "move it out of the store; if the store was restored or begun anew on purpose, delete the file in which this "
    "machine remembers it"
)


def damage(seals: Seals | None, message: str) -> JournalDamaged:
    """Say what is missing or damaged; in a store that has a key, somebody may have done it."""
    return RecordAltered(message, cure=FIND_OUT) if seals else JournalDamaged(message, cure=_CURE)


def _damaged(where: str, number: int, problem: BrokenLine, seals: Seals | None) -> JournalDamaged:
    return damage(seals, f"{where}, line {number} is damaged: {problem}")


def _altered(where: str, number: int, problem: BadSeal) -> RecordAltered:
    return RecordAltered(
        f"{where}, line {number} was not written with this store's key: {problem}", cure=FIND_OUT
    )


def _cut_short(where: str, number: int, seer: str, seals: Seals | None) -> JournalDamaged:
    seen = f"a line that {seer} saw is not in it"
    return damage(seals, f"{where} was cut short at line {number}, or replaced: {seen}")


def _unknown(where: str, number: int, problem: UnknownLine) -> JournalDamaged:
    return JournalDamaged(
        f"{where}, line {number} was not written by this version of rollout: {problem}",
        cure="use the newest version of rollout that anybody used on this store",
    )
