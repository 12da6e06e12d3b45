"""At 80 and at 120 columns, no command breaks a word or loses one: what does not fit beside stands below."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from rollout.cli.terminal import console
from rollout.cli.terminal.console import TerminalProgress
from rollout.cli.terminal.text_table import FOLDED, TextTable
from tests.cli.shell import Shell

ENDLESS = 100_000
COMMANDS = (
    "doctor",
    "plan",
    "inventory --out users.csv",
    "show",
    "show --user *",
    "show --user *.kowalski --evidence",
    "status --list",
    "notices",
    "verify",
    "rollback --all --dry-run",
    "report",
    "apply",
    "apply --stage notify --yes",
    "release --all --reason x --yes",
)


@dataclass
class Spoken:
    """What a command printed, to be printed again at any width."""

    said: list[tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)

    @property
    def headers(self) -> str:
        """The titles of columns; that of an empty one is left out below each other."""
        tables = (one for objects, _ in self.said for one in objects if isinstance(one, TextTable))
        return " ".join(name.removeprefix("#") for one in tables for name in one.columns)

    def at(self, columns: int) -> str:
        stream = io.StringIO()
        shown = console._Console(file=stream, width=columns, soft_wrap=True, highlight=False, emoji=False)
        shown.by_words = True
        for objects, how in self.said:
            shown.print(*objects, **how)
        return stream.getvalue()


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Spoken:
    heard, as_before = Spoken(), console._Console.print

    def listen(self: Any, *objects: Any, **how: Any) -> None:
        heard.said.append((objects, how))
        as_before(self, *objects, **how)

    for stream in (console.out, console.err):
        monkeypatch.setattr(stream, "print", partial(listen, stream))
    return heard


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_keeps_its_words_whole(command: str, told: Shell, spoken: Spoken):
    told(*command.split())
    assert spoken.said
    wanted = words(spoken.at(ENDLESS)) - words(spoken.headers)
    for columns in (80, 120):
        shown = spoken.at(columns)
        assert set() == wanted - words(shown)
        for line in shown.splitlines():
            assert len(line) <= columns or len(line.split()) <= 2, line


def words(text: str) -> set[str]:
    """Every word without its punctuation."""
    return {word.strip(".,:;") for word in text.split()}


# --- The table ---

ARN = "arn:aws:iam::111122223333:user/team/a.long.name"
WAVES = TextTable(
    "\nWaves",
    ("wave", "#users", "because", "text"),
    (
        ("canary", "3", "no-mfa", f"{ARN} could not be read, and more that takes up some room"),
        ("rest", "12", "", ""),
    ),
)


def text_of(table: TextTable, width: int, *, everything: bool = False) -> list[str]:
    return [line for line, _ in table.lines(width, everything=everything)]


def test_a_wide_terminal_has_columns_with_numbers_to_the_right():
    assert [
        "",
        "Waves",
        "wave    users  because  text",
        f"canary      3  no-mfa   {ARN} could not be read, and more that takes up some room",
        "rest       12",
    ] == text_of(WAVES, 200)


def test_from_120_columns_on_a_cell_is_broken_between_words():
    lines = text_of(WAVES, 120)
    assert f"canary      3  no-mfa   {ARN} could not be read, and more that takes up some" == lines[3]
    assert " " * 24 + "room" == lines[4]


def test_a_narrow_terminal_has_the_rows_one_below_the_other():
    assert [
        "",
        "Waves",
        "canary",
        "  users 3, because no-mfa",
        f"  text: {ARN} could not be read, and",
        "    more that takes up some room",
        "rest",
        "  users 12",
    ] == text_of(WAVES, 80)


def test_a_table_that_fits_has_columns_on_every_terminal():
    small = TextTable("", ("wave", "#users"), (("canary", "3"),))
    assert ["wave    users", "canary      3"] == text_of(small, 40)


def test_a_long_list_is_folded_until_all_of_it_is_asked_for():
    rows = tuple((f"user-{number}",) for number in range(FOLDED + 37))
    long = TextTable("", ("user",), rows)
    assert (FOLDED + 2, "and 37 more: --all") == (len(text_of(long, 80)), text_of(long, 80)[-1])
    assert len(rows) + 1 == len(text_of(long, 80, everything=True))
    assert len(rows) + 1 == len(text_of(TextTable("", ("user",), rows, whole=True), 80))


def test_all_shows_a_long_list_to_its_end(planned: Shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rollout.cli.terminal.text_table.FOLDED", 2)
    assert "and 1 more: --all" in planned("show").out
    assert "more: --all" not in planned("show", "--all").out


def test_where_all_means_everybody_no_list_is_folded(told: Shell, monkeypatch: pytest.MonkeyPatch):
    """Nobody who wants to see more of a list may release everybody by that."""
    monkeypatch.setattr("rollout.cli.terminal.text_table.FOLDED", 1)
    for command in (("release", "--all", "--reason", "x", "--yes"), ("rollback", "--all", "--dry-run")):
        assert ": --all" not in told(*command).out


@pytest.mark.parametrize("columns", [80, 120])
def test_the_progress_bar_stays_and_the_detail_gives_way(columns: int, monkeypatch: pytest.MonkeyPatch):
    stream = io.StringIO()
    shown = console._Console(
        file=stream, force_terminal=True, width=columns, color_system=None, _environ={"TERM": "xterm"}
    )
    monkeypatch.setattr(console, "err", shown)
    progress = TerminalProgress(iter(range(100)).__next__)
    progress.begin("Rehearsing enforcement", 200)
    progress.advance("444455556666 an-account-with-a-rather-long-name; 39 enforced, 61 queued", by=70)
    progress._bar.refresh()  # type: ignore[union-attr]  # begun on a terminal
    progress.finish()
    line = next(part for part in re.split(r"[\r\n]", stream.getvalue()) if "70/200" in part)
    assert "━" in line
    assert "Rehearsing enforcement" in line
