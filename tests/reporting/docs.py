"""Makes the tables of docs/reports.md from the columns and codes of a report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rollout.reporting import legend
from rollout.reporting.accounts import ACCOUNTS
from rollout.reporting.changes import CHANGES
from rollout.reporting.tables import Table
from rollout.reporting.users import USERS

PAGE = Path(__file__).parents[2] / "docs/reports.md"


def markdown(table: Table[Any]) -> str:
    """Give the columns of a table as a table in Markdown."""
    return _table("column", {column.name: column.meaning for column in table.columns})


def _table(head: str, lines: Mapping[str, str]) -> str:
    rows = [f"| `{name}` | {meaning} |".replace("` | `.", r"` \| `.") for name, meaning in lines.items()]
    return "\n".join((f"| {head} | what it says |", "|---|---|", *rows, ""))


def written() -> str:
    """Give the page as it should be: what stands between `<!-- NAME -->` and `<!-- end -->` is made here."""
    tables = {
        **{table.file: markdown(table) for table in (USERS, ACCOUNTS, CHANGES)},
        "states of users": _table("state", legend.STATES),
        "states of accounts": _table("state", legend.LISTED),
        "outcomes": _table("outcome", legend.OUTCOMES),
    }
    parts = re.split(r"(?s)<!-- (?!begin |end )([^>]+) -->\n.*?<!-- end -->", PAGE.read_text())
    assert set(tables) == set(parts[1::2])
    return "".join(
        f"<!-- {part} -->\n{tables[part]}<!-- end -->" if odd % 2 else part for odd, part in enumerate(parts)
    )
