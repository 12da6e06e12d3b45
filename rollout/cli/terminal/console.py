"""Prints for people: results on stdout, progress and questions on stderr.

Whatever a command says passes through this module, which keeps text from outside from acting on the terminal
(`rollout.visible_text`). One call prints one line or one table; a line break within a text is shown as its escape.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from rollout.cli.terminal.pacing import Pacing
from rollout.cli.terminal.text_table import TextTable, line_breaks
from rollout.errors import Refused, WrongUsage
from rollout.visible_text import visible

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.style import Style

Justify = Literal["default", "left", "center", "right", "full"]
# Wide enough for tables in files, pipes and logs, which have no window width.
WIDTH_ELSEWHERE = 160
# Rows from which on a table is no longer laid out: that takes a millisecond for each.
LONG = 1000


class _Console(Console):
    """A console on which text stays text, and that survives a closed pipe.

    No string is read as markup, and hidden characters are shown as their escapes. After `| head`, a run still finishes
    and its exit code stays correct.
    """

    def render_str(
        self, text: str, *, style: str | Style = "", justify: Justify | None = None, **_: object
    ) -> Text:
        """Make a text of every string that is printed, alone or in a table, and ignore what is asked about markup."""
        return Text(visible(text), style, justify=justify)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Make visible what came here as something other than a string; only lines may end."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                lines = segment.text.split("\n")
                yield segment._replace(text="\n".join(visible(line) for line in lines))

    by_words: bool | None = None
    """Whether a line ends at the width, between words; by default, on a terminal."""

    def print(self, *objects: Any, sep: str = " ", **how: Any) -> None:
        """Print; on a terminal, no word is broken at its edge."""
        by_words = self.is_terminal if self.by_words is None else self.by_words
        if by_words and objects and all(isinstance(one, str | Text) for one in objects):
            joined = Text(sep).join(one if isinstance(one, Text) else self.render_str(one) for one in objects)
            objects = (_Words(joined),)
        super().print(*objects, sep=sep, **how)

    def on_broken_pipe(self) -> None:
        """Discard all further output."""
        self.quiet = True
        _silence(self.file)


class _Words:
    """A text whose lines end between words; what follows stands below, indented."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        plain = self._text.plain
        begins = len(plain) - len(plain.lstrip())
        indent = Text(" " * (begins + 2 if begins else 0))
        for number, line in enumerate(self._text.divide(line_breaks(plain, options.max_width, len(indent)))):
            line.rstrip()
            line.no_wrap, line.overflow = True, "ignore"
            yield Text.assemble(indent, line, no_wrap=True, overflow="ignore") if number else line


def _silence(stream: IO[str]) -> None:
    """Discard everything still to be written to the stream, including at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


out = _Console(
    soft_wrap=True,
    highlight=False,
    emoji=False,  # an ARN is full of colons
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_ELSEWHERE,
)
err = _Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)


def echo(line: str) -> None:
    """Print one line to stdout as it is, whatever the width of the terminal: for a shell or another program."""
    _write(visible(line))


def echo_lines(document: str, *, end: str = "\n") -> None:
    """Print a document of ours with its own line breaks: JSON, a policy, a help text."""
    _write("\n".join(visible(line) for line in document.removesuffix("\n").split("\n")), end)


def _write(text: str, end: str = "\n") -> None:
    try:
        sys.stdout.write(f"{text}{end}")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)


def bold(text: str, colour: str = "") -> Text:
    """Set text in bold, to be printed beside other text."""
    return Text(visible(text), f"bold {colour}".strip())


def warn(text: str) -> None:
    """Print a note on stderr."""
    err.print(Text("Note:", "yellow"), text)


def next_step(text: str) -> None:
    """Say on stderr what to do next, as the last line of a command."""
    err.print(Text("Next:", "bold"), text)


class LogLines(logging.Handler):
    """Prints what is logged, by libraries too, as one line of text each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message; a traceback with it is left out."""
        err.print(record.getMessage())


def confirm(question: str, *, yes: bool) -> None:
    """Ask before writing. Raises WrongUsage without a terminal, Refused when the answer is no, and Abort."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage(
            "this command asks before it writes, but there is no terminal; nothing was written",
            cure="check the list above, then add --yes",
        )
    with _ended_at_once():
        agreed = typer.confirm(visible(question), err=True)
    if not agreed:
        raise Refused("nothing was written, because the answer was no")


