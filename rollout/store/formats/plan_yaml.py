"""Reads and writes the plan file, a YAML stream meant for review in a pull request.

See design.md#plan-file.

Document 1 is the header; one document per account follows, with a line for each user. The header's `checksum` line
is the SHA-256 of all other bytes of the file, so it can be verified without parsing them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any

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

BANNER = b"# Written by `rollout plan`. Do not edit: change rollout.yaml, then run `rollout plan` again.\n"
SEPARATOR = b"---\n"
CHUNK = 1 << 16

_CHECKSUM = re.compile(rb'checksum: "(sha256:[0-9a-f]{64})"\n')
_SEAL = re.compile(rb'seal: "[0-9a-f]{32}"\n')
_KIND = "plan"
_HEADER = TypeAdapter(Header)
_LEFT_OUT = TypeAdapter(tuple[LeftOut, ...])
_FINDINGS = TypeAdapter(tuple[Finding, ...])
_HEADER_FIELDS = tuple(field.name for field in fields(Header))
LIMITS = Limits(total=4 * GIB, line=64 * KIB)
"""A million users take 110 MB, and the longest line is that of one account left out."""
MOST_OF_A_DOCUMENT = 8 * MIB
"""Bytes; 5,000 users, each in a group of their own, take 2 MB."""
MOST_NODES = 250_000
"""In one document; 5,000 users, each in a group of their own, are 80,000, and 10,000 accounts left out 170,000."""
PLAN_AGAIN = "run `rollout plan` again, or restore the file that was reviewed"

# --- Writing ---


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
    for key in ("impact", "cures"):
        if not values[key]:
            del values[key]
    for key in ("created", "inventory_at"):
        if getattr(header, key).tzinfo is None:
            raise ValueError(f"{key} of a plan must have a time zone")
    return BANNER + "".join(_block(values)).encode()


def account_document(account: AccountPlan) -> bytes:
    """Serialise one account: what it is, then a line for each user, by name.

    So one more user is one more line, and one who is judged differently is one line that changes. What to do about a
    hold stands once, in the header's `cures`.
    """
    head = {"account": account.account_id, "name": account.name, "ou": account.ou}
    lines = ["---\n", *_block(head), "users:\n" if account.entries else "users: []\n"]
    decided: dict[tuple[Any, ...], str] = {}
    for entry in account.entries:
        key = (entry.verdict, entry.wave, entry.impact, entry.attachment, entry.because)
        rest = decided.get(key)
        if rest is None:
            rest = decided[key] = _decision(entry)
        lines.append(f"- {{name: {_quoted(entry.user.name)}, {rest}}}\n")
    return "".join(lines).encode()


def _block(values: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Spell a mapping: values one below the other, items of lists and what lies deeper a line each."""
    for key, value in values.items():
        begin = f"{indent}{_plain(key)}:"
        if value and isinstance(value, dict) and not indent:
            yield f"{begin}\n"
            yield from _block(value, "  ")
        elif value and isinstance(value, list):
            yield f"{begin}\n"
            yield from (f"{indent}- {_flow(item)}\n" for item in value)
        else:
            yield f"{begin} {_flow(value)}\n"


def _flow(value: object) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{_plain(key)}: {_flow(item)}' for key, item in value.items())}}}"
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case str():
            return _quoted(value)
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            raise TypeError(f"a plan cannot contain a {type(value).__name__}")


def _decision(entry: PlanEntry) -> str:
    words = {"verdict": entry.verdict, "wave": entry.wave, "impact": entry.impact, "via": entry.attachment}
    said = [f"{key}: {_plain(str(word))}" for key, word in words.items() if word]
    return ", ".join((*said, f"because: [{', '.join(map(_plain, entry.because))}]"))


def _quoted(text: str) -> str:
    """Spell a text in double quotes; a reviewer sees the escapes of hidden characters, which YAML reads as they do."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{visible(escaped)}"'


def _plain(word: str) -> str:
    """Spell a term of ours, or the name of a wave: without quotes where no version of YAML reads anything else."""
    return word if _is_plain(word) else _quoted(word)


# Starting with a letter, it is not a number, date or operator. `_VALUES` are the words that some YAML version reads as
# a value of another type.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VALUES = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def _is_plain(word: str) -> bool:
    return _PLAIN.fullmatch(word) is not None and word.lower() not in _VALUES


# --- Reading ---


@checked_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class PlanGroup:
    """Users, and what happens to them. In plans of schema 1 that is a line, which says the cure of a hold too."""

    verdict: Kind
    because: tuple[str, ...]
    names: tuple[str, ...]
    wave: str = ""
    impact: Impact | None = None
    via: Attachment | None = None
    cure: str | None = None


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
    stated, sealed, returns = "", False, False
    while line := stream.readline():
        returns = returns or line.endswith(b"\r\n")
        if not stated and (match := _CHECKSUM.fullmatch(line)):
            stated, sealed = match.group(1).decode(), True
        elif sealed and _SEAL.fullmatch(line):
            sealed = False
        else:
            digest.update(line)
            sealed = False
    if not stated == checksum == f"sha256:{digest.hexdigest()}":
        if returns:
            raise _other_line_ends(where)
        raise PlanRefused(f"{where} was altered after `rollout plan` wrote it", cure=PLAN_AGAIN)


def read_header(stream: BoundedStream, where: str) -> Header:
    """Read document 1 only. Raises PlanRefused, with file and line, and BeyondLimit."""
    _, text = next(_texts(stream, where))
    if text.partition(b"\n")[0].endswith(b"\r"):
        raise _other_line_ends(where)
    return _header(_parsed(text, where, 0))


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
    return _located(_parsed(_gathered(text), where, line + lines_before))


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
        yield _parsed(_gathered(text) if lines_before else text, where, lines_before)


_USER = re.compile(rb'- \{name: ("(?:[^"\\]|\\.)*"), (.*)\}\n')


def _gathered(text: bytes) -> bytes:
    """Put the users of whom a document says the same into one line, as plans of schema 1 have them.

    PyYAML reads a name in a list in a twentieth of the time that it takes for a line.
    """
    decided: dict[bytes, list[bytes]] = {}
    other = []
    for line in text.splitlines(keepends=True):
        if user := _USER.fullmatch(line):
            decided.setdefault(user[2], []).append(user[1])
        else:
            other.append(line)
    groups = (b"- {%b, names: [%b]}\n" % (decision, b", ".join(names)) for decision, names in decided.items())
    return b"".join((*other, *groups))


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


def _other_line_ends(where: str) -> PlanRefused:
    return PlanRefused(
        f"{where} has Windows line ends (CRLF); `rollout plan` wrote it with LF, and its checksum is of those bytes",
        cure='restore the file that `rollout plan` wrote; in git, put "plans/** -text" into .gitattributes and check '
        "the plan out again, so that no line end is changed",
    )


def _not_a_plan(where: str, line: int, why: str) -> PlanRefused:
    return PlanRefused(f"{where}, line {line}: this is not a valid plan ({why})", cure=PLAN_AGAIN)


def _broken(where: str, line: int, why: str) -> PlanRefused:
    at = f", line {line}" if line else ""
    return PlanRefused(f"{where}{at}: the plan was altered and is not valid YAML ({why})", cure=PLAN_AGAIN)
