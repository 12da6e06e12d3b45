"""Results on stdout, everything else on stderr; a run and its exit code do not depend on who listens."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO

import pytest

from tests.cli.shell import Shell


def test_a_plan_is_summed_up_on_stdout_and_its_making_told_on_stderr(bare: Shell):
    said = bare("plan")
    assert 4 == said.code
    for word in ("exempt", "covered", "hold", "enforce", "Waves", "On hold", "Accounts not in the plan"):
        assert word in said.out
    assert "Reading accounts: 11 of 11" in said.err
    assert "Reading accounts" not in said.out
    assert "Next: review the plan, then run `rollout apply --stage dry-run`" in said.err


def test_where_aws_is_asked_is_said_once_and_only_by_plan(bare: Shell):
    endpoint = bare.environment["AWS_ENDPOINT_URL"]
    assert [f"Note: calling AWS at {endpoint}, as configured (organizations, sts)"] == [
        line for line in bare("plan").err.splitlines() if endpoint in line
    ]
    assert endpoint not in bare("apply", "--stage", "notify").err


# Takes a second or more: every command that has --json runs once on the whole organization.
def test_json_is_alone_on_stdout(planned: Shell):
    plan = planned("plan", "--json")
    verdicts = plan.json["verdicts"]
    assert ["covered", "enforce", "exempt", "hold"] == sorted(verdicts)
    assert 10 == len(planned("show", "--json").json["accounts"])
    rehearsal = planned("apply", "--json").json
    assert ("dry-run", verdicts["enforce"]) == (rehearsal["stage"], rehearsal["counts"]["enforced"])
    told = planned("apply", "--stage", "notify", "--yes", "--json")
    assert "canary" in told.json["waves"]
    assert "About to notify people" in told.err
    assert ["canary", "non-production", "rest"] == [wave["wave"] for wave in planned("status", "--json").json]
    assert planned("report", "--json").json["html"].endswith("index.html")


# Takes a second or more: only a process of its own has a pipe that can break.
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["plan"], 4),
        (["show"], 0),
        (["policy"], 0),
        (["show", "--json"], 0),
        (["--help"], 0),
        (["show", "nowhere"], 1),
        (["frobnicate"], 2),
    ],
    ids=str,
)
def test_a_reader_that_leaves_changes_nothing(words: list[str], code: int, planned: Shell):
    """As `| head` does, only at once: the pipe's other end is closed before the first word."""
    with (planned.folder / "errors").open("w") as errors:
        assert code == unheard(planned, words, errors)
    assert "Traceback" not in (said := (planned.folder / "errors").read_text())
    assert "Exception ignored" not in said


# Takes a second or more: as above, and it has to get to its end.
def test_an_apply_goes_on_to_its_end_though_nobody_listens_to_either_stream(rehearsed: Shell):
    assert 0 == unheard(rehearsed, ["apply", "--stage", "notify", "--yes"], subprocess.STDOUT)
    assert rehearsed("status", "--json").json[0]["notified_at"]


def unheard(shell: Shell, words: list[str], errors: IO[str] | int) -> int:
    """Run with stdout a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "rollout", *words]
    with os.fdopen(writing, "w") as pipe:
        return subprocess.run(
            command, cwd=shell.folder, env=shell.outside(), stdout=pipe, stderr=errors, check=False
        ).returncode


def test_tables_are_not_squeezed_where_there_is_no_window(planned: Shell):
    out = planned.really("show").out
    assert "AccessDenied for roles OrganizationAccountAccessRole, AWSControlTowerExecution" in out
    assert max(map(len, out.splitlines())) <= 160
