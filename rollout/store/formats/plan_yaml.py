"""Reads and writes the plan file, a YAML stream meant for review in a pull request.

See design.md#plan-file.

Document 1 is the header; one document per account follows, with users grouped by what happens to them. The header's
`checksum` line is the SHA-256 of all other bytes of the file, so it can be verified without parsing them.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from io import BytesIO
from typing import Any, Protocol, Self

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from rollout.domain.people.observations import Finding
from rollout.domain.plan.entries import SCHEMA, AccountPlan, Header, LeftOut, PlanEntry
from rollout.domain.policy.attachment import Attachment
from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.errors import PlanRefused
from rollout.files.bounded_files import GIB, KIB, MIB, BeyondLimit, BoundedStream, Limits, size_text
from rollout.files.bounded_yaml import BeyondYamlLimit, WrongYaml, bounded_value, line_of
from rollout.store.formats.mappings import ANY_MAPPING
from rollout.store.formats.seals import Seals
from rollout.visible_text import visible

try:
    from yaml import CSafeDumper as Dumper
except ImportError:  # PyYAML without libyaml works too, but is slower
    from yaml import SafeDumper as Dumper  # type: ignore[assignment]  # the same interface

BANNER = b"# Written by `rollout plan`. Do not edit: change rollout.yaml, then run `rollout plan` again.\n"
SEPARATOR = b"---\n"
# Lists of names wrap after this column; a line exceeds it by at most one name.
WIDTH = 110
CHUNK = 1 << 16

_CHECKSUM = re.compile(rb'checksum: "(sha256:[0-9a-f]{64})"\n')
_SEAL = re.compile(rb'seal: "[0-9a-f]{32}"\n')
_KIND = "plan"
_HEADER = TypeAdapter(Header)
_LEFT_OUT = TypeAdapter(tuple[LeftOut, ...])
_FINDINGS = TypeAdapter(tuple[Finding, ...])
_HEADER_FIELDS = tuple(field.name for field in fields(Header))
LIMITS = Limits(total=4 * GIB, line=64 * KIB)
"""A million users take 100 MB, and the longest line is that of one cure or name."""
MOST_OF_A_DOCUMENT = 8 * MIB
"""Bytes; 5,000 users, each in a group of their own, take 2 MB."""
MOST_NODES = 250_000
"""In one document; 5,000 users, each in a group of their own, are 80,000, and 10,000 accounts left out 170,000."""
PLAN_AGAIN = "run `rollout plan` again, or restore the file that was reviewed"

# --- Writing ---


class PlainText(str):
    """A string that may be written without quotes: one of our own terms, or the name of a wave."""

    __slots__ = ()


class OneLine(dict[str, object]):
    """A mapping that is written in flow style, on one line."""


class _Writable(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Sink:
    """A stream without an `encoding` attribute, which tells PyYAML to write bytes.

    It writes hidden characters as the escapes of YAML, which double quotes allow, so that a reviewer sees what a name
    holds. They can only stand between double quotes: what is plain is in ASCII.
    """

    def __init__(self, stream: _Writable) -> None:
        self._stream = stream
        self._decoder = getincrementaldecoder("utf-8")()
        self.size = self.lines = 0

    def write(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        if not text.isascii():  # YAML itself escapes what is hidden in ASCII
            text = "\n".join(visible(line) for line in text.split("\n"))
        data = text.encode()
        self.size += len(data)
        self.lines += data.count(b"\n")
        self._stream.write(data)


def finished_header(
    header: Header, body: Iterable[bytes], seals: Seals | None = None
) -> tuple[bytes, Header]:
    """Serialise document 1 with the checksum of the whole file, and a seal of it where the store has a key.

    Returns the bytes, and the header with both.
    """
    top = _header_bytes(header)
    digest = sha256(top)
    for chunk in body:
        digest.update(chunk)
    checksum = f"sha256:{digest.hexdigest()}"
    seal = seals.seal(_KIND, checksum.encode()) if seals else ""
    # They come last in their document, so that everything above them can be read without them.
    top += f'checksum: "{checksum}"\n'.encode()
    return top + _seal_line(seal), replace(header, checksum=checksum, seal=seal)


def resealed(line: bytes, seals: Seals) -> bytes:
    """Put a seal behind the line that has the checksum; give every other line as it is, without any earlier seal."""
    if found := _CHECKSUM.fullmatch(line):
        return line + _seal_line(seals.seal(_KIND, found[1]))
    return b"" if _SEAL.fullmatch(line) else line


def is_sealed(header: Header, seals: Seals) -> bool:
    """Tell whether the store's key sealed the checksum of a plan. Raises KeyUnusable."""
    return seals.fits(_KIND, header.checksum.encode(), header.seal)


