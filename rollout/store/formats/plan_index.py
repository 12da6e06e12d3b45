"""Reads and writes the index beside a plan: a line per account, by which one account is found without the others.

See design.md#plan-file.

Each line holds two JSON values, with a tab between. The first says what stands in the account's part, and the digest of
the account's evidence; the digest of all these values is in the plan's header, so the plan's checksum covers them. The
second says where the part stands in the two files. Nothing vouches for that, since zlib's versions compress
differently; but whatever stands there has to have the digest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from rollout.domain.plan.outline import AccountOutline
from rollout.files.bounded_files import GIB, MIB, BeyondLimit, BoundedStream, Limits
from rollout.store.formats.mappings import ANY_MAPPING

LIMITS = Limits(total=GIB, line=MIB)
"""10,000 accounts take 4 MB."""


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in an account's part, and the digest of its lines of evidence."""

    outline: AccountOutline
    evidence: str


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an account's part begins, in bytes: its document in the plan file, its evidence in the packed file.

    `line` is the number of lines before the document.
    """

    document: int
    line: int
    evidence: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """One account of the index."""

    content: Content
    place: Whereabouts


_CONTENT, _PLACE = TypeAdapter(Content), TypeAdapter(Whereabouts)


class UnusableIndex(Exception):
    """The index is damaged, or belongs to other evidence; the plan has to be read without it."""


@dataclass(slots=True)
class IndexWriter:
    """Collects the lines of an index; where the documents stand is known only once the header is written."""

    _rows: list[tuple[bytes, Whereabouts]] = field(default_factory=list)

    def add(self, content: Content, place: Whereabouts) -> None:
        """Note one account; `place` counts from the end of the plan's header."""
        self._rows.append((_CONTENT.dump_json(content, **ANY_MAPPING), place))

    @property
    def digest(self) -> str:
        """The digest of what stands in the accounts, as `sha256:<hex>`."""
        found = sha256()
        for content, _ in self._rows:
            found.update(content + b"\n")
        return f"sha256:{found.hexdigest()}"

    def write(self, stream: BinaryIO, header: bytes) -> None:
        """Write the index of a plan that has this header."""
        lines = header.count(b"\n")
        for content, place in self._rows:
            moved = Whereabouts(len(header) + place.document, lines + place.line, place.evidence)
            stream.write(content + b"\t" + _PLACE.dump_json(moved) + b"\n")


def read_index(stream: BoundedStream, digest: str) -> list[Indexed]:
    """Read the index that has the digest. Raises UnusableIndex."""
    found, read = sha256(), []
    try:
        for line in stream:
            content, _, place = line.partition(b"\t")
            found.update(content + b"\n")
            read.append(Indexed(_CONTENT.validate_json(content), _PLACE.validate_json(place)))
    except (BeyondLimit, ValidationError) as problem:
        raise UnusableIndex from problem
    if digest != f"sha256:{found.hexdigest()}":
        raise UnusableIndex
    return read


def chosen(index: list[Indexed], accounts: frozenset[str]) -> Iterator[Indexed]:
    """Yield those of these accounts."""
    return (one for one in index if one.content.outline.account_id in accounts)
