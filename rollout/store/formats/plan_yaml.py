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
from typing import Any, BinaryIO, Protocol, Self

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from rollout.domain.people.observations import Finding
from rollout.domain.plan.entries import SCHEMA, AccountPlan, Header, LeftOut, PlanEntry
from rollout.domain.policy.attachment import Attachment
from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.errors import PlanRefused
from rollout.store.formats.mappings import ANY_MAPPING
from rollout.store.formats.seals import Seals
from rollout.visible_text import visible

try:
    from yaml import CSafeDumper as Dumper
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML without libyaml works too, but is slower
    from yaml import SafeDumper as Dumper  # type: ignore[assignment]  # the same interface
    from yaml import SafeLoader as Loader  # type: ignore[assignment]  # the same interface

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

    def write(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        if not text.isascii():  # YAML itself escapes what is hidden in ASCII
            text = "\n".join(visible(line) for line in text.split("\n"))
        self._stream.write(text.encode())


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
        # The C emitter accepts any object with a `write`, although its stub asks for a full file object.
        self._emitter: Any = Dumper(_Sink(stream), width=WIDTH, allow_unicode=True)  # type: ignore[arg-type]  # see above
        self._explicit = explicit

    def __enter__(self) -> Self:
        self._emitter.emit(yaml.StreamStartEvent(encoding="utf-8"))
        return self

    def __exit__(self, *exc: object) -> None:
        if exc[0] is None:
            self._emitter.emit(yaml.StreamEndEvent())

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


def verify(stream: BinaryIO, checksum: str, where: str) -> None:
    """Verify the bytes against the header's checksum, in constant memory. Raises PlanRefused."""
    digest = sha256()
    stated, sealed = "", False
    while line := stream.readline(CHUNK):
        if not stated and (match := _CHECKSUM.fullmatch(line)):
            stated, sealed = match.group(1).decode(), True
        elif sealed and _SEAL.fullmatch(line):
            sealed = False
        else:
            digest.update(line)
            sealed = False
    if not stated == checksum == f"sha256:{digest.hexdigest()}":
        raise PlanRefused(f"{where} was altered after `rollout plan` wrote it", cure=PLAN_AGAIN)


def read_header(stream: BinaryIO, where: str) -> Header:
    """Read document 1 only. Raises PlanRefused, with file and line."""
    lines: list[bytes] = []
    while (line := stream.readline(CHUNK)) and line != SEPARATOR:
        lines.append(line)
    for node, values in _documents(BytesIO(b"".join(lines)), where):
        return _header(node, values, where)
    raise _not_a_plan(where, 1, "it is empty")


def read_accounts(stream: BinaryIO, where: str) -> Iterator[Located]:
    """Yield one account's document at a time. Raises PlanRefused, with file and line."""
    last = ""
    for position, (node, values) in enumerate(_documents(stream, where)):
        if position == 0:
            continue
        line = _line(node)
        try:
            part = _ACCOUNT.validate_python(values)
        except ValidationError as problem:
            at, why = _first(problem, node)
            raise _not_a_plan(where, at, why) from problem
        if part.account <= last:
            raise _not_a_plan(where, line, f'account "{part.account}" is out of order')
        last = part.account
        yield Located(part, line)


def _documents(stream: BinaryIO, where: str) -> Iterator[tuple[yaml.Node, Any]]:
    try:
        loader: Any = Loader(stream)
        while loader.check_node():
            node = loader.get_node()
            yield node, loader.construct_document(node)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise _broken(where, mark.line + 1 if mark else 0, problem.problem or "not valid YAML") from problem
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise _broken(where, 0, str(problem).splitlines()[0]) from problem


def _header(node: yaml.Node, values: Any, where: str) -> Header:
    if not isinstance(values, dict) or not isinstance(values.get("schema"), int):
        raise _not_a_plan(where, 1, "the first document has no `schema`")
    if values["schema"] > SCHEMA:
        raise PlanRefused(
            f"{where} has plan schema {values['schema']}, but this version of rollout reads {SCHEMA}",
            cure="use the version of rollout that wrote the plan, or a newer one",
        )
    if unknown := [key for key in values if key not in _HEADER_FIELDS]:
        raise _not_a_plan(
            where, _line_of(node, (unknown[0],)), f'"{unknown[0]}" is unknown in a plan\'s header'
        )
    try:
        return _HEADER.validate_python(values)
    except ValidationError as problem:
        at, why = _first(problem, node)
        raise _not_a_plan(where, at, why) from problem


def _first(problem: ValidationError, node: yaml.Node) -> tuple[int, str]:
    first = problem.errors(include_url=False, include_context=False)[0]
    spot = ".".join(str(step) for step in first["loc"])
    return _line_of(node, first["loc"]), f"{spot}: {first['msg']}" if spot else first["msg"]


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _line_of(node: yaml.Node, steps: tuple[Any, ...]) -> int:
    """Find the line of a value in a document, or of the closest enclosing node that exists."""
    for step in steps:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = node.value[step]
        if inner is None:
            break
        node = inner
    return _line(node)


def _not_a_plan(where: str, line: int, why: str) -> PlanRefused:
    return PlanRefused(f"{where}, line {line}: this is not a valid plan ({why})", cure=PLAN_AGAIN)


def _broken(where: str, line: int, why: str) -> PlanRefused:
    at = f", line {line}" if line else ""
    return PlanRefused(f"{where}{at}: the plan was altered and is not valid YAML ({why})", cure=PLAN_AGAIN)
