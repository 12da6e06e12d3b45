"""Planning again without a difference keeps the plan that was rehearsed; `--out` puts a plan where one likes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell

OTHER_WAVES = {"ROLLOUT_WAVES": json.dumps([{"name": "all"}])}


def plan_files(shell: Shell) -> list[str]:
    return sorted(path.name for path in (shell.folder / "plans").iterdir())


def test_the_same_again_keeps_the_plan_and_its_rehearsal(rehearsed: Shell, sandbox: Sandbox):
    (stem,) = (path.stem for path in (rehearsed.folder / "plans").glob("*.yaml"))
    sandbox.advance(timedelta(minutes=1))
    said = rehearsed("plan", "--json")
    assert 4 == said.code, said.err
    assert (True, stem.rpartition("-")[2]) == (said.json["kept"], said.json["plan"])
    endings = ("evidence.jsonl.gz", "index.jsonl", "renewed.json", "yaml")
    assert [f"{stem}.{ending}" for ending in endings] == plan_files(rehearsed)
    notified = rehearsed("apply", "--stage", "notify", "--yes")
    assert notified.code in (0, 4), "the rehearsal still counts"


def test_it_says_so(planned: Shell):
    said = planned("plan")
    assert " is kept; it was created 2026-11-24 " in said.out
    assert "no difference" in said.out
    assert "renewed 2026-11-24 " in planned("status").out
    assert "renewed 2026-11-24 " in planned("show").out


def test_a_difference_makes_a_new_plan_the_newest(planned: Shell, sandbox: Sandbox):
    before = plan_files(planned)
    sandbox.advance(timedelta(minutes=1))
    said = planned("plan", "--json", env=OTHER_WAVES)
    assert not said.json["kept"]
    assert 2 * len(before) == len(plan_files(planned))
    assert said.json["plan"] == planned("show", "--json").json["plan"]


# Takes a second or more: three whole plans, for each is compared with the one before.
def test_out_writes_there_and_nothing_to_the_store(bare: Shell, tmp_path: Path):
    said = bare("plan", "--out", "reviews/mine.yaml", "--json")
    assert 4 == said.code, said.err
    assert not (bare.folder / "plans").exists()
    shown = bare("show", "reviews/mine.yaml", "--json")
    assert said.json["plan"] == shown.json["plan"]
    assert 0 == bare("apply", "reviews/mine.yaml").code
    again = bare("plan", "--out", "reviews/mine.yaml", "--json")
    assert (True, said.json["plan"]) == (again.json["kept"], again.json["plan"])
    other = bare("plan", "--out", "reviews/mine.yaml", "--json", env=OTHER_WAVES)
    assert not other.json["kept"]
    assert other.json["plan"] == bare("show", "reviews/mine.yaml", "--json").json["plan"]


@pytest.mark.parametrize(("name", "code"), [("rollout.yaml", 6), (".", 2)])
def test_out_replaces_nothing_but_a_plan(name: str, code: int, bare: Shell):
    before = bare.files()
    said = bare("plan", "--out", name)
    assert code == said.code
    assert "name " in said.errors[1]
    assert before == bare.files()
