"""`rollout approve`, `status`, `notices`, and gates overridden: what an operator types and sees."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.shell import Said, Shell

APPROVAL = {"ROLLOUT_GATES__APPROVAL": "true"}
OVERRIDE = ("--override-gate", "approval", "--reason", "incident 7")


def gates_of(said: Said, wave: str) -> dict[str, Any]:
    stand = next(stand for stand in said.json if stand["wave"] == wave)
    return {gate["gate"]: gate for gate in stand["gates"]}


def a_canary(shell: Shell) -> str:
    """The ARN of somebody who goes first."""
    arn: str = shell("show", "--json", "--wave", "canary").json["accounts"][0]["users"][0]["arn"]
    return arn


# --- approve ---


def test_an_approval_is_told_recorded_and_shown_everywhere(rehearsed: Shell):
    said = rehearsed("approve", "--wave", "canary", "--reason", "CAB-311", env=APPROVAL)
    assert (0, True) == (said.code, said.err.startswith("Next: "))
    assert "Wave canary of plan " in said.out
    assert "is approved by arn:aws:iam::" in said.out
    gate = gates_of(rehearsed("status", "--json", env=APPROVAL), "canary")["approval"]
    assert "pass" == gate["answer"]
    assert gate["detail"].endswith(": CAB-311")
    assert "Wave canary: approved 2026-11-24" in rehearsed("status", env=APPROVAL).out
    assert "CAB-311" in rehearsed("show").out
    assert 0 == rehearsed("report").code
    (folder,) = (rehearsed.folder / "reports").iterdir()
    assert '"approve"' in (folder / "changes.csv").read_text()
    assert "CAB-311" in (folder / "index.html").read_text()


def test_an_approval_nobody_waits_for_is_recorded_with_a_note(rehearsed: Shell):
    said = rehearsed("approve", "--wave", "rest", "--reason", "CAB-311", "--json")
    assert 0 == said.code
    assert "gates.approval is off" in said.err
    assert ("rest", "CAB-311") == (said.json["wave"], said.json["reason"])
    assert said.json["users"] > 0


@pytest.mark.parametrize(
    "words",
    [
        ("--wave", "canery", "--reason", "x"),
        ("--wave", "canary", "--reason", ""),
        ("--wave", "canary"),
        ("--reason", "x"),
    ],
)
def test_what_cannot_be_approved_is_2(planned: Shell, words):
    said = planned("approve", *words)
    assert 2 == said.code
    assert said.err
    assert not list(planned.folder.glob("journal/*approv*"))


def test_without_an_approval_enforcing_is_5_and_says_what_to_type(rehearsed: Shell):
    said = rehearsed("apply", "--stage", "enforce", "--yes", env=APPROVAL)
    assert 5 == said.code
    assert 'gate approval: nobody has approved wave "canary" of this plan' in said.errors[0]
    assert "rollout approve --wave canary --reason WHY" in said.errors[1]


# --- overrides ---


def test_an_overridden_gate_is_shown_before_anything_is_asked_and_reported(rehearsed: Shell):
    said = rehearsed(
        "apply", "--stage", "enforce", "--user", a_canary(rehearsed), "--yes", *OVERRIDE, env=APPROVAL
    )
    assert 0 == said.code
    assert "Gate approval: fail (nobody has approved" in said.err
    assert "overridden now: incident 7" in said.err
    gate = gates_of(rehearsed("status", "--json", env=APPROVAL), "canary")["approval"]
    assert ("fail", True) == (gate["answer"], gate["overridden"].endswith(": incident 7"))
    assert "gate approval overridden" in rehearsed("show").out


def test_a_gate_that_is_not_there_is_2_and_names_those_that_are(planned: Shell):
    said = planned("apply", "--stage", "enforce", "--override-gate", "soke", "--reason", "x")
    assert 2 == said.code
    assert 'there is no gate "soke"' in said.errors[0]
    assert "cli_moved" in said.errors[1]


def test_an_override_needs_a_reason(planned: Shell):
    assert 2 == planned("apply", "--stage", "enforce", "--override-gate", "soak").code


# --- the calendar ---


def test_outside_the_window_nothing_is_due_and_that_is_no_error(rehearsed: Shell):
    frozen = {"ROLLOUT_GATES__WINDOW__FREEZE": "[2026-11-20..2026-12-31]"}
    said = rehearsed("apply", "--stage", "enforce", "--yes", env=frozen)
    assert 0 == said.code
    assert "Gate window: fail (Tue 2026-11-24" in said.err
    assert 'Nothing is due: wave "canary" is next; gate window:' in said.out
    assert "opens 2027-01-01 00:00 UTC" in said.out
    assert 5 == rehearsed("apply", "--stage", "enforce", "--wave", "canary", "--yes", env=frozen).code
    json = rehearsed("apply", "--stage", "enforce", "--yes", "--json", env=frozen).json
    assert [] == json["waves"]
    assert "2027-01-01 00:00:00+00:00" == json["gates"][-1]["opens_at"]


# --- status ---


def test_the_status_lists_gates_with_answers_and_numbers(rehearsed: Shell):
    out = rehearsed("status").out
    assert "Gates of waves not enforced yet" in out
    assert "dry_run_done       pass" in out
    assert 'wave "canary" is not enforced yet' in out
    assert re.search(r"0 of \d+ users failed \(limit 0\)", out)


def test_gates_about_people_are_not_asked_by_the_status(rehearsed: Shell):
    gates = gates_of(rehearsed("status", "--json", env={"ROLLOUT_GATES__ENROLMENT": "80"}), "canary")
    assert "not asked" == gates["enrolment"]["answer"]


# --- notices ---


def test_nobody_told_is_said_and_no_error(rehearsed: Shell):
    said = rehearsed("notices")
    assert (0, "No notices have been sent yet.\n") == (said.code, said.out)
    assert [] == rehearsed("notices", "--json").json


def test_who_was_told_is_listed_with_what_it_is_worth(rehearsed: Shell):
    assert 0 == rehearsed("apply", "--stage", "notify", "--yes").code
    out = rehearsed("notices").out
    assert "counts: ready" in out
    assert "users were told" in out
    (one,) = rehearsed("notices", "--user", a_canary(rehearsed), "--json").json
    assert ("canary", "counts", "2026-12-08 12:00:00+00:00") == (one["wave"], one["state"], one["due"])
    assert 2 == rehearsed("notices", "--user", "nobody").code


def test_a_preview_is_a_whole_message(rehearsed: Shell):
    arn = a_canary(rehearsed)
    said = rehearsed("notices", "--preview", arn)
    assert 0 == said.code
    head, _, body = said.out.partition("\n\n")
    assert ["From", "To", "Subject"] == [line.split(":")[0] for line in head.splitlines()]
    assert body.startswith("Hello,")
    assert "Tuesday, 8 December 2026" in body
    message = rehearsed("notices", "--preview", arn, "--json").json
    assert {"from", "to", "subject", "body", "html"} == set(message)
    assert body == message["body"]


def test_a_preview_of_nobody_is_2(rehearsed: Shell):
    said = rehearsed("notices", "--preview", "arn:aws:iam::123456789012:user/nobody")
    assert 2 == said.code
    assert "has no user" in said.errors[0]


# --- plan ---


# Takes a second or more: two whole plans: it is about a second one and a third.
def test_a_re_plan_says_loudly_who_goes_later(planned: Shell):
    waves = {"ROLLOUT_WAVES": "[{name: canary, users: [nobody]}, {name: rest}]"}
    said = planned("plan", env=waves)
    assert 4 == said.code  # an account that cannot be entered, as before
    assert "MOVED TO A LATER WAVE since plan" in said.out
    assert "wave canary -> wave rest" in said.out
    assert "later-wave" in said.out
    moved = planned("plan", "--json", env={"ROLLOUT_WAVES": "[{name: last}]"}).json["moved_to_a_later_wave"]
    assert {"last"} == {move["now"] for move in moved}
