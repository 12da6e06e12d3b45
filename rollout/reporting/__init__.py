"""Turns plan and journal into CSV and HTML: one page for the admin and the auditor, three tables for tools."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.progress.replay import Progress


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where the parts of a report were written."""

    html: Path
    users: Path
    accounts: Path
    changes: Path


def write_report(
    folder: Path,
    header: Header,
    accounts: Iterable[AccountPlan],
    progress: Progress,
    now: datetime,
    *,
    rehearsal: Progress | None = None,
) -> ReportFiles:
    """Write `index.html`, `users.csv`, `accounts.csv` and `changes.csv` into the folder, whole or not at all.

    The same input gives the same bytes. `rehearsal` is what a dry run noted; its changes are shown as `rehearsed`.
    Raises Unwritable.
    """
    # Loaded here: whoever imports this package for its names does not wait for pandas and Jinja2.
    from rollout.reporting import change_history, frames, page, rows, tables, writing  # noqa: PLC0415 - see above

    flat = rows.flatten(header, accounts, progress, now, rehearsal=rehearsal)
    parts = {
        "users.csv": tables.csv_of(rows.UserRow, flat.users),
        "accounts.csv": tables.csv_of(rows.AccountRow, flat.accounts),
        "changes.csv": tables.csv_of(change_history.ChangeRow, flat.changes),
        "index.html": page.page(flat, frames.count(flat)),
    }
    writing.write_together(folder, parts)
    return ReportFiles(
        folder / "index.html", folder / "users.csv", folder / "accounts.csv", folder / "changes.csv"
    )
