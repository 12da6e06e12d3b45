"""`rollout init`: files to start from, never over somebody's own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
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
    assert f"there is no folder no{os.sep}such" in said.err
    assert not empty.files()


def test_a_file_in_place_of_the_folder_is_wrong_usage(empty: Shell):
    (empty.folder / "taken").touch()
    assert 2 == empty("init", "--folder", "taken").code
    assert ["taken"] == list(empty.files())


@pytest.mark.parametrize("room", [0, 1000, 4096])
def test_a_disk_that_is_full_costs_nobody_their_settings(empty: Shell, room: int):
    """The file is written beside its place and renamed: what stood there is there still, and nothing else.

    Bytecode is not written: Python would leave it truncated for whoever imports the module next.
    """
    (empty.folder / "rollout.yaml").write_text("version: 1\n")
    process = subprocess.run(
        [sys.executable, "-m", "rollout", "init", "--force"],
        cwd=empty.folder,
        env=empty.outside({"PYTHONDONTWRITEBYTECODE": "1"}),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (1, True) == (process.returncode, "cannot write to" in process.stderr), process.stderr
    assert {"rollout.yaml": b"version: 1\n"} == empty.files()


def test_the_schema_alone_can_be_renewed(empty: Shell):
    (empty.folder / "rollout.yaml").write_text("version: 1\n")
    (empty.folder / "rollout.schema.json").write_text("{}")
    said = empty("init", "--schema-only")
    assert (0, "Wrote rollout.schema.json\n", "") == (said.code, said.out, said.err)
    assert b"version: 1\n" == empty.files()["rollout.yaml"]
    assert "properties" in json.loads(empty.files()["rollout.schema.json"])