def _seal_line(seal: str) -> bytes:
    return f'seal: "{seal}"\n'.encode() if seal else b""


def _header_bytes(header: Header) -> bytes:
    values = _HEADER.dump_python(header, mode="json", **ANY_MAPPING)
    del values["checksum"], values["seal"]
    values = {"schema": values.pop("schema"), **values}
    # Leave out what does not apply.
    values["left_out"] = _LEFT_OUT.dump_python(header.left_out, mode="json", exclude_defaults=True)
    values["findings"] = _FINDINGS.dump_python(header.findings, mode="json", exclude_defaults=True)
    for column in ("waves", "verdicts"):
        values[column] = {PlainText(name): count for name, count in values[column].items()}
    values["impact"] = {PlainText(wave): OneLine(counts) for wave, counts in values["impact"].items()}
    if not header.impact:
        del values["impact"]  # a plan of an earlier version has none
    for key in ("created", "inventory_at"):
        if getattr(header, key).tzinfo is None:
            raise ValueError(f"{key} of a plan must have a time zone")
    sink = BytesIO()
    with DocumentWriter(sink, explicit=False) as writer:
        writer.write(values)
    return BANNER + sink.getvalue()


class DocumentWriter:
    """Writes YAML documents one after another to a byte stream.

    Strings are double-quoted. A `PlainText` is unquoted unless some YAML version would read it as another type. Items
    of lists are written in flow style, one mapping per line.
    """

    def __init__(self, stream: _Writable, *, explicit: bool = True) -> None:
        self._sink = _Sink(stream)
        # The C emitter accepts any object with a `write`, although its stub asks for a full file object.
        self._emitter: Any = Dumper(self._sink, width=WIDTH, allow_unicode=True)  # type: ignore[arg-type]  # see above
        self._explicit = explicit

    def __enter__(self) -> Self:
        self._emitter.emit(yaml.StreamStartEvent(encoding="utf-8"))
        return self

    def __exit__(self, *exc: object) -> None:
        if exc[0] is None:
            self._emitter.emit(yaml.StreamEndEvent())

    @property
    def size(self) -> int:
        """The bytes of the documents written so far."""
        return self._sink.size

    @property
    def lines(self) -> int:
        """The lines of the documents written so far."""
        return self._sink.lines

    def write(self, document: Mapping[str, object]) -> None:
        """Write one document."""
        emit = self._emitter.emit
        emit(yaml.DocumentStartEvent(explicit=self._explicit))
        for event in _events(document):
            emit(event)
        emit(yaml.DocumentEndEvent(explicit=False))

    def write_account(self, account: AccountPlan, wave_order: Mapping[str, int]) -> None:
        """Write one account's document."""
        self.write(
            {
                "account": account.account_id,
                "name": account.name,
                "ou": account.ou,
                "users": _groups(account.entries, wave_order),
            }
        )


def _groups(entries: tuple[PlanEntry, ...], wave_order: Mapping[str, int]) -> list[dict[str, object]]:
    groups: dict[tuple[Any, ...], list[str]] = {}
    for entry in entries:
        key = (entry.wave, entry.verdict, entry.impact, entry.attachment, entry.because, entry.cure)
        groups.setdefault(key, []).append(entry.user.name)
    ordered = sorted(groups, key=lambda key: _place(key, wave_order))
    return [_group(key, sorted(groups[key])) for key in ordered]


_VERDICT_ORDER = {Kind.ENFORCE: 0, Kind.HOLD: 1, Kind.EXEMPT: 2, Kind.COVERED: 3}
_IMPACT_ORDER = {impact: place for place, impact in enumerate(Impact)}
_VIA_ORDER = {via: place for place, via in enumerate(Attachment)}


