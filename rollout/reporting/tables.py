"""Writes rows as CSV that no spreadsheet takes for a formula, and that reads back as it was."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from rollout.reporting.moments import stamp

# IAM allows names like `=cmd|...` and `@sum`. The full-width signs count: some programs fold them into these.
_DANGER = "=+\\-@\t\r\n＝＋－＠"  # noqa: RUF001 - meant
_FIRST = frozenset("'=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - meant
_DANGEROUS = re.compile(f"'*[{_DANGER}]")
_DEFUSED = re.compile(f"''*[{_DANGER}]")

_LINES_AT_ONCE = 2_000


def defuse(text: str) -> str:
    """Put a `'` before text that a program might run; text that only looks defused gets one too."""
    # The first sign alone settles nearly every one of millions of cells.
    return f"'{text}" if text[:1] in _FIRST and _DANGEROUS.match(text) else text


def restore(cell: str) -> str:
    """Undo `defuse`: give back the text as it was."""
    return cell[1:] if _DEFUSED.match(cell) else cell


def cell(value: object) -> str:
    """Spell one value: empty for nothing, `true` and `false`, times as `2026-11-24T09:00:00Z`."""
    match value:
        case None:
            return ""
        case str():  # words of an enumeration too
            return defuse(str(value))
        case bool():
            return "true" if value else "false"
        case datetime():
            return stamp(value)
        case date():
            return value.isoformat()
        case tuple():
            return defuse("; ".join(value))
        case _:
            return str(value)


def csv_of(kind: type[Any], rows: Iterable[Any]) -> Iterator[str]:
    """Yield a table as text, its columns named by the fields of the row class, every cell quoted."""
    names = tuple(field.name for field in fields(kind))
    values = attrgetter(*names)
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    for number, row in enumerate(rows, start=1):
        writer.writerow([cell(value) for value in values(row)])
        if number % _LINES_AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
