"""Speaks to people: results on stdout, progress and questions on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from rollout.errors import WrongUsage

# Wide enough for tables where nobody has a window: in a file, a pipe or a log.
WIDTH_ELSEWHERE = 160

out = Console(
    soft_wrap=True,
    highlight=False,
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_ELSEWHERE,
)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def warn(text: str) -> None:
    """Say something that a person should know, on stderr."""
    err.print(f"[yellow]Note:[/] {escape(text)}")


def confirm(question: str, *, yes: bool) -> None:
    """Ask before writing. Raises WrongUsage when nobody can answer, Abort when the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(
            "this command writes and asks first, but there is no terminal to ask on",
            cure="look at the counts above, then add --yes",
        )
    if not typer.confirm(question, err=True):
        raise WrongUsage("left as it was: the answer was no")


def print_json(value: object) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Make a plain table; whatever is in a cell is text, never markup."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = column.startswith("#")
        made.add_column(column.removeprefix("#"), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(escape(str(cell)) for cell in row))
    return made


class TerminalProgress:
    """Fills the `Progress` port: a bar on a terminal, plain lines otherwise."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._bar: Bar | None = None
        self._what, self._total, self._done = "", 0, 0

    def say(self, text: str) -> None:
        """Say one line."""
        err.print(escape(text))

    def begin(self, what: str, total: int) -> None:
        """Start counting."""
        self._what, self._total, self._done = what, total, 0
        if err.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=err, transient=True)
            self._bar.add_task(what, total=total)
            self._bar.start()

    def advance(self, detail: str = "") -> None:
        """Count one."""
        self._done += 1
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def finish(self) -> None:
        """Stop counting, and say how many there were."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        err.print(escape(f"{self._what}: {self._done} of {self._total}"))
