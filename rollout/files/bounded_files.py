"""Reads files and objects within limits, so that none of them, whoever wrote it, takes the memory of the machine.

Everything that somebody else may have written goes through here: plans, evidence, the journal, locks, mappings, and
whatever is in a bucket. The limits leave room for a million users: what is long is read line by line.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic_core import from_json

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

MOST_VALUES = 250_000
"""The most values in one JSON document: an empty object takes 3 bytes in a file and 72 in memory."""
# What compresses better is no evidence: users have ids and digests, which do not compress. 53 was seen at most.
_BEST_RATIO = 250
_RATIO_FROM = 64 * MIB


class BeyondLimit(ValueError):
    """A file is larger than any that belongs in its place; `str()` names the file and the limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most bytes that a file may have, after unpacking, and that a line of it may have."""

    total: int
    line: int


SMALL = Limits(64 * KIB, 64 * KIB)
"""For files of a few fields."""


class Bytes(Protocol):
    """What bytes can be read from, such as a file that is packed."""

    def read(self, size: int = ..., /) -> bytes:
        """Read so many bytes, or fewer at the end."""


class Lines(Bytes, Protocol):
    """What can be read within limits: a file, an object, or what is unpacked from one."""

    def readline(self, size: int = ..., /) -> bytes:
        """Read to the end of the line, or so many bytes."""


class BoundedStream:
    """Reads a stream to its end, and raises BeyondLimit where the stream or a line of it is too long.

    `where` names the file in the error.
    """

    def __init__(self, stream: Lines, where: str, limits: Limits) -> None:
        """Read nothing yet."""
        self._stream, self.where, self._limits = stream, where, limits
        self._seen = 0

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or everything. Raises BeyondLimit."""
        room = self._limits.total - self._seen + 1
        return self._counted(self._stream.read(room if size < 0 else min(size, room)))

    def readline(self) -> bytes:
        """Read a line with its line feed; empty at the end. Raises BeyondLimit."""
        line = self._stream.readline(self._limits.line + 1)
        if len(line) > self._limits.line:
            raise BeyondLimit(f"{self.where} has a line of more than {size_text(self._limits.line)}")
        return self._counted(line)

    def __iter__(self) -> Iterator[bytes]:
        """Yield each line. Raises BeyondLimit."""
        while line := self.readline():
            yield line

    def _counted(self, data: bytes) -> bytes:
        self._seen += len(data)
        if self._seen > self._limits.total:
            raise BeyondLimit(f"{self.where} is larger than {size_text(self._limits.total)}")
        return data


@contextmanager
def unzipped(stream: Bytes, where: str, limits: Limits) -> Iterator[BoundedStream]:
    """Open what a gzip file holds; the limits are about that. Raises BeyondLimit, and BadZip for no valid gzip."""
    packed = _Counted(stream)
    try:
        with gzip.GzipFile(fileobj=cast("Any", packed), mode="rb") as inside:
            yield _Unpacked(inside, packed, where, limits)
    except (gzip.BadGzipFile, zlib.error, EOFError) as problem:
        raise BadZip(str(problem)) from problem


class BadZip(ValueError):
    """The file is not complete, valid gzip."""


class _Counted:
    """Counts what is read from a packed file."""

    def __init__(self, stream: Bytes) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


class _Unpacked(BoundedStream):
    """Stops a bomb early: a small file that unpacks to a large one."""

    def __init__(self, stream: Lines, packed: _Counted, where: str, limits: Limits) -> None:
        super().__init__(stream, where, limits)
        self._packed = packed

    def _counted(self, data: bytes) -> bytes:
        if super()._counted(data) and self._seen > _RATIO_FROM + _BEST_RATIO * self._packed.count:
            raise BeyondLimit(f"{self.where} unpacks to more than {_BEST_RATIO} times its size")
        return data


def parse_json(text: bytes) -> Any:
    """Parse a JSON document. Raises ValueError: BeyondLimit where it has more than MOST_VALUES values."""
    check_values(text)
    return from_json(text)


def check_values(text: bytes) -> None:
    """Raise BeyondLimit for a JSON document of more than MOST_VALUES values."""
    if len(text) > MOST_VALUES and values_in(text) > MOST_VALUES:  # each takes a byte at least
        raise BeyondLimit(f"it has more than {MOST_VALUES:,} values")


def values_in(text: bytes) -> int:
    """Count what may begin a value, without parsing: never fewer than there are, but for the first."""
    return sum(map(text.count, (b",", b"[", b"{")))


def size_text(size: int) -> str:
    """Spell a size: `64 KiB`."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"
