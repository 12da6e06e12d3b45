"""`rollout explain`: whatever code a command prints, somebody can ask what it means."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import rollout.errors
from rollout.cli.terminal.explanations import errors, explanations
from rollout.errors import RolloutError
from tests.cli.shell import Shell

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, {})


def test_an_error_ends_with_the_code_that_explains_it(shell: Shell):
    said = shell("show")
    assert "  More: rollout explain no-plan" == said.err.splitlines()[-1]
    more = shell("explain", "no-plan")
    assert 0 == more.code
    assert [
        "no-plan (error)",
        "  The store holds no such plan. Exit code 1: error.",
        "  Cure: `rollout plan` makes one; `rollout show PLAN` takes a path, a file stem or an ID.",
        "  More: docs/errors.md#no-plan",
    ] == more.out.splitlines()


@pytest.mark.parametrize("code", ["first-sign-in", "soak", "foreign-member", "hold", "5"])
def test_reasons_gates_drift_verdicts_and_exit_codes_are_explained_too(shell: Shell, code: str):
    said = shell("explain", code)
    assert (0, True) == (said.code, said.out.startswith(f"{code} ("))


def test_a_mistyped_code_names_the_nearest(shell: Shell):
    said = shell("explain", "lock-hold")
    assert 2 == said.code
    assert ["Error: no code is named lock-hold", "  Cure: did you mean lock-held?"] == said.errors


def test_without_a_code_all_are_listed_by_kind(shell: Shell):
    said = shell("explain")
    lines = said.out.splitlines()
    assert {"Error", "Reason", "Gate", "Drift", "Check", "Exit code"} <= set(lines)
    assert "  lock-held" in lines
    listed = shell("explain", "--json").json
    assert len(listed) == len(list(explanations()))
    assert {"code", "kind", "meaning", "cure", "page"} == set(listed[0])


def test_every_error_has_a_code_of_its_own_and_says_what_ends_it():
    defined = [
        one
        for _, one in inspect.getmembers(rollout.errors, inspect.isclass)
        if issubclass(one, RolloutError) and one is not RolloutError
    ]
    assert set(defined) == set(errors())
    assert len(defined) == len({error.code() for error in defined})
    assert not [error for error in defined if not error.advice]


def test_every_page_exists():
    for one in explanations():
        page, _, anchor = one.page.partition("#")
        text = (DOCS / page).read_text()
        assert not anchor or f"\n## {anchor}\n" in text.replace("## Commands", "## commands"), one
