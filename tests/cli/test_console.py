"""The one module that prints: no markup in what is said, styles by name only, and text that stays text."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
from rich.progress import TextColumn
from rich.table import Table
from rich.text import Text

from rollout.cli.running import run_command
from rollout.cli.terminal import console
from rollout.cli.terminal.console import (
    TerminalProgress,
    bold,
    confirm,
    echo,
    echo_lines,
    print_json,
    print_json_list,
    print_long_table,
    table,
)
from rollout.errors import RolloutError
from tests.cli.shell import ROOT, Shell

EVIL = "x\x1b[31m\u202e\n[bold]y[/]"
SHOWN = r"x\x1b[31m\u202e\n[bold]y[/]"
RED = "\x1b[31m"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal with colours, in place of stderr."""
    stream = io.StringIO()
    shown = console._Console(file=stream, force_terminal=True, color_system="standard", width=200)
    monkeypatch.setattr(console, "err", shown)
    return stream


def test_a_text_is_no_markup_and_its_line_breaks_make_no_lines(terminal: io.StringIO):
    console.err.print(EVIL, markup=True, emoji=True)
    console.err.print(f":smile: {EVIL}", style="red")
    assert f"{SHOWN}\n{RED}:smile: {SHOWN}\x1b[0m\n" == terminal.getvalue()


def test_styles_come_from_our_own_code_only(terminal: io.StringIO):
    console.err.print("Plan ", bold(EVIL), f": {EVIL}", sep="")
    assert f"Plan \x1b[1m{SHOWN}\x1b[0m: {SHOWN}\n" == terminal.getvalue()
    console.warn(EVIL)
    assert terminal.getvalue().endswith(f"\x1b[33mNote:\x1b[0m {SHOWN}\n")


def test_a_table_shows_what_its_cells_hold(terminal: io.StringIO):
    console.err.print(table(f"\n{EVIL}", (EVIL, "#two"), [(EVIL, 2)]))
    lines = terminal.getvalue().splitlines()
    assert 4 == len(lines)
    assert "" == lines[0].strip()
    assert all(SHOWN in line for line in lines[1:])


@pytest.mark.parametrize("made", [Text(EVIL), Table(EVIL, title=Text(EVIL))], ids=["text", "table"])
def test_what_somebody_makes_without_our_functions_cannot_act_either(
    made: Text | Table, terminal: io.StringIO
):
    console.err.print(made)
    assert RED not in terminal.getvalue()
    assert "\u202e" not in terminal.getvalue()


def test_the_bar_of_a_run_shows_names_as_they_are(terminal: io.StringIO):
    progress = TerminalProgress()
    progress.begin(EVIL, 2)
    progress.advance(EVIL)
    assert progress._bar
    progress._bar.refresh()
    (task,) = progress._bar.tasks
    texts = [column.render(task) for column in progress._bar.columns if isinstance(column, TextColumn)]
    progress.finish()
    assert SHOWN in texts[0].plain
    assert SHOWN in texts[-1].plain
    assert RED not in terminal.getvalue()
    assert terminal.getvalue().endswith(f"{SHOWN}: 1 of 2\n")


def test_a_question_shows_what_it_asks_about(monkeypatch: pytest.MonkeyPatch, capsys):
    answers = io.StringIO("y\n")
    monkeypatch.setattr(answers, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", answers)
    confirm(EVIL, yes=False)
    assert f"{SHOWN} [y/N]:" in capsys.readouterr().err


def test_lines_for_other_programs_are_lines(capsys):
    echo(EVIL)
    echo_lines(f"one\ntwo{RED}\n")
    assert f"{SHOWN}\none\ntwo\\x1b[31m\n" == capsys.readouterr().out


def test_json_keeps_true_values_in_ascii(capsys):
    value = {EVIL: ["é", "\u202e", "\x7f", "\U0001f511"]}
    print_json(value)
    said = capsys.readouterr().out
    assert value == json.loads(said)
    assert said.isascii()
    assert "\x7f" not in said


def test_an_error_is_told_in_its_own_lines_only(capsys):
    def fail(**_: object) -> None:
        raise RolloutError(EVIL, EVIL, cure=EVIL)

    assert 1 == run_command(fail, [])
    assert f"Error: {SHOWN}\n{SHOWN}\n  Cure: {SHOWN}\n" == capsys.readouterr().err


def test_what_is_logged_is_one_line(capsys):
    run_command(lambda **_: None, [])
    assert logging.lastResort
    logging.lastResort.handle(logging.LogRecord("x", logging.WARNING, "", 0, "%s failed", (EVIL,), None))
    assert f"{SHOWN} failed\n" == capsys.readouterr().err


# Takes a second or more: only a process of its own ends with a traceback.
def test_an_error_that_nobody_foresaw_shows_its_text(bare: Shell):
    bare.environment["PYTHONPATH"] = f"{bare.folder}:{ROOT}"
    (bare.folder / "sitecustomize.py").write_text(
        f"import rollout.cli.app\ndef fail(_): raise ZeroDivisionError({EVIL!r})\nrollout.cli.app.run = fail\n"
    )
    said = bare.really("status")
    assert 1 == said.code
    assert "Traceback" in said.err
    assert r"ZeroDivisionError: x\x1b[31m\u202e" in said.err


# --- Long lists ---


def test_a_long_list_of_json_is_the_same_document(capsys: pytest.CaptureFixture[str]):
    values = [{"name": EVIL, "number": number, "none": None} for number in range(3)]
    for some in ([], values):
        print_json(some)
        expected = capsys.readouterr().out
        print_json_list(iter(some))
        assert expected == capsys.readouterr().out


def test_a_table_that_nobody_reads_is_printed_as_lines(capsys: pytest.CaptureFixture[str]):
    """Laying out a million cells takes minutes. The widths go by the first rows; no cell is cut."""
    rows = [(EVIL, number, "x") for number in range(console.LONG)]
    print_long_table(("name", "#", "wide"), iter([*rows, ("longer" * 20, 1, "end")]))
    lines = capsys.readouterr().out.splitlines()
    assert console.LONG + 2 == len(lines)
    assert f"{SHOWN}  0    x" == lines[1]
    assert f"{'longer' * 20}  1    end" == lines[-1]
    assert 1 == len({line.index("  x") for line in lines[1:-1]})


def test_a_short_table_is_laid_out(monkeypatch: pytest.MonkeyPatch, terminal: io.StringIO):
    monkeypatch.setattr(console, "out", console.err)
    print_long_table(("name", "value"), [("a", "b")])
    assert "\x1b[1mname" in terminal.getvalue()
