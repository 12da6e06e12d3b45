"""The exit codes of design.md#commands, and which of two wins."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket

import pytest

from rollout import errors
from rollout.errors import GRAVEST_FIRST, ExitCode, RolloutError, gravest
from rollout.sandbox.serving.server import Sandbox
from rollout.store.folder.lock_file import FolderLock
from rollout.store.processes import process_start
from rollout.wiring import LocalClock
from tests.cli.shell import ROOT, Shell
from tests.sandbox.connecting import MANAGEMENT, iam_of

WITHOUT_UNREACHABLE = {"ROLLOUT_SCOPE__EXCLUDE__ACCOUNTS": '["200030004000"]'}


def test_closed_suspended_and_excluded_accounts_are_no_failure(bare: Shell):
    said = bare("plan", env=WITHOUT_UNREACHABLE)
    assert 0 == said.code
    for account in ("100020003000", "999900001111", "200030004000"):
        assert account in said.out


def test_an_unreachable_account_is_4_and_the_plan_is_written(bare: Shell):
    said = bare("plan", "--json")
    assert 4 == said.code
    assert (bare.folder / "plans").is_dir()
    assert ["200030004000"] == [
        left["account"] for left in said.json["left_out"] if left["state"] == "unreachable"
    ]


# Takes a second or more: two whole plans, for each code is that of a plan.
def test_changes_due_are_3_only_when_asked_for_and_win_over_4(bare: Shell):
    assert 3 == bare("plan", "--detailed-exitcode", env=WITHOUT_UNREACHABLE).code
    said = bare("plan", "--detailed-exitcode", "--json")
    assert 3 == said.code
    assert said.json["changes_due"] > 0
    assert "unreachable" in {left["state"] for left in said.json["left_out"]}


@pytest.mark.parametrize("stage", ["notify", "enforce"])
def test_a_plan_that_was_not_rehearsed_is_5(stage: str, planned: Shell):
    said = planned("apply", "--stage", stage, "--yes")
    assert 5 == said.code
    assert "gate dry_run_done" in said.errors[0]
    assert "  Cure: rollout apply --stage dry-run" == said.errors[1]


def test_a_wave_whose_turn_it_is_not_is_5_when_asked_for(rehearsed: Shell):
    said = rehearsed("apply", "--stage", "enforce", "--wave", "rest", "--yes")
    assert 5 == said.code
    assert 'wave "rest" may not proceed yet: gate soak' in said.errors[0]


def test_a_lock_that_somebody_holds_is_5_and_names_them(rehearsed: Shell, sandbox: Sandbox):
    me = getpass.getuser(), socket.gethostname(), os.getpid(), process_start(os.getpid())
    with FolderLock(rehearsed.folder, *me, LocalClock()).hold(sandbox.organization_id, "nothing much"):
        for words in (["apply"], ["apply", "--stage", "notify", "--yes"]):
            said = rehearsed(*words)
            assert 5 == said.code
            assert f"is locked by {me[0]} on {me[1]} (process {me[2]})" in said.errors[0]
    assert 0 == rehearsed("apply", "--stage", "notify", "--yes").code


# Takes a second or more: the widest wave is told twice: without an account, and with it.
def test_an_account_that_shuts_its_door_later_is_4_and_told_with_its_cure(rehearsed: Shell, sandbox: Sandbox):
    shown = rehearsed("show", "--json", "--wave", "rest").json["accounts"]
    account = next(one["account"] for one in shown if one["account"] != MANAGEMENT)
    iam = iam_of(sandbox, account)
    roles = {role["RoleName"]: role["AssumeRolePolicyDocument"] for role in iam.list_roles()["Roles"]}
    elsewhere = {"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole"}
    nobody = {"Version": "2012-10-17", "Statement": [elsewhere]}
    for role in roles:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(nobody))
    try:
        said = rehearsed("apply", "--stage", "notify", "--wave", "rest", "--yes")
    finally:
        for role, trust in roles.items():
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    assert 4 == said.code
    assert "Failed accounts" in said.out
    assert account in said.out
    assert "told" in said.out, "one shut account stops nobody else"
    assert "run the command again to retry them" in said.err
    again = rehearsed("apply", "--stage", "notify", "--wave", "rest", "--yes")
    assert 0 == again.code
    assert "told before" in again.out


# --- What the codes mean, and which of two wins ---


def test_readme_lists_every_exit_code_with_its_meaning():
    listed = re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [(str(int(code)), code.meaning) for code in ExitCode] == listed


def test_readme_says_which_code_wins():
    order = ", ".join(str(int(code)) for code in GRAVEST_FIRST)
    assert f"the first of {order} decides" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("found", "code"), [((), 0), ((4,), 4), ((3, 4), 3), ((3, 1), 1), ((1, 5), 5), ((5, 6), 6)]
)
def test_the_gravest_of_several_codes_wins(found: tuple[int, ...], code: int):
    assert code == gravest({one: one in found for one in ExitCode})


def test_every_error_of_ours_ends_with_a_code_of_the_list():
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RolloutError)
    ]
    assert len(kinds) > 10
    for kind in kinds:
        assert isinstance(kind.exit_code, ExitCode), kind


def test_no_command_spells_a_code_as_a_bare_number():
    for path in (ROOT / "rollout").rglob("*.py"):
        assert not re.search(r"(typer\.Exit|sys\.exit)\(\d|exit_code = \d", path.read_text()), path
