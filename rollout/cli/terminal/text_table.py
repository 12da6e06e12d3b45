"""Lays out every table in one style: in columns, or one row below the other where columns would be too narrow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap
from unicodedata import east_asian_width

GAP = "  "
ROOMY = 120
"""Columns from which on a cell may be broken into lines; on a narrower terminal, such a table is stacked."""
FOLDED = 25
"""Rows that are shown of a list unless all are asked for."""
SHORT = 24
"""Characters up to which a cell of a stacked row shares a line with others."""
TITLE, HEADER, TEXT = "italic", "bold", ""
Line = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of visible texts. A column whose title starts with # contains numbers.

    `least` are widths that the columns have at least, so that several tables stand below each other. `whole`: no row is
    ever left out.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    least: tuple[int, ...] = ()
    whole: bool = False

    def lines(self, width: int, *, everything: bool = False) -> Iterator[Line]:
        """Yield each line with its style. `everything`: show every row of a long list."""
        if self.title.startswith("\n"):
            yield "", TEXT
        if title := self.title.removeprefix("\n"):
            yield from ((line, TITLE) for line in _wrapped(title, width))
        left = 0 if everything or self.whole else max(len(self.rows) - FOLDED, 0)
        shown = self.rows[: len(self.rows) - left]
        yield from (
            self._stacked(shown, width) if self._is_stacked(shown, width) else self._in_columns(shown, width)
        )
        if left:
            yield f"and {left} more: --all", TEXT

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(column.removeprefix("#") for column in self.columns)

    def _is_stacked(self, rows: Sequence[Sequence[str]], width: int) -> bool:
        if _sum(self._natural(rows)) <= width:
            return False
        if _sum(self._narrowest(rows)) > width:
            return True
        is_list_of_names = len(self.columns) == 2 and not any(self.columns)
        return width < ROOMY and not is_list_of_names

    def _natural(self, rows: Sequence[Sequence[str]]) -> list[int]:
        return [max(map(wide, cells)) for cells in zip(self._names, *rows, strict=True)]

    def _narrowest(self, rows: Sequence[Sequence[str]]) -> list[int]:
        columns = zip(self._names, *rows, strict=True)
        return [max(wide(word) for cell in cells for word in cell.split(" ")) for cells in columns]

    def _in_columns(self, rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
        widths, narrowest = self._natural(rows), self._narrowest(rows)
        shared = [max(pair) for pair in zip_longest(narrowest, self.least, fillvalue=0)]
        if _sum(shared) <= width:
            widths, narrowest = [max(pair) for pair in zip(widths, shared, strict=True)], shared
        room = width - _sum(widths)
        while room < 0:
            spare = [one - other for one, other in zip(widths, narrowest, strict=True)]
            widest = max(range(len(widths)), key=lambda place: (spare[place] > 0, widths[place]))
            widths[widest], room = widths[widest] - 1, room + 1
        for number, row in enumerate((self._names, *rows) if any(self.columns) else rows):
            style = HEADER if not number and any(self.columns) else TEXT
            cells = [_wrapped(cell, space) for cell, space in zip(row, widths, strict=True)]
            for parts in zip_longest(*cells, fillvalue=""):
                aligned = (
                    self._aligned(*each) for each in zip(range(len(widths)), parts, widths, strict=True)
                )
                yield GAP.join(aligned).rstrip(), style

    def _aligned(self, place: int, text: str, width: int) -> str:
        fill = " " * (width - wide(text))
        return fill + text if self.columns[place].startswith("#") else text + fill

    def _stacked(self, rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
        for row in rows:
            cells = [(column, cell) for column, cell in zip(self.columns, row, strict=True) if cell]
            (_, head), *rest = cells or [("", "")]
            for number, line in enumerate(_wrapped(head, width)):
                yield (line if not number else GAP + line), HEADER
            short = [
                f"{name.removeprefix('#')} {cell}".strip()
                for name, cell in rest
                if name.startswith("#") or wide(cell) <= SHORT
            ]
            for line in _packed(short, width - len(GAP)):
                yield GAP + line, TEXT
            for name, cell in rest:
                if not name.startswith("#") and wide(cell) > SHORT:
                    text = f"{name}: {cell}" if name else cell
                    for number, line in enumerate(_wrapped(text, width - 2 * len(GAP))):
                        yield (GAP if not number else 2 * GAP) + line, TEXT


def wide(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(1 + (east_asian_width(sign) in "WF") for sign in text)


def _packed(parts: Sequence[str], width: int) -> Iterator[str]:
    """Put as many parts on a line as fit, with commas between them."""
    line = ""
    for part in parts:
        if line and wide(f"{line}, {part}") > width:
            yield f"{line},"
            line = part
        else:
            line = f"{line}, {part}" if line else part
    if line:
        yield line


def line_breaks(text: str, width: int, indent: int) -> list[int]:
    """Say where to break a text into lines of a width, between words; lines after the first are indented."""
    breaks, column = [], len(text) - len(text.lstrip())
    for match in re.finditer(r"\S+\s*", text):
        if match.start() and column > indent and column + wide(match[0].rstrip()) > width:
            breaks.append(match.start())
            column = indent
        column += wide(match[0])
    return breaks


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text between words only; a word that does not fit stands alone, and is as long as it is."""
    if wide(text) <= width:
        return [text]
    return wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]
