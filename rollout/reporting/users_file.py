"""Writes the users alone, with the columns of users.csv: as CSV for people, as Parquet for tools that count."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import Any, BinaryIO

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.progress.replay import Progress
from rollout.errors import MissingExtra, WrongUsage


class UsersFormat(StrEnum):
    """How the users are written; a file's ending says it."""

    CSV = ".csv"
    PARQUET = ".parquet"


def format_of(path: PurePath) -> UsersFormat:
    """Tell the format by the ending. Raises WrongUsage, and MissingExtra where Parquet cannot be written."""
    try:
        found = UsersFormat(path.suffix.lower())
    except ValueError:
        raise WrongUsage(
            f'"{path}" ends in neither .csv nor .parquet', cure="give --out a file with one of these endings"
        ) from None
    if found is UsersFormat.PARQUET and importlib.util.find_spec("pyarrow") is None:
        raise MissingExtra(
            "Parquet is written by pyarrow, which is not installed",
            cure="pip install 'rollout[parquet]', or give --out a file that ends in .csv",
        )
    return found


def write_users(
    stream: BinaryIO,
    kind: UsersFormat,
    header: Header,
    accounts: Iterable[AccountPlan],
    progress: Progress,
    now: datetime,
) -> None:
    """Write a line for each user. The same input gives the same bytes."""
    # Loaded here: whoever only asks for the format does not wait for it.
    from rollout.reporting import rows, tables  # noqa: PLC0415 - see above

    users = rows.flatten(header, accounts, progress, now).users
    if kind is UsersFormat.CSV:
        chunks = tables.csv_of(rows.UserRow, users)
        stream.writelines(chunk.encode("utf-8", "backslashreplace") for chunk in chunks)
    else:
        _write_parquet(stream, rows.UserRow, users)


def _write_parquet(stream: BinaryIO, kind: type[Any], users: Sequence[Any]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    types = {
        "str": pa.string(),
        "bool": pa.bool_(),
        "int": pa.int64(),
        "datetime": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "tuple[str, ...]": pa.list_(pa.string()),
    }
    columns, values = [], []
    for field in fields(kind):
        name, _, none = str(field.type).partition(" | ")
        columns.append(pa.field(field.name, types[name], nullable=bool(none)))
        spell = _SPELLED.get(name, _as_it_is)
        values.append(pa.array([spell(getattr(user, field.name)) for user in users], types[name]))
    table = pa.Table.from_arrays(values, schema=pa.schema(columns))
    parquet.write_table(table, stream)


def _as_it_is(value: object) -> object:
    return value


def _text(text: str) -> str:
    # Words of an enumeration become text, and half a character (which no AWS name has) the name of it, as in CSV.
    return str(text).encode("utf-8", "backslashreplace").decode()


_SPELLED: Mapping[str, Callable[[Any], object]] = {
    "str": _text,
    "tuple[str, ...]": lambda texts: [_text(text) for text in texts],
}
