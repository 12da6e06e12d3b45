"""Spells one value for each form of a report: CSV (no spreadsheet runs it), data frame, Parquet, page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from rollout.reporting import spelling
from rollout.visible_text import visible

# IAM allows names like `=cmd|...` and `@sum`. The full-width signs count: some programs fold them into these.
_DANGER = "=+\\-@\t\r\n＝＋－＠"  # noqa: RUF001 - meant
_FIRST = frozenset("'=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - meant
_DANGEROUS = re.compile(f"'*[{_DANGER}]")
_DEFUSED = re.compile(f"''*[{_DANGER}]")


def defuse(text: str) -> str:
    """Put a `'` before text that a program might run; text that only looks defused gets one too."""
    # The first sign alone settles nearly every one of millions of cells.
    return f"'{text}" if text[:1] in _FIRST and _DANGEROUS.match(text) else text


def restore(cell: str) -> str:
    """Undo `defuse`: give back the text as it was."""
    return cell[1:] if _DEFUSED.match(cell) else cell


def _plain(text: str) -> str:
    # Codes become text; half a character (which no AWS name has) becomes its escape, as in CSV.
    text = str(text)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _text(text: str) -> str:
    return defuse(visible(str(text)))


def _shown(text: str) -> str:
    return visible(str(text))


@dataclass(frozen=True, slots=True, eq=False)
class CellType:
    """The type of a column: `cell` spells a value for CSV, `shown` for people.

    `dtype` is the type in a data frame, `parquet` picks the one in Parquet from the module pyarrow, and `plain` gives
    both a value that they take. Only `nullable` types have a None, which is an empty cell and a missing value.
    """

    cell: Callable[[Any], str]
    shown: Callable[[Any], str]
    dtype: str
    parquet: Callable[[Any], Any]
    plain: Callable[[Any], Any] = lambda value: value
    nullable: bool = False


def _or_none(spell: Callable[[Any], str], none: str = "") -> Callable[[Any], str]:
    return lambda value: none if value is None else spell(value)


TEXT = CellType(_text, _shown, "str", lambda pa: pa.string(), _plain)
CODE = CellType(_text, _shown, "str", lambda pa: pa.string(), _plain)
"""The value of an enumeration, perhaps with something in parentheses; the page gives it a colour."""
LIST = CellType(
    lambda texts: _text("; ".join(texts)),
    lambda texts: _shown(", ".join(texts)),
    "object",
    lambda pa: pa.list_(pa.string()),
    lambda texts: [_plain(text) for text in texts],
)
FLAG = CellType(
    lambda flag: "true" if flag else "false",
    lambda flag: "yes" if flag else "no",
    "bool",
    lambda pa: pa.bool_(),
)
NUMBER = CellType(str, "{:,}".format, "int64", lambda pa: pa.int64())
COUNT = CellType(_or_none(str), _or_none("{:,}".format, "–"), "Int64", lambda pa: pa.int64(), nullable=True)
"""A number that may be unknown."""
SHARE = CellType(
    _or_none(str), _or_none("{:g} %".format, "–"), "Float64", lambda pa: pa.float64(), nullable=True
)
TIME = CellType(
    _or_none(spelling.stamp),
    spelling.day,
    "datetime64[us, UTC]",
    lambda pa: pa.timestamp("us", tz="UTC"),
    nullable=True,
)
MINUTE = replace(TIME, shown=spelling.minute)
"""A time that the page shows to the minute, not to the day."""
DAY = CellType(_or_none(date.isoformat), spelling.day, "datetime64[s]", lambda pa: pa.date32(), nullable=True)