def attended() -> bool:
    """Tell whether somebody sits at the terminal, so that what is printed for them alone goes nowhere else."""
    return sys.stdin.isatty() and err.is_terminal


def choose(question: str, letters: Sequence[str]) -> str:
    """Ask until the answer is one of the letters. Raises Abort."""
    with _ended_at_once():
        while (answer := str(typer.prompt(visible(question), err=True)).strip().lower()) not in letters:
            err.print(f"Type one of {', '.join(letters)}.")
    return answer


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end a question at once, since no change is in progress."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print one JSON document."""
    # In ASCII: the true values, and nothing that a terminal would obey.
    echo_lines(json.dumps(value, indent=indent, ensure_ascii=True, default=str))


def print_json_list(values: Iterable[Mapping[str, object]]) -> None:
    """Print one JSON document: a list of objects, as it comes, for it may be long."""
    before = "["
    for value in values:
        fields = (
            f"    {json.dumps(key)}: {json.dumps(field, ensure_ascii=True, default=str)}"
            for key, field in value.items()
        )
        echo_lines(f"{before}\n  {{\n" + ",\n".join(fields) + "\n  }", end="")
        before = ","
    echo_lines("[]" if before == "[" else "\n]")


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    widths: Sequence[int] = (),
    whole: bool = False,
) -> TextTable:
    """Build a table (`TextTable`). A title that starts with a line break stands below an empty line."""
    above, below = ("\n", title[1:]) if title.startswith("\n") else ("", title)
    cells = tuple(tuple(visible(str(cell)) for cell in row) for row in rows)
    names = tuple(map(visible, columns))
    return _ShownTable(above + visible(below), names, cells, tuple(widths), whole)


class _ShownTable(TextTable):
    """A table as rich prints it."""

    __slots__ = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line, style in self.lines(options.max_width, everything=_lists.whole):
            yield Text(line, style, no_wrap=True, overflow="ignore")


@dataclass
class _Lists:
    whole: bool = True


_lists = _Lists()


def show_whole_lists(whole: bool) -> None:
    """Leave no row out of long lists, or only show their beginnings: for commands whose `--all` means lists."""
    _lists.whole = whole


def print_long_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; from a length on that nobody reads, as lines that are as wide as they are, for they are quick."""
    coming = iter(rows)
    first = list(islice(coming, LONG))
    if len(first) < LONG:
        out.print(table("", columns, first))
        return
    cells = [columns, *([visible(str(cell)) for cell in row] for row in first)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in chain(cells, coming):
        echo("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def shortly(names: Sequence[str], most: int = 4, *, number: int = 0) -> str:
    """List the first few names, and count the rest; `number`: how many there are, where only the first are given."""
    more = max(number, len(names)) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


class TerminalProgress:
    """Implements `Progress`: a bar on a terminal, otherwise a line every few seconds. Safe to share between threads."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Keep the clock; show nothing yet."""
        self._seconds = seconds
        self._bar: Bar | None = None
        self._what, self._pacing = "", Pacing(0, seconds())
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Print one line."""
        err.print(text)

    def begin(self, what: str, total: int) -> None:
        """Start counting towards `total`, and show it."""
        self._what, self._pacing = what, Pacing(total, self._seconds())
        if err.is_terminal:
            # What is narrowed first is what matters least: the detail.
            detail = Column(ratio=1, no_wrap=True, overflow="ellipsis")
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=max(err.width // 8, 8)),
                MofNCompleteColumn(),
                TextColumn(
                    "{task.fields[speed]} {task.fields[detail]}",
                    style="dim",
                    markup=False,
                    table_column=detail,
                ),
            )
            self._bar = Bar(*columns, console=err, transient=True, expand=True)
            self._bar.add_task(visible(what), total=total, speed="", detail="")
            self._bar.start()

    def advance(self, detail: str = "", by: int = 1) -> None:
        """Add to the count."""
        with self._lock:
            now = self._seconds()
            due = self._pacing.advance(by, detail, now)
            if self._bar is not None:
                speed, where = self._pacing.speed(now), visible(self._pacing.detail)
                self._bar.update(self._bar.task_ids[0], advance=by, speed=speed, detail=where)
            elif due:
                err.print(f"{self._what}: {self._pacing.line(now)}")

    def finish(self) -> None:
        """Stop counting, and print the final count."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        err.print(f"{self._what}: {self._pacing.end(self._seconds())}")