def _place(key: tuple[Any, ...], wave_order: Mapping[str, int]) -> tuple[object, ...]:
    wave, verdict, impact, via, because, cure = key
    return (
        _VERDICT_ORDER[verdict],
        wave_order.get(wave, len(wave_order)),
        wave,
        _IMPACT_ORDER.get(impact, -1),
        _VIA_ORDER.get(via, -1),
        because,
        cure,
    )


def _group(key: tuple[Any, ...], names: list[str]) -> dict[str, object]:
    wave, verdict, impact, via, because, cure = key
    group: dict[str, object] = {}
    if wave:
        group["wave"] = PlainText(wave)
    group["verdict"] = PlainText(verdict)
    if impact:
        group["impact"] = PlainText(impact)
    if via:
        group["via"] = PlainText(via)
    group["because"] = [PlainText(word) for word in because]
    if cure:
        group["cure"] = cure
    group["names"] = names
    return group


# Starting with a letter, it is not a number, date or operator. `_VALUES` are the words that some YAML version reads as
# a value of another type.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VALUES = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_QUOTED_ONLY = (False, True)
_PLAIN_TOO = (True, True)


def _events(value: object, *, flow: bool = False) -> Iterator[yaml.Event]:
    match value:
        case dict():
            flow = flow or isinstance(value, OneLine)
            yield yaml.MappingStartEvent(None, None, True, flow_style=flow)  # noqa: FBT003 - the signature of PyYAML
            for key, item in value.items():
                yield from _events(PlainText(key))
                yield from _events(item, flow=flow)
            yield yaml.MappingEndEvent()
        case list() | tuple():
            yield yaml.SequenceStartEvent(None, None, True, flow_style=flow or not value)  # noqa: FBT003 - the signature of PyYAML
            for item in value:
                yield from _events(item, flow=True)
            yield yaml.SequenceEndEvent()
        case PlainText() if _PLAIN.fullmatch(value) and value.lower() not in _VALUES:
            yield yaml.ScalarEvent(None, None, _PLAIN_TOO, str(value))
        case str():
            yield yaml.ScalarEvent(None, None, _QUOTED_ONLY, str(value), style='"')
        case int():
            yield yaml.ScalarEvent(None, None, _PLAIN_TOO, str(value))
        case _:
            raise TypeError(f"a plan cannot contain a {type(value).__name__}")


# --- Reading ---


@checked_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class PlanGroup:
    """One line of `users:`: the users it names, and what happens to them."""

    verdict: Kind
    because: tuple[str, ...]
    names: tuple[str, ...]
    wave: str = ""
    impact: Impact | None = None
    via: Attachment | None = None
    cure: str = ""


@checked_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class AccountPart:
    """One account's document, as written in the file."""

    account: str
    name: str
    ou: str
    users: tuple[PlanGroup, ...]


_ACCOUNT = TypeAdapter(AccountPart)


@dataclass(frozen=True, slots=True)
class Located:
    """An account's document, and the line number where it begins."""

    part: AccountPart
    line: int


def verify(stream: BoundedStream, checksum: str, where: str) -> None:
    """Verify the bytes against the header's checksum, a line at a time. Raises PlanRefused, BeyondLimit."""
    digest = sha256()
    stated, sealed = "", False
    while line := stream.readline():
        if not stated and (match := _CHECKSUM.fullmatch(line)):
            stated, sealed = match.group(1).decode(), True
        elif sealed and _SEAL.fullmatch(line):
            sealed = False
        else:
            digest.update(line)
            sealed = False
    if not stated == checksum == f"sha256:{digest.hexdigest()}":
        raise PlanRefused(f"{where} was altered after `rollout plan` wrote it", cure=PLAN_AGAIN)


def read_header(stream: BoundedStream, where: str) -> Header:
    """Read document 1 only. Raises PlanRefused, with file and line, and BeyondLimit."""
    return _header(next(_documents(stream, where)))


def read_accounts(stream: BoundedStream, where: str) -> Iterator[Located]:
    """Yield one account's document at a time. Raises PlanRefused, with file and line, and BeyondLimit."""
    last = ""
    for position, document in enumerate(_documents(stream, where)):
        if position == 0:
            continue
        located = _located(document)
        if located.part.account <= last:
            raise _not_a_plan(where, located.line, f'account "{located.part.account}" is out of order')
        last = located.part.account
        yield located


