"""`rollout init`: files to start from, never over somebody's own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
import yaml

from tests.cli.shell import Shell


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    return Shell(tmp_path, {})


def test_what_it_writes_is_valid_and_commands_read_it(empty: Shell):
    said = empty("init")
    assert (0, "Wrote rollout.yaml\nWrote rollout.schema.json\n") == (said.code, said.out)
    settings = yaml.safe_load((empty.folder / "rollout.yaml").read_text())
    jsonschema.validate(settings, json.loads((empty.folder / "rollout.schema.json").read_text()))
    policy = empty("policy")
    assert (0, "") == (policy.code, policy.err)


def test_it_never_writes_over_a_file_unless_told(empty: Shell):
    (empty.folder / "rollout.yaml").write_text("version: 1\n")
    said = empty("init")
    assert 2 == said.code
    assert [
        "Error: these files already exist: rollout.yaml",
        "  Cure: use --force to replace them",
    ] == said.errors
    assert {"rollout.yaml": b"version: 1\n"} == empty.files()
    assert 0 == empty("init", "--force").code
    assert "waves:" in (empty.folder / "rollout.yaml").read_text()


def test_a_folder_that_is_not_there_is_named(empty: Shell):
    said = empty("init", "--folder", "no/such")
    assert 1 == said.code
    assert f"cannot write no{os.sep}such{os.sep}rollout.yaml: No such file or directory" in said.err
    assert not empty.files()


def test_a_file_in_place_of_the_folder_is_wrong_usage(empty: Shell):
    (empty.folder / "taken").touch()
    assert 2 == empty("init", "--folder", "taken").code
    assert ["taken"] == list(empty.files())
