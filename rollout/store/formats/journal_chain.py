"""Proves a journal whole: lines carry checksums, and each run names what was there of the others when it began.

A segment opens with a line of its own, `{"type":"SegmentOpened","run":…,"number":…,"saw":{run:checksum},"sum":…}`.
Every line's `sum` is a checksum over the line and the `sum` before it; the first goes on from the run's id. `saw` names
the last line of every segment that no earlier `saw` names already, so what a run saw is found by following it from one
segment to the next. `number` puts the runs in order: it is higher than that of any run seen.

In a store that has a key, every line also carries a seal, `"mac"`, over the line and the `mac` before it, by a key of
that run alone. The opening then names the key, and `seals` the segments without a seal that an operator has looked at
and vouches for, each by the digest of its bytes.

Segments of earlier versions have neither checksums nor numbers. They come first, by the time of their first record.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from rollout.store.formats.journal_lines import BrokenLine, UnknownLine
from rollout.store.formats.seals import Seals, stamped, unstamped

_OPENS = b'{"type":"SegmentOpened",'
_SUM = re.compile(rb',"sum":"([0-9a-f]{16})"\}\n?\Z')
_SUM_LENGTH = len(b',"sum":"0123456789abcdef"}\n')


class BadSeal(ValueError):
    """The line is whole, but this store's key has not sealed it, here."""


class Chain:
    """The checksums along one segment, and its seals where there is a key; `sum` is that of the last line."""

    def __init__(self, run: str, seals: Seals | None = None) -> None:
        """Begin at a run's id, so that no segment passes for another's. Raises KeyUnusable."""
        self.sum = _sum(run.encode())
        self._mac = b""
        self._key = seals.key_of_run(run) if seals else b""

    def add(self, bare: bytes) -> bytes:
        """Give a line, line break included, its seal and its checksum."""
        if self._key:
            self._mac = self._seal(bare)
            bare = stamped(bare, self._mac)
        self.sum = _sum(self.sum + bare)
        return b'%b,"sum":"%b"}\n' % (bare[:-2], self.sum)

    def check(self, line: bytes) -> bytes:
        """Take checksum and seal off the line that follows. Raises BrokenLine unless it is that very line, BadSeal."""
        # Without a line break it was cut short right before it, or the line break itself is what is damaged.
        for whole in (line,) if line.endswith(b"\n") else (line + b"\n", line[:-1] + b"\n"):
            bare = whole[:-_SUM_LENGTH] + b"}\n"
            if whole.endswith(b',"sum":"%b"}\n' % _sum(self.sum + bare)):
                self.sum = whole[-19:-3]
                return self._unsealed(bare)
        raise BrokenLine("its checksum does not fit it and the line before")

    def go_on_after(self, line: bytes) -> None:
        """Take a line for the one before the next, whatever is wrong with it."""
        if found := _SUM.search(line):
            self.sum = found[1]
            self._mac = unstamped(line[: found.start()] + b"}\n")[1]

    def _unsealed(self, line: bytes) -> bytes:
        bare, stated = unstamped(line)
        if self._key:
            right, self._mac = self._seal(bare), stated
            if not hmac.compare_digest(right, stated):
                raise BadSeal(
                    "its seal does not fit it and the line before" if stated else "it is not sealed"
                )
        return bare

    def _seal(self, bare: bytes) -> bytes:
        return hmac.digest(self._key, self._mac + bare, "sha256").hex()[:32].encode()


def _sum(content: bytes) -> bytes:
    return sha256(content).hexdigest()[:16].encode()


@dataclass(frozen=True, slots=True)
class Opening:
    """How a segment opens. `key` is the fingerprint of the key that seals it; empty without one."""

    type: Literal["SegmentOpened"]
    run: str
    number: int
    saw: dict[str, str]
    key: str = ""
    seals: dict[str, str] = field(default_factory=dict)


_OPENING = TypeAdapter(Opening)


def opening_line(opening: Opening) -> bytes:
    """Spell the line that opens a segment, without checksum and seal."""
    return _OPENING.dump_json(opening, exclude_defaults=True) + b"\n"


def opening_of(bare: bytes) -> Opening:
    """Parse the line that opens a segment. Raises UnknownLine."""
    try:
        return _OPENING.validate_json(bare)
    except ValidationError as problem:
        raise UnknownLine("how the segment opens") from problem


def is_opening(line: bytes) -> bool:
    """Tell whether a line opens a segment, rather than being a record."""
    return line.startswith(_OPENS)


def is_chained(line: bytes) -> bool:
    """Tell whether a line is meant to carry a checksum; those of earlier versions have none."""
    return is_opening(line) or _SUM.search(line) is not None
