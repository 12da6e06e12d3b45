"""`--help`: an example for every command, and an answer before any heavy library is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer

from rollout.cli.app import app
from tests.cli.shell import ROOT, Shell

HEAVY = {
    "boto3",
    "botocore",
    "pandas",
    "numpy",
    "jinja2",
    "moto",
    "flask",
    "yaml",
    "tenacity",
}
ASK_ALL = """
import io, json, sys
from contextlib import redirect_stdout
from rollout.cli.app import run
said = {}
for words in json.loads(sys.argv[1]):
    with redirect_stdout(io.StringIO()) as out:
        code = run([*words, "--help"])
    said[" ".join(words)] = (code, out.getvalue(), sorted({name.partition(".")[0] for name in sys.modules}))
print(json.dumps(said))
"""


def commands(command: object = None, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group there is, also those that will be added one day."""
    command = command or typer.main.get_command(app)
    yield way
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*way, name))


COMMANDS = sorted(commands())


@cache
def helps() -> dict[str, tuple[int, str, list[str]]]:
    """What each `--help` answers, asked in one process of its own."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK_ALL, json.dumps(COMMANDS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    answers: dict[str, tuple[int, str, list[str]]] = json.loads(asked.stdout)
    return answers


def test_the_commands_of_the_readme_are_there():
    assert {
        ("init",),
        ("plan",),
        ("show",),
        ("apply",),
        ("status",),
        ("report",),
        ("policy",),
        ("policy", "simulate"),
        ("demo",),
        ("sandbox", "start"),
        ("sandbox", "stop"),
        ("sandbox", "advance"),
    } <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_has_an_example_that_names_its_command(words: tuple[str, ...]):
    code, text, _ = helps()[" ".join(words)]
    assert 0 == code
    assert "Usage: " in text
    _, _, example = " ".join(text.split()).partition("Example: ")
    assert " ".join(("rollout", *words)) in example


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_help_waits_for_a_heavy_library(words: tuple[str, ...]):
    """Nor for what this program wants of pydantic; typer itself loads its core to read a command's options."""
    assert not HEAVY & set(helps()[" ".join(words)][2])


def test_help_of_the_program_imports_little(bare: Shell):
    """Counted, not timed: clocks differ, and one heavy library brings hundreds of modules."""
    asked = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "rollout", "--help"],
        cwd=bare.folder,
        env=bare.outside(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = [line.rpartition("|")[2].strip() for line in asked.stderr.splitlines() if "|" in line]
    assert not (HEAVY | {"pydantic"}) & {name.partition(".")[0] for name in imported}
    assert len(imported) < 700, "rollout --help imports half a library too much"


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_the_program_alone_shows_its_help(words: tuple[str, ...], bare: Shell):
    said = bare(*words)
    assert 0 == said.code
    assert "Commands" in said.out
    assert not said.err


def test_it_tells_its_version(bare: Shell):
    said = bare("--version")
    assert (0, "rollout ") == (said.code, said.out[:8])


def test_letters_that_the_terminal_does_not_have_stop_nobody(bare: Shell):
    for words in ([], ["policy", "simulate", "--help"], ["frobnicate"]):
        said = bare.really(*words, PYTHONIOENCODING="ascii")
        assert "Traceback" not in said.err
        assert said.code == (2 if "frobnicate" in words else 0)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("rollout re", ["release", "report"]),
        ("rollout apply --st", ["--stage"]),
        ("rollout apply --stage ", ["dry-run", "notify", "enforce"]),
    ],
)
def test_shells_complete_what_was_begun(typed: str, offered: list[str], tmp_path: Path):
    asked = {"_ROLLOUT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    assert offered == Shell(tmp_path, asked)().out.split()


def test_the_completion_of_a_shell_can_be_installed(tmp_path: Path):
    said = Shell(tmp_path, {})("--help").out
    assert "--install-completion" in said
    assert "--show-completion" in said
