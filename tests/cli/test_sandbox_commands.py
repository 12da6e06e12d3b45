"""`rollout sandbox`: start, advance, stop; and what is said where there is none, or its extra is not installed."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rollout.installation import how_to_add
from tests.cli.shell import Shell

WITHOUT_MOTO = """
import sys
from importlib.machinery import PathFinder
real = PathFinder.find_spec
def found(name, path=None, target=None):
    return None if name.partition(".")[0] in {"moto", "flask", "flask_cors"} else real(name, path, target)
PathFinder.find_spec = found
from rollout.__main__ import main
main()
"""


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    return Shell(tmp_path, {})


def test_it_starts_moves_and_stops(empty: Shell):
    try:
        started = empty("sandbox", "start")
        assert 0 == started.code
        assert "runs at http://127.0.0.1:" in started.err
        lines = started.out.splitlines()
        assert "unset AWS_PROFILE AWS_SESSION_TOKEN" == lines[-1]
        exports = dict(shlex.split(line)[1].split("=", 1) for line in lines[:-1])
        assert f"{empty.folder}/.rollout/rollout.yaml" == exports["ROLLOUT_CONFIG"]

        again = empty("sandbox", "start")
        assert 1 == again.code
        assert [
            f"Error: a sandbox is already running for {empty.folder}",
            "  Cure: use it, or stop it with `rollout sandbox stop`",
        ] == again.errors

        moved = empty("sandbox", "advance", "14d")
        assert 0 == moved.code
        assert "The sandbox's clock is now " in moved.out
    finally:
        stopped = empty("sandbox", "stop")
    assert (0, True) == (stopped.code, stopped.err.startswith("Stopped."))
    assert exports.keys() == set(stopped.out.split()[1:]), "eval of it makes a shell forget the sandbox"


def test_where_none_runs_that_is_said(empty: Shell):
    advanced = empty("sandbox", "advance", "14d")
    assert 1 == advanced.code
    assert [
        f"Error: no sandbox is running for {empty.folder}",
        "  Cure: start one with `rollout sandbox start`",
    ] == advanced.errors
    stopped = empty("sandbox", "stop")
    assert (0, "", "No sandbox is running for this folder.\n") == (stopped.code, stopped.out, stopped.err)
    assert {} == empty.files()


@pytest.mark.parametrize("span", ["14", "14 days", "3x", "-3d", "99999d", ""])
def test_a_span_that_is_none_is_told_with_an_example(span: str, empty: Shell):
    said = empty("sandbox", "advance", "--", span)
    assert 2 == said.code
    assert f"Error: {span}" in said.errors[0].replace('"', "")
    assert "  Cure: for example: rollout sandbox advance 14d" == said.errors[1]


def test_a_folder_that_cannot_be_written_is_named(empty: Shell):
    (empty.folder / ".rollout").touch()
    said = empty("sandbox", "start")
    assert 1 == said.code
    assert f"cannot write to {empty.folder}" in said.errors[0]
    assert [".rollout"] == list(empty.files())


@pytest.mark.parametrize(
    "words", [["sandbox", "start"], ["sandbox", "stop"], ["demo"], ["demo", "--sample"]], ids=" ".join
)
def test_without_its_extra_the_cure_is_named(words: list[str], empty: Shell):
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_MOTO, *words],
        cwd=empty.folder,
        env=empty.outside(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == said.returncode
    *_, error, cure, _more = said.stderr.splitlines()
    assert "Error: the sandbox is not installed: moto, flask, flask_cors missing" == error
    assert f"  Cure: {how_to_add('sandbox')}" == cure
    assert {} == empty.files()
