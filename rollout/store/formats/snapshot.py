"""Spells what the journal comes to up to some point, so that the next command goes on from there.

A snapshot is never the authority: it names the segments that went into it, and whatever does not fit them, this code or
the store's key counts for nothing. Then it is made anew from the journal.

First comes one line of JSON, the `Cover`, then the state as gzipped rows (`rows.py`), whose digest is in the cover.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib import resources
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO, Literal, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from rollout.domain.people.users import UserRef
from rollout.domain.progress.projection import Projection
from rollout.domain.progress.records import RunStarted
from rollout.files.bounded_files import GIB, MIB, BeyondLimit, BoundedStream, Limits, unzipped
from rollout.store.formats.found_segments import FoundSegment, Prefix, Segment
from rollout.store.formats.journal_chain import Opening
from rollout.store.formats.rows import RowCodec, RowCodecs, shape_of
from rollout.store.formats.seals import Seals, stamped, unstamped

_SCHEMA = 1
_LIMITS = Limits(1 * GIB, 64 * MIB)
"""Of a snapshot as it is stored; that of a million users has 100 MiB."""
_ROWS = Limits(8 * GIB, 64 * MIB)
_SHARED = {UserRef: "id", RunStarted: "run"}
_AT_A_TIME = 200
"""Entries in one line: few enough for memory, many enough for speed."""


class Unfit(Exception):
    """The snapshot does not fit, and why; it is left aside."""


@dataclass(frozen=True, slots=True)
class CoveredSegment:
    """A segment that went into a snapshot. `opening` is None for one of an earlier version, which began at `start`.

    `end` is the checksum of its last line, and `proof` changes with its bytes: it is what a listing says of it, or
    their digest. A segment that may still have been growing went in up to `length`; then `proof` is about these bytes.
    """

    run: str
    opening: Opening | None
    start: datetime
    end: str
    proof: str
    length: int | None = None

    @property
    def prefix(self) -> Prefix:
        """What of a segment that may have been growing went in; nothing is read again of any other."""
        return Prefix(self.length, self.proof) if self.length is not None else Prefix()

    def found(self, segment: Segment, seals: Seals | None) -> FoundSegment:
        """Find the segment again without reading it. Raises Unfit, JournalDamaged."""
        if self.length is None and not segment.proves(self.proof):
            raise Unfit(f"run {self.run} has changed")
        number = self.opening.number if self.opening else 0
        sealed = seals if seals and self.opening and self.opening.key == seals.fingerprint else None
        return FoundSegment(segment, self.opening, (number, self.start, self.run), sealed)


@dataclass(frozen=True, slots=True)
class Cover:
    """What a snapshot is of, in the order of the journal. `folded_by` names the code; `key` is as in `Opening`."""

    type: Literal["Snapshot"]
    schema: int
    organization_id: str
    folded_by: str
    segments: tuple[CoveredSegment, ...]
    body: str = ""
    key: str = ""


_COVER = TypeAdapter(Cover)


def cover_of(organization_id: str, segments: Iterable[CoveredSegment], seals: Seals | None) -> Cover:
    """Make a cover for what is folded now. Raises KeyUnusable."""
    key = seals.fingerprint if seals else ""
    return Cover("Snapshot", _SCHEMA, organization_id, folded_by(), tuple(segments), key=key)


def snapshot_bytes(cover: Cover, projection: Projection, seals: Seals | None) -> Iterator[bytes]:
    """Spell a snapshot, the cover first. Raises KeyUnusable."""
    body = _zipped(projection)
    line = _COVER.dump_json(replace(cover, body=sha256(body).hexdigest())) + b"\n"
    yield stamped(line, seals.seal("snapshot", line).encode()) if seals else line
    yield body


def read_cover(stream: BinaryIO, organization_id: str, seals: Seals | None) -> Cover:
    """Read and check the first line. Raises Unfit, KeyUnusable."""
    try:
        line, seal = unstamped(BoundedStream(stream, "it", _LIMITS).readline())
    except BeyondLimit as problem:
        raise Unfit(str(problem)) from problem
    if seals and not seals.fits("snapshot", line, seal.decode()):
        raise Unfit("it was not sealed with this store's key")
    try:
        cover = _COVER.validate_json(line)
    except ValidationError as problem:
        raise Unfit("its first line is none of ours") from problem
    if cover.schema != _SCHEMA or cover.folded_by != folded_by():
        raise Unfit("another version of rollout made it")
    if cover.organization_id != organization_id:
        raise Unfit("it is about another organization")
    return cover


def read_projection(stream: BinaryIO, cover: Cover) -> Projection:
    """Read the state behind this very cover, and check it. Raises Unfit."""
    try:
        bounded = BoundedStream(stream, "it", _LIMITS)
        bounded.readline()
        body = bounded.read()
        if sha256(body).hexdigest() != cover.body:
            raise Unfit("it is damaged")
        return _unzipped(body, cover.organization_id)
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        raise Unfit(f"it cannot be read: {problem}") from problem


@cache
def folded_by() -> str:
    """Name the code that folds the journal: a snapshot by other code may mean something else."""
    digest = sha256(shape_of(Projection).encode())
    package = resources.files("rollout.domain.progress")
    for source in sorted((item for item in package.iterdir() if item.name.endswith(".py")), key=str):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


# --- State ---


@dataclass(frozen=True, slots=True)
class _Section:
    """One dict, list or set of the state: the way to it by attributes, and the codec of its entries."""

    path: tuple[str, ...]
    kind: type[Any]
    entries: RowCodec

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def of(self, projection: Projection) -> Any:
        value: Any = projection
        for name in self.path:
            value = getattr(value, name)
        return value

    def extend(self, projection: Projection, entries: list[Any]) -> None:
        into = self.of(projection)
        if self.kind is list:
            into.extend(entries)
        else:
            into.update(entries)


def _sections(kind: type[Any], codecs: RowCodecs, path: tuple[str, ...] = ()) -> Iterator[_Section]:
    hints = get_type_hints(kind)
    for field in fields(kind):
        hint, here = hints[field.name], (*path, field.name)
        origin = get_origin(hint)
        if origin is dict:
            yield _Section(here, dict, codecs.of_items(*hint.__args__))
        elif origin in (list, set):
            yield _Section(here, origin, codecs.of(hint.__args__[0]))
        elif is_dataclass(hint) and isinstance(hint, type):
            yield from _sections(hint, codecs, here)
        elif here != ("organization_id",):
            raise TypeError(f"a snapshot does not hold {'.'.join(here)}")


def _zipped(projection: Projection) -> bytes:
    sink = BytesIO()
    with gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=1, mtime=0) as stream:
        for row in _rows(projection):
            stream.write(to_json(row, fallback=dict) + b"\n")
    return sink.getvalue()


def _rows(projection: Projection) -> Iterator[tuple[str, list[Any]]]:
    codecs = RowCodecs(_SHARED)
    for section in _sections(Projection, codecs):
        holder, encode = section.of(projection), section.entries.encode
        entries = iter(holder.items() if section.kind is dict else holder)
        while some := list(islice(entries, _AT_A_TIME)):
            rows = [encode(entry) for entry in some] if encode else some
            for shared in codecs.shared:
                if spelled := shared.spelled():
                    yield shared.name, spelled
            yield section.name, rows


def _unzipped(body: bytes, organization_id: str) -> Projection:
    projection, codecs = Projection(organization_id), RowCodecs(_SHARED)
    sections = {section.name: section for section in _sections(Projection, codecs)}
    shared = {one.name: one for one in codecs.shared}
    with unzipped(BytesIO(body), "it", _ROWS) as stream:
        for line in stream:
            name, rows = from_json(line)
            if name in shared:
                shared[name].read(rows)
                continue
            section = sections[name]
            decode = section.entries.decode
            section.extend(projection, [decode(row) for row in rows] if decode else rows)
    return projection
