"""Each runbook is typed as printed, in an organization where everybody of one account is enforced."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import Kept
from tests.cli.shell import Shell

PAGE = (Path(__file__).parents[2] / "docs/runbooks.md").read_text()
RUNBOOKS = dict(re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", PAGE))
ASKED = {"apply", "release", "rollback", "unlock", "verify"}
EXPECTED = {
    "rollout release --all": {4},
    "rollout verify": {0, 3, 4},
    "rollout plan": {4},
    "rollout inventory": {4},
}
"""Codes by how a command begins: one account of the organization cannot be entered, and only one is in this plan."""


def commands(text: str) -> list[str]:
    return [line for block in re.findall(r"(?ms)^```sh\n(.*?)^```", text) for line in block.splitlines()]


def in_words(line: str) -> tuple[list[str], dict[str, str]]:
    """The words of a command, and the variables before it."""
    words, environment = shlex.split(line), {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    assert "rollout" == words.pop(0), line
    return words, environment


@pytest.fixture
def enforced(told: Shell, sandbox: Sandbox, tmp_path: Path, _kept: dict[str, Kept]) -> Shell:
    if "runbooks" not in _kept:
        sandbox.advance(timedelta(days=15))
        assert 0 == told("apply", "--stage", "enforce", "--yes").code
        _kept["runbooks"] = Kept.of(told, sandbox)
        return told
    return _kept["runbooks"].again(tmp_path / "again", sandbox)


def test_there_is_a_runbook_for_each_bad_day():
    assert [
        "Someone is locked out",
        "A machine broke",
        "Stop everything now",
        "AWS throttles us",
        "The laptop died half-way",
        "A colleague changed things by hand",
        "An auditor asks",
        "New accounts and users",
        "An administrator left",
        "Moving to Identity Center and roles",
    ] == list(RUNBOOKS)


@pytest.mark.parametrize("name", list(RUNBOOKS))
def test_a_runbook_works_as_printed(name: str, enforced: Shell):
    typed = commands(RUNBOOKS[name])
    assert typed
    for line in typed:
        words, environment = in_words(line)
        yes = ["--yes"] if words[0] in ASKED and not (words[0] == "apply" and "dry-run" in words) else []
        said = enforced(*words, *yes, env=environment)
        codes = next(
            (codes for start, codes in EXPECTED.items() if " ".join(["rollout", *words]).startswith(start)),
            {0},
        )
        assert said.code in codes, f"{line}: {said.code}\n{said.out}\n{said.err}"