def read_account(stream: BoundedStream, where: str, line: int) -> Located:
    """Read the account's document that begins where the stream stands, after so many lines of the file.

    Raises PlanRefused, with file and line, and BeyondLimit.
    """
    texts = _texts(stream, where)
    next(texts)  # what stands before the separator: nothing
    lines_before, text = next(texts, (0, b""))
    return _located(_parsed(text, where, line + lines_before))


def _located(document: _Document) -> Located:
    try:
        part = _ACCOUNT.validate_python(document.values)
    except ValidationError as problem:
        raise document.wrong(problem) from problem
    return Located(part, document.line())


@dataclass(frozen=True, slots=True)
class _Document:
    """A document of the file `where`, which begins after so many lines of it."""

    where: str
    lines_before: int
    text: bytes
    values: Any

    def line(self, steps: tuple[str | int, ...] = ()) -> int:
        """Find the line of a value, or of the closest enclosing value that exists."""
        return self.lines_before + line_of(self.text, steps)

    def wrong(self, problem: ValidationError) -> PlanRefused:
        """Build the error that names the first value that is wrong."""
        first = problem.errors(include_url=False, include_context=False)[0]
        spot = ".".join(str(step) for step in first["loc"])
        why = f"{spot}: {first['msg']}" if spot else first["msg"]
        return _not_a_plan(self.where, self.line(first["loc"]), why)


def _documents(stream: BoundedStream, where: str) -> Iterator[_Document]:
    for lines_before, text in _texts(stream, where):
        yield _parsed(text, where, lines_before)


def _texts(stream: BoundedStream, where: str) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of each document, separator included, and the number of lines before it."""
    begins = number = size = 0
    lines: list[bytes] = []
    while line := stream.readline():
        if line == SEPARATOR:
            yield begins, b"".join(lines)
            begins, size, lines = number, 0, []
        number += 1
        size += len(line)
        if size > MOST_OF_A_DOCUMENT:
            raise BeyondLimit(f"{where} has a document of more than {size_text(MOST_OF_A_DOCUMENT)}")
        lines.append(line)
    yield begins, b"".join(lines)


def _parsed(text: bytes, where: str, lines_before: int) -> _Document:
    try:
        values = bounded_value(text, MOST_NODES)
    except (BeyondYamlLimit, WrongYaml) as problem:
        line = lines_before + problem.mark.line + 1 if problem.mark else 0
        raise _broken(where, line, str(problem)) from problem
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = lines_before + mark.line + 1 if mark else 0
        raise _broken(where, line, problem.problem or "not valid YAML") from problem
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise _broken(where, 0, str(problem).splitlines()[0]) from problem
    if values is None:
        raise _not_a_plan(where, lines_before + 1, "it is empty")
    return _Document(where, lines_before, text, values)


def _header(document: _Document) -> Header:
    where, values = document.where, document.values
    if not isinstance(values, dict) or not isinstance(values.get("schema"), int):
        raise _not_a_plan(where, 1, "the first document has no `schema`")
    if values["schema"] > SCHEMA:
        raise PlanRefused(
            f"{where} has plan schema {values['schema']}, but this version of rollout reads {SCHEMA}",
            cure="use the version of rollout that wrote the plan, or a newer one",
        )
    if unknown := [key for key in values if key not in _HEADER_FIELDS]:
        raise _not_a_plan(
            where, document.line((unknown[0],)), f'"{unknown[0]}" is unknown in a plan\'s header'
        )
    try:
        return _HEADER.validate_python(values)
    except ValidationError as problem:
        raise document.wrong(problem) from problem


def _not_a_plan(where: str, line: int, why: str) -> PlanRefused:
    return PlanRefused(f"{where}, line {line}: this is not a valid plan ({why})", cure=PLAN_AGAIN)


def _broken(where: str, line: int, why: str) -> PlanRefused:
    at = f", line {line}" if line else ""
    return PlanRefused(f"{where}{at}: the plan was altered and is not valid YAML ({why})", cure=PLAN_AGAIN)
