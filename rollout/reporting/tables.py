"""Describes a table of a report as a list of columns, from which CSV, data frame, Parquet, page and docs follow."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rollout.reporting.cells import CellType

T = TypeVar("T")

_LINES_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class OnPage(Generic[T]):
    """How the page shows a column: under which label, and at which place of its table (0: only in the details).

    `shown` is what it says where that is not the value alone. `width` is in pixels. A `filter` gets a list to choose
    from. What is `long` is left to the CSV in a large report.
    """

    label: str
    place: int = 0
    shown: Callable[[T], str] | None = None
    width: int = 120
    filter: bool = False
    long: bool = False


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: its name, the type of its cells, what it means in one line of Markdown, and its value of a thing."""

    name: str
    type: CellType
    meaning: str
    of: Callable[[T], Any]
    page: OnPage[T] | None = None

    def shown(self, thing: T) -> str:
        """Say for people what the column holds of a thing."""
        if self.page and self.page.shown:
            return self.page.shown(thing)
        return self.type.shown(self.of(thing))


@dataclass(slots=True)
class Table(Generic[T]):
    """A table of a report. Adding a column is adding one to `columns`, at the end."""

    file: str
    columns: tuple[Column[T], ...]

    @property
    def on_page(self) -> tuple[Column[T], ...]:
        """The columns of the page in its order: those of its table, then those that only the details have."""
        shown = [(column.page.place or 1_000, column) for column in self.columns if column.page]
        return tuple(column for _, column in sorted(shown, key=lambda pair: pair[0]))

    @property
    def on_page_table(self) -> tuple[Column[T], ...]:
        """The columns of the page's table, in its order."""
        return tuple(column for column in self.on_page if column.page and column.page.place)

    def row(self, thing: T) -> dict[str, Any]:
        """Give the values of one thing by the names of the columns."""
        return {column.name: column.of(thing) for column in self.columns}

    def csv(self, things: Iterable[T]) -> Iterator[str]:
        """Yield the table as CSV, every cell quoted, some thousand lines at a time.

        Not by way of the data frame: cells are defused and times spelled one by one either way, a stream of lines
        takes no memory, and `rollout inventory` needs no pandas.
        """
        spelled = [(column.type.cell, column.of) for column in self.columns]
        buffer = io.StringIO()
        writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        for number, thing in enumerate(things, start=1):
            writer.writerow([cell(of(thing)) for cell, of in spelled])
            if number % _LINES_AT_ONCE == 0:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue()
