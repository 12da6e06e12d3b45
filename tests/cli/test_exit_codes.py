"""The exit codes of design.md#commands, and which of two wins."""

from __future__ import annotations

import getpass
import json
import os
import socket

import pytest

from rollout.sandbox.serving.server import Sandbox
from rollout.store.folder.lock_file import FolderLock
from rollout.store.processes import process_start
from rollout.wiring import LocalClock
from tests.cli.shell import Shell
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


def test_changes_due_are_3_only_when_asked_for_and_4_wins(bare: Shell):
    assert 3 == bare("plan", "--detailed-exitcode", env=WITHOUT_UNREACHABLE).code
    assert 4 == bare("plan", "--detailed-exitcode").code


@pytest.mark.parametrize("stage", ["notify", "enforce"])
def test_a_plan_that_was_not_rehearsed_is_5(stage: str, planned: Shell):
    said = planned("apply", "--stage", stage, "--yes")
    assert 5 == said.code
    assert "gate dry_run_done" in said.errors[0]
    assert "  Cure: rollout apply --stage dry-run" == said.errors[1]


def test_a_wave_whose_turn_it_is_not_is_5_when_asked_for(rehearsed: Shell):
    said = rehearsed("apply", "--stage", "enforce", "--wave", "rest", "--yes")
    assert 5 == said.code
    assert 'wave "rest" may not move yet: gate soak' in said.errors[0]


def test_a_lock_that_somebody_holds_is_5_and_names_them(rehearsed: Shell, sandbox: Sandbox):
    me = getpass.getuser(), socket.gethostname(), os.getpid(), process_start(os.getpid())
    with FolderLock(rehearsed.folder, *me, LocalClock()).hold(sandbox.organization_id, "nothing much"):
        for words in (["apply"], ["apply", "--stage", "notify", "--yes"]):
            said = rehearsed(*words)
            assert 5 == said.code
            assert f"is locked by {me[0]} on {me[1]} (process {me[2]})" in said.errors[0]
    assert 0 == rehearsed("apply").code


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
    assert "running it again tries them again" in said.err
    again = rehearsed("apply", "--stage", "notify", "--wave", "rest", "--yes")
    assert 0 == again.code
    assert "told before" in again.out
