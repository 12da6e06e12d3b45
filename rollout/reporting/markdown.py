"""Writes Markdown for pull requests: what comes from outside stays text, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rollout.visible_text import visible

SHOWN = 25
"""Rows of a table; a summary has to fit into a comment, and the CSV files have the rest."""
# What Markdown, as GitHub reads it, may make something of. As references they are text in any place.
_SPECIAL = re.compile(r"[!-&*<>@\[-`{-~]|(?<=www)\.|:(?=//)", re.ASCII)


def said(text: str) -> str:
    """Write a text from outside as it is, so that nothing in it is a link, a mention, a tag or the end of a cell.

    In `<code>`, GitHub looks for neither mentions nor issues. Between backticks, a `|` would end the cell.
    """
    return f"<code>{escaped(text)}</code>" if text else ""


def escaped(text: str) -> str:
    """Escape a sentence of ours that may quote something from outside."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", visible(text))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a table; texts have to be escaped. Columns whose name begins with # hold numbers."""
    yield f"| {' | '.join(name.removeprefix('#') for name in columns)} |\n"
    yield f"|{'|'.join('---:' if name.startswith('#') else '---' for name in columns)}|\n"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |\n"
    yield "\n"


def some(texts: Sequence[str], shown: int = 5) -> str:
    """Name the first few of many."""
    more = f" and {len(texts) - shown} more" if len(texts) > shown else ""
    return ", ".join(map(said, texts[:shown])) + more


def more(number: int, where: str) -> Iterator[str]:
    """Say how many rows are left out, if any are, and where they are."""
    if number > 0:
        yield f"… and {number:,} more: {where}.\n\n"
