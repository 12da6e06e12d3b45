"""Every command ends with what to do next, on stderr; with --json, nothing but the document is said."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell

STEPS = {
    "plan --out p.yaml": "rollout apply --stage dry-run",
    "inventory --out u.csv": "rollout plan",
    "show": "rollout show --user",
    "show --user *.weber": "--evidence",
    "apply": "rollout apply --stage notify",
    "status": "rollout apply --stage",
    "notices": "rollout apply --stage notify",
    "verify": "rollout verify",
    "report": "index.html",
    "approve --wave canary --reason x": "rollout apply --stage enforce --wave canary",
}
ONE_AS_MANY = r"\b1 (users|accounts|writes|differences|messages|runs|plans)\b"


@pytest.mark.parametrize("command", STEPS)
def test_a_command_ends_with_what_to_do_next(command: str, planned: Shell):
    said = planned(*command.split())
    steps = [line for line in said.err.splitlines() if line.startswith("Next: ")]
    assert 1 == len(steps), said.err
    assert STEPS[command] in steps[0]
    assert not re.search(ONE_AS_MANY, said.out + said.err)


def test_a_rehearsal_says_would(planned: Shell):
    said = planned("apply").out
    assert "would be enforced" in said
    assert "Skipped in this run" not in said


def test_when_every_wave_is_enforced_only_looking_is_left(told: Shell, sandbox: Sandbox):
    sandbox.advance(timedelta(days=15))
    assert 0 == told("apply", "--stage", "enforce", "--yes").code
    assert (
        "Next: every wave is enforced: run rollout verify every night" == told("status").err.splitlines()[-1]
    )


def test_json_has_no_next_step(planned: Shell):
    for command in ("show", "status", "notices"):
        assert "Next:" not in planned(command, "--json").err
