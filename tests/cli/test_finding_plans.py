"""PLAN on the command line: by path, by file stem, by id; without it the newest, samples not counted."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import ROOT, Shell


def header(shell: Shell, *words: str) -> str:
    said = shell("show", "--json", *words)
    assert 0 == said.code, said.err
    plan: str = said.json["plan"]
    return plan


def file_of(shell: Shell) -> Path:
    (file,) = (shell.folder / "plans").glob("*.yaml")
    return file


def test_by_path_by_stem_and_by_id(planned: Shell):
    file = file_of(planned)
    plan = file.stem.rpartition("-")[2]
    for reference in (plan, file.stem, file.name, str(file), f"plans/{file.name}", f"plans/{file.stem}"):
        assert plan == header(planned, reference)
    assert f"Plan {plan}, " in planned("show", plan).out


def test_the_newest_is_the_newest_by_its_header(planned: Shell, sandbox: Sandbox):
    """Not by the file's time, which a checkout sets anew."""
    first = file_of(planned)
    sandbox.advance(timedelta(minutes=1))
    second = planned("plan", "--json", env={"ROLLOUT_WAVES": "[{name: all}]"}).json["plan"]
    first.touch()
    assert second == header(planned)
    assert second != header(planned, first.stem)
    assert first.stem.rpartition("-")[2] == header(planned, first.stem)


def test_samples_are_found_by_path_only(bare: Shell):
    (bare.folder / "plans").mkdir()
    (bare.folder / "plans" / "sample").symlink_to(ROOT / "plans" / "sample")
    said = bare("show")
    assert 1 == said.code
    assert "Error: there is no plan in " in said.err
    (sample,) = (ROOT / "plans" / "sample").glob("*.yaml")
    assert sample.stem.rpartition("-")[2] == header(bare, f"plans/sample/{sample.name}")


def test_a_plan_that_is_not_there_is_named_beside_those_that_are(planned: Shell):
    said = planned("show", "no-such")
    assert 1 == said.code
    assert [
        'Error: no plan "no-such": no path, file stem or plan ID matches',
        f"  Cure: name one of these: {file_of(planned).stem}",
    ] == said.errors


@pytest.mark.parametrize("words", [["show"], ["status"], ["report"], ["apply"]], ids=" ".join)
def test_with_no_plan_at_all_every_command_says_so_and_writes_nothing(words: list[str], bare: Shell):
    before = bare.files()
    said = bare(*words)
    assert 1 == said.code
    assert [f"Error: there is no plan in {bare.folder}/plans", "  Cure: run `rollout plan`"] == said.errors
    assert before == bare.files()


def test_a_plan_of_another_organization_is_shown_with_a_note(planned: Shell):
    settings = planned.folder / "rollout.yaml"
    settings.write_text(re.sub("organization: .*", "organization: o-a1b2c3d4e5", settings.read_text()))
    for command in ("show", "status", "report"):
        said = planned(command)
        assert 0 == said.code
        assert "but rollout.yaml says o-a1b2c3d4e5" in said.err
