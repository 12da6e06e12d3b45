"""Without a settings file nobody is judged or put under the policy unawares; letting out is never refused for it."""

from __future__ import annotations

import pytest

from tests.cli.shell import Shell

DECIDING = (
    ["plan"],
    ["inventory", "--out", "users.csv"],
    ["apply"],
    ["apply", "--stage", "enforce", "--yes"],
    ["verify"],
    ["verify", "--fix", "--yes"],
    ["release", "--user", "*/alice", "--end", "--yes"],
)


@pytest.fixture
def lost(planned: Shell) -> Shell:
    """The folder of a plan, but without its rollout.yaml."""
    (planned.folder / "rollout.yaml").unlink()
    return planned


@pytest.mark.parametrize("words", DECIDING, ids=" ".join)
def test_a_command_that_decides_about_people_refuses_before_it_asks_aws_anything(
    words: list[str], lost: Shell
):
    said = lost(*words, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert 2 == said.code
    assert said.errors[0].startswith("Error: there is no rollout.yaml here")
    assert "--defaults" in said.errors[1]


def test_defaults_are_taken_when_that_is_said(lost: Shell):
    said = lost("plan", "--defaults", "--json")
    assert 4 == said.code, said.err
    assert {"canary", "rest"} == set(said.json["waves"])


def test_a_file_named_elsewhere_is_a_settings_file(planned: Shell):
    (planned.folder / "rollout.yaml").rename(planned.folder / "other.yaml")
    assert 4 == planned("plan", "--config", "other.yaml").code


def test_defaults_beside_a_file_are_a_contradiction(planned: Shell):
    said = planned("plan", "--defaults")
    assert 2 == said.code
    assert "rollout.yaml" in said.errors[0]


@pytest.mark.parametrize("words", [["show"], ["status"], ["doctor"]], ids=" ".join)
def test_a_command_that_only_tells_needs_no_file(words: list[str], lost: Shell):
    assert lost(*words).code in (0, 4)


def test_letting_out_needs_no_file(lost: Shell):
    said = lost("release", "--all", "--reason", "INC-7", "--yes")
    assert said.code in (0, 4), said.err


def test_undoing_needs_no_file(lost: Shell):
    said = lost("rollback", "--all", "--yes")
    assert "rollout.yaml" not in said.errors[0], "there is nothing to undo yet, and that is all that is wrong"
