"""Reads what access keys call from a file that the operator names (`evidence.import`), as CSV or Parquet.

The columns are in docs/key-evidence.md. Whatever cannot be read is an error with its line: nothing is concluded from
half a row.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from rollout.domain.people.key_activity import Counts, KeyActivity
from rollout.domain.people.users import label_of
from rollout.errors import BadEvidence, MissingExtra
from rollout.files.bounded_files import GIB, MIB, BeyondLimit, BoundedStream, Limits, size_text
from rollout.installation import how_to_add

T = TypeVar("T")

REQUIRED = ("access_key_id", "since", "until", "calls", "last_call_without_mfa", "agents", "addresses")
OPTIONAL = (
    "days",
    "hours",
    "operations",
    "calls_with_mfa",
    "last_call_with_mfa",
    "last_session_without_mfa",
)
LIMITS = Limits(total=GIB, line=MIB)
MOST_ROWS = 1_000_000
_CURE = "correct the file; docs/key-evidence.md has its columns, and queries that write them"


def imported_activity(path: Path) -> Mapping[str, KeyActivity]:
    """Read the activity of each key, by its ID. Raises BadEvidence with file and line."""
    try:
        rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)
        return _by_key(rows, path)
    except BeyondLimit as beyond:
        raise BadEvidence(str(beyond), cure=_CURE) from beyond
    except OSError as problem:
        raise BadEvidence(
            f"{path} cannot be read: {problem.strerror or problem}",
            cure="correct evidence.import in rollout.yaml",
        ) from problem


def _by_key(rows: Iterable[tuple[int, Mapping[str, str]]], path: Path) -> Mapping[str, KeyActivity]:
    found: dict[str, KeyActivity] = {}
    for line, row in rows:
        key_id = row["access_key_id"].strip()
        try:
            _check_key(key_id, found)
            found[key_id] = _activity(key_id, row, f"{path.name}, line {line}")
        except ValueError as problem:
            raise BadEvidence(f"{path}:{line}: {problem}", cure=_CURE) from problem
        if len(found) > MOST_ROWS:
            raise BadEvidence(f"{path} has more than {MOST_ROWS:,} rows", cure=_CURE)
    return found


def _check_key(key_id: str, found: Mapping[str, KeyActivity]) -> None:
    if not key_id.startswith("AKIA"):
        raise ValueError("access_key_id: not the ID of a long-term access key (AKIA…)")
    if key_id in found:
        raise ValueError(f"access_key_id: {label_of(key_id)} has another row above")


def _activity(key_id: str, row: Mapping[str, str], source: str) -> KeyActivity:
    """Read one row. Raises ValueError that names the column."""
    last = _in(row, "last_call_without_mfa", _moment_or_none)
    calls = _in(row, "calls", _number)
    if (last is None) != (calls == 0):
        raise ValueError("calls: must be 0 exactly where last_call_without_mfa is empty")
    since, until = _in(row, "since", _moment), _in(row, "until", _moment)
    if since > until:
        raise ValueError("since: is later than until")
    return KeyActivity(
        label_of(key_id),
        source,
        read_at=until,
        since=since,
        calls=calls,
        last=last,
        days=_in(row, "days", _days),
        hours=_in(row, "hours", _hours),
        operations=_in(row, "operations", _counts),
        addresses=_in(row, "addresses", _counts),
        agents=_in(row, "agents", _counts),
        with_mfa=_in(row, "calls_with_mfa", _number),
        last_with_mfa=_in(row, "last_call_with_mfa", _moment_or_none),
        last_plain_session=_in(row, "last_session_without_mfa", _moment_or_none),
    )


def _in(row: Mapping[str, str], column: str, read: Callable[[str], T]) -> T:
    try:
        return read(row.get(column, "").strip())
    except ValueError as problem:
        raise ValueError(f"{column}: {problem}") from problem


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        raise ValueError(f'"{text[:40]}" is not a time such as 2026-11-24T09:00:00Z') from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _moment_or_none(text: str) -> datetime | None:
    return _moment(text) if text else None


def _number(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise ValueError(f'"{text[:40]}" is not a number')
    return int(text)


def _days(text: str) -> tuple[date, ...]:
    return tuple(sorted({date.fromisoformat(part.strip()) for part in text.split(";") if part.strip()}))


def _hours(text: str) -> tuple[int, ...]:
    if not text:
        return ()
    hours = [0] * 24
    for name, count in _counts(text):
        hour = _number(name)
        if hour > 23:
            raise ValueError(f'"{name}" is not an hour from 0 to 23')
        hours[hour] = count
    return tuple(hours)


def _counts(text: str) -> Counts:
    """Read `name=count;name=count`; a name alone counts once."""
    parts = (part.strip().rpartition("=") for part in text.split(";") if part.strip())
    found = [(name, _number(count)) if equals else (count, 1) for name, equals, count in parts]
    return tuple(sorted(found, key=lambda item: (-item[1], item[0])))


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open("rb") as stream:
        lines = (
            _text(line, path, number)
            for number, line in enumerate(BoundedStream(stream, str(path), LIMITS), 1)
        )
        reader = csv.reader(lines, strict=True)
        try:
            head = [name.strip() for name in next(reader, [])]
            _check_columns(head, path)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(head):
                    raise BadEvidence(
                        f"{path}:{reader.line_num}: {len(cells)} cells, but {len(head)} columns",
                        cure=_CURE,
                    )
                yield reader.line_num, dict(zip(head, cells, strict=True))
        except csv.Error as problem:
            raise BadEvidence(f"{path}:{reader.line_num}: {problem}", cure=_CURE) from problem


def _text(line: bytes, path: Path, number: int) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as problem:
        raise BadEvidence(f"{path}:{number}: is not UTF-8", cure=_CURE) from problem


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        from pyarrow import ArrowException  # noqa: PLC0415 - an extra, and slow to load
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - see above
    except ImportError as missing:
        raise MissingExtra(
            f"{path} is read by pyarrow, which is not installed",
            cure=f"{how_to_add('parquet')}, or name a CSV file in evidence.import",
        ) from missing
    if (size := path.stat().st_size) > LIMITS.total:
        raise BeyondLimit(f"{path} is larger than {size_text(LIMITS.total)}: {size_text(size)}")
    try:
        with ParquetFile(path) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise BadEvidence(f"{path} has more than {MOST_ROWS:,} rows", cure=_CURE)
            _check_columns(file.schema_arrow.names, path)
            number = 0
            for batch in file.iter_batches(batch_size=1000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: _cell(value) for name, value in row.items()}
    except ArrowException as problem:
        raise BadEvidence(f"{path} is no Parquet file: {problem}", cure=_CURE) from problem


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ";".join(map(_cell, value))
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _check_columns(head: Iterable[str], path: Path) -> None:
    head = list(head)
    missing = [name for name in REQUIRED if name not in head]
    unknown = [name for name in head if name not in (*REQUIRED, *OPTIONAL)]
    twice = sorted({name for name in head if head.count(name) > 1})
    for what, names in (("lacks", missing), ("has unknown", unknown), ("has more than once", twice)):
        if names:
            raise BadEvidence(
                f"{path}:1: {what} column{'s' if len(names) > 1 else ''} {', '.join(names)}", cure=_CURE
            )
