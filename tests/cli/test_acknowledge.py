"""Answers come back as lines to review: nobody is moved or left alone by a file that somebody filled in."""

from __future__ import annotations

import yaml

from tests.cli.conftest import ONE_ACCOUNT as ACCOUNT
from tests.cli.shell import Shell

HEADER = "arn,account,user,answer,until,reason,owner,ticket\n"


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def enforced_soon(shell: Shell) -> list[str]:
    """The names of three users of the account who are to be enforced."""
    listed = shell("show", "--account", ACCOUNT, "--json").json
    (part,) = (one for one in listed["accounts"] if one["account"] == ACCOUNT)
    found = [user["arn"].rpartition("/")[2] for user in part["users"] if user["verdict"] == "enforce"]
    return found[:3]


def answered(shell: Shell, *lines: str) -> None:
    (shell.folder / "answers.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))


def test_answers_become_lines_that_the_settings_take(planned: Shell):
    ready, machine, later = enforced_soon(planned)
    answered(
        planned,
        f"{arn(ready)},,,I am ready,,,,",
        f",{ACCOUNT},{machine.upper()},this is a machine,,,ops@example.com,SEC-7",
        f"{arn(later)},,,until,2026-12-31,on leave,lead@example.com,",
    )
    said = planned("acknowledge", "answers.csv")
    proposed = (planned.folder / "acknowledged.yaml").read_text()
    waves, exemptions = (yaml.safe_load(proposed)[key] for key in ("waves", "exemptions"))

    assert 0 == said.code, said.err
    assert "3 lines are proposed, and none is in force" in said.out
    assert [{"name": "volunteers", "users": [arn(ready)]}] == waves
    assert {arn(machine): "ops@example.com", arn(later): "lead@example.com"} == {
        one["user"]: one["owner"] for one in exemptions
    }
    before = {one["wave"] for part in planned("show", "--json").json["accounts"] for one in part["users"]}

    settings = yaml.safe_load((planned.folder / "rollout.yaml").read_text())
    settings["waves"] = [*waves, *settings["waves"]]
    settings["exemptions"] = [*settings.get("exemptions", []), *exemptions]
    (planned.folder / "rollout.yaml").write_text(yaml.safe_dump(settings))
    assert 4 == planned("plan", "--out", "later.yaml").code  # some accounts cannot be entered
    after = planned("show", "later.yaml", "--account", ACCOUNT, "--json").json
    (part,) = (one for one in after["accounts"] if one["account"] == ACCOUNT)
    by_name = {user["arn"].rpartition("/")[2]: user for user in part["users"]}
    assert "volunteers" == by_name[ready]["wave"]
    assert {"exempt"} == {by_name[name]["verdict"] for name in (machine, later)}
    assert "volunteers" not in before


def test_an_answer_that_leads_to_nothing_is_named(planned: Shell):
    ready, *_ = enforced_soon(planned)
    answered(
        planned,
        f"{arn('nobody')},,,ready,,,,",
        f"{arn(ready)},,,until,2026-12-31,,,",
        f"{arn(ready)},,,until,2020-01-01,,me@example.com,",
        f"{arn(ready)},,,until,,,me@example.com,",
    )
    said = planned("acknowledge", "answers.csv", "--json")

    assert 4 == said.code
    assert [
        f"the plan has no user {arn('nobody')}",
        f"nobody is named who is responsible for {arn(ready)} until then (owner)",
        "the day 2020-01-01 has passed",
        f"it says no day until which {arn(ready)} needs to be left alone (until)",
    ] == [one["why"] for one in said.json["left"]]
    assert not (planned.folder / "acknowledged.yaml").exists()


def test_a_file_that_was_written_before_is_not_replaced(planned: Shell):
    ready, *_ = enforced_soon(planned)
    answered(planned, f"{arn(ready)},,,ready,,,,")
    assert 0 == planned("acknowledge", "answers.csv").code
    again = planned("acknowledge", "answers.csv")

    assert (2, True) == (again.code, "exists already" in again.err)


def test_wrong_lines_are_all_named_at_once(planned: Shell):
    answered(planned, f"{arn('x')},,,perhaps,,,,", f"{arn('x')},,,until,soon,,,")
    said = planned("acknowledge", "answers.csv")

    assert 2 == said.code
    assert 'line 2: "perhaps" is not one of ready, machine and until' in said.err
    assert "line 3: Invalid isoformat string: 'soon'" in said.err
