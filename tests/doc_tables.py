"""Holds a table of a page under docs/ to the code that it is derived from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def row(*cells: str) -> str:
    """One line of a table, as the pages spell it."""
    return f"| {' | '.join(cells)} |"


def assert_table(page: str, heading: str, rows: Iterable[str]) -> None:
    """Compare the first table under a heading, below its head, with these rows.

    After a wanted change: UPDATE_GOLD=1 pytest writes the rows into the page; read the difference.
    """
    path, wanted = DOCS / page, [*rows]
    text = path.read_text()
    under = re.compile(
        rf"^#+ {re.escape(heading)}$.*?^\|[-|]+\|\n((?:\|[^\n]*\n)*)", re.MULTILINE | re.DOTALL
    )
    found = under.search(text)
    assert found, f"docs/{page} has no table under {heading}"
    if os.environ.get("UPDATE_GOLD"):
        path.write_text(
            text[: found.start(1)] + "".join(f"{line}\n" for line in wanted) + text[found.end(1) :]
        )
    else:
        assert wanted == found[1].splitlines()
