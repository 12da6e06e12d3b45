"""Writes the users alone, with the columns of users.csv: as CSV for people, as Parquet for tools that count."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import PurePath
from typing import BinaryIO, TypeVar

from rollout.domain.gates.readiness import Notified
from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.progress.projection import Progress
from rollout.errors import MissingExtra, WrongUsage
from rollout.installation import how_to_add
from rollout.reporting.tables import Table

T = TypeVar("T")

_LINES_AT_ONCE = 20_000


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
            cure=f"{how_to_add('parquet')}, or give --out a file that ends in .csv",
        )
    return found


def write_users(
    stream: BinaryIO,
    kind: UsersFormat,
    header: Header,
    accounts: Iterable[AccountPlan],
    progress: Progress,
    now: datetime,
    notified: Notified,
) -> None:
    """Write a line for each user; `notified` is the rule by which they are ready.

    The same input gives the same bytes.
    """
    # Loaded here: whoever only asks for the format does not wait for it.
    from rollout.reporting.report_data import by_account  # noqa: PLC0415 - see above
    from rollout.reporting.user_columns import USERS  # noqa: PLC0415 - see above

    users = (line for _, lines in by_account(header, accounts, progress, now, notified) for line in lines)
    if kind is UsersFormat.CSV:
        stream.writelines(chunk.encode("utf-8", "backslashreplace") for chunk in USERS.csv(users))
    else:
        write_parquet(stream, USERS, users)


def write_parquet(stream: BinaryIO, table: Table[T], things: Iterable[T]) -> None:
    """Write a table, some thousand lines at a time; pyarrow is an extra."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    types = [column.type.parquet(pa) for column in table.columns]
    schema = pa.schema(
        pa.field(column.name, type_, nullable=column.type.nullable)
        for column, type_ in zip(table.columns, types, strict=True)
    )
    coming = iter(things)
    with parquet.ParquetWriter(stream, schema) as writer:
        while some := list(islice(coming, _LINES_AT_ONCE)):
            values = [
                pa.array([column.type.plain(column.of(thing)) for thing in some], type_)
                for column, type_ in zip(table.columns, types, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(values, schema=schema))
