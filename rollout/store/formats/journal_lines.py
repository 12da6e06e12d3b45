"""Reads and writes journal lines, one JSON record each: `{"type": "Intent", …}`; changes and outcomes have a tag too.

The tag is the name of the record's class, so a new kind of record needs no change here. `_FORMER_TYPES` and
`_FORMER_FIELDS` map the names that earlier versions used, so that their journals can still be read.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from rollout.domain.people.users import UserRef
from rollout.domain.progress.records import Record
from rollout.domain.progress.schedule import beginning_of
from rollout.errors import Unwritable
from rollout.files.bounded_files import GIB, KIB, MIB, MOST_VALUES, Limits, parse_json, size_text, values_in
from rollout.store.formats.mappings import ANY_MAPPING

LIMITS = Limits(total=16 * GIB, line=8 * MIB)
"""Of a file or object of the journal. The longest records name users: those of a release, by 150 to 700 bytes each."""
# Leaves room for what a line gets besides its record, such as a checksum.
_LONGEST_RECORD = LIMITS.line - 4 * KIB

_FORMER_TYPES = {"Passed": "UserSkipped", "Trapped": "Deadlocked"}
_FORMER_FIELDS = {
    "Released": {"reach": "release_scope"},
    "ReleaseEnded": {"reach": "release_scope"},
}
_FORMER_DELIVERY = {"failed": "refused"}
_YEARS = (2000, 2999)
_LONGEST_SPAN = timedelta(days=3660)
_NEVER = datetime.min.replace(tzinfo=UTC)
_TOLD_A_DAY = ("Told", "Reminded")
"""The records whose `due` was a day, told without a time zone."""


class BrokenLine(ValueError):
    """The line is not a JSON object: it was torn by a crash or damaged."""


class UnknownLine(ValueError):
    """The line is valid JSON, but this version does not know its meaning."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """How to write and read one class: its fields, and which of them contain one of several classes."""

    adapter: TypeAdapter[Any]
    names: frozenset[str]
    unions: dict[str, dict[str, _Shape]]
    known: tuple[str, ...]
    """Fields whose values many records have in common."""
    times: tuple[str, ...]
    """Fields that are times or spans."""


def _shapes(union: object) -> dict[str, _Shape]:
    return {member.__name__: _shape(member) for member in get_args(union)}


def _shape(kind: type[Any]) -> _Shape:
    hints = get_type_hints(kind)
    unions = {name: _shapes(hint) for name, hint in hints.items() if _is_union_of_classes(hint)}
    names = frozenset(field.name for field in fields(kind))
    times = tuple(name for name, hint in hints.items() if {hint, *get_args(hint)} & _TIMES)
    return _Shape(TypeAdapter(kind), names, unions, tuple(names & {"user", "document"}), times)


_TIMES = {datetime, date, timedelta}


def _is_union_of_classes(hint: object) -> bool:
    members = get_args(hint)
    return len(members) > 1 and all(isinstance(member, type) and is_dataclass(member) for member in members)


_RECORDS = _shapes(Record)


def line_of(record: Record) -> bytes:
    """Serialise a record as one line, with its line feed. Raises Unwritable where nobody could read it again."""
    line = to_json(_tagged(record, _RECORDS)) + b"\n"
    if len(line) > _LONGEST_RECORD or values_in(line) > MOST_VALUES:
        raise Unwritable(
            f"a record of {size_text(len(line))} does not fit into a line of the journal",
            cure="name accounts (--account) or --all instead of users",
        )
    return line


def _tagged(value: Any, shapes: dict[str, _Shape]) -> dict[str, Any]:
    name = type(value).__name__
    shape = shapes[name]
    inner = {field: _tagged(getattr(value, field), choices) for field, choices in shape.unions.items()}
    plain = shape.adapter.dump_python(value, mode="json", exclude=set(shape.unions) or None, **ANY_MAPPING)
    return {"type": name, **plain, **inner}


class KnownValues:
    """Users and policy documents that were read before: records share them, for there are many about each."""

    def __init__(self) -> None:
        """Know none."""
        self._users: dict[Any, UserRef] = {}
        self._documents: dict[bytes, Any] = {}

    def of(self, field: str, value: Any) -> Any:
        """Give the value that is equal, if it is known; anything else is left for the record to refuse."""
        if not isinstance(value, dict):
            return value
        return self._user(value) if field == "user" else self._document(value)

    def _user(self, value: dict[str, Any]) -> Any:
        if value.keys() != _OF_A_USER or not all(type(part) is str for part in value.values()):
            return value
        known = self._users.get(value["id"])
        if known is None or known.arn != value["arn"] or known.name != value["name"]:
            known = self._users[value["id"]] = UserRef(**value)
        return known if known.account_id == value["account_id"] else value

    def _document(self, value: dict[str, Any]) -> Any:
        return self._documents.setdefault(to_json(value), value)


_OF_A_USER = {field.name for field in fields(UserRef)}


def record_of(line: bytes, known: KnownValues | None = None) -> Record:
    """Parse a line; what is `known` is not made again. Raises BrokenLine, UnknownLine."""
    try:
        values = parse_json(line)
    except ValueError as problem:
        raise BrokenLine(str(problem)) from problem
    return cast("Record", _untagged(values, _RECORDS, known))


def type_of(line: bytes) -> bytes:
    """Return the type of a record without parsing it; empty where another version spelled the line."""
    return line[len(_TYPE) : line.find(b'"', len(_TYPE))] if line.startswith(_TYPE) else b""


_TYPE = b'{"type":"'


def moment_of(line: bytes) -> datetime:
    """Return when a line was written, even for an unknown record. Raises BrokenLine."""
    try:
        return datetime.fromisoformat(parse_json(line)["at"])
    except (ValueError, TypeError, KeyError) as problem:
        raise BrokenLine(str(problem)) from problem


def _follow_former(values: dict[str, Any], name: str) -> None:
    """Give the fields of a record, as an earlier version wrote them, their names and values of today."""
    for former, field in _FORMER_FIELDS.get(name, {}).items():
        if former in values:
            values[field] = values.pop(former)
    if name in _TOLD_A_DAY and "due" in values:
        values["due"] = _moment_told(values["due"])
    if name in _TOLD_A_DAY and (delivery := _FORMER_DELIVERY.get(str(values.get("delivery")))):
        values["delivery"] = delivery


def _moment_told(due: Any) -> Any:
    """Turn a day that an earlier version told into the time at which it has begun everywhere."""
    if not isinstance(due, str) or len(due) != len("2026-12-08"):
        return due
    try:
        return beginning_of(date.fromisoformat(due)).isoformat()
    except ValueError:
        return due


def _untagged(values: Any, shapes: dict[str, _Shape], known: KnownValues | None) -> Any:
    if not isinstance(values, dict):
        raise BrokenLine("it is not a record")
    name = values.pop("type", None)
    if isinstance(name, str):
        name = _FORMER_TYPES.get(name, name)
        if name in _FORMER_FIELDS or name in _TOLD_A_DAY:
            _follow_former(values, name)
    shape = shapes.get(name) if isinstance(name, str) else None
    if shape is None:
        raise UnknownLine(f'a record of type "{name}"')
    if not values.keys() <= shape.names:
        raise UnknownLine(f'"{min(values.keys() - shape.names)}" in a record of type "{name}"')
    for field, choices in shape.unions.items():
        if field in values:
            values[field] = _untagged(values[field], choices, known)
    if known is not None:
        for field in shape.known:
            if field in values:
                values[field] = known.of(field, values[field])
    try:
        record = shape.adapter.validator.validate_python(values)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False)[0]
        spot = ".".join(str(step) for step in first["loc"])
        raise UnknownLine(f'"{spot}" in a record of type "{name}": {first["msg"]}') from problem
    for field in shape.times:
        if (value := getattr(record, field)) is not None:
            _check_time(value, field, name)
    return record


def _check_time(value: datetime | date | timedelta, field: str, name: str) -> None:
    """Raise UnknownLine for a time that no run can have written, and that nothing can be reckoned with."""
    if isinstance(value, timedelta):
        naive, far = False, abs(value) > _LONGEST_SPAN
    else:
        naive = isinstance(value, datetime) and value.tzinfo is None
        far = not _YEARS[0] <= value.year <= _YEARS[1]
    if naive or far:
        why = "has no time zone" if naive else "is out of all bounds"
        raise UnknownLine(f'"{field}" in a record of type "{name}" {why}: {value}')


def start_of(first_line: bytes) -> datetime:
    """Return when a run began, from the first line of its segment, to sort segments by."""
    try:
        moment = moment_of(first_line)
    except BrokenLine:
        return _NEVER  # an empty or torn segment can go anywhere
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
