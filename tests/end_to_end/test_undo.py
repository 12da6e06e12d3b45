"""Enforced, let out, put back, rolled back: what stands in IAM is read by plain boto3 and judged by the evaluator."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollout.files.private_files import FolderStore
from rollout.sandbox.serving.server import Sandbox
from rollout.store.plan_files import Plans
from tests.cli.conftest import Kept, with_settings
from tests.cli.shell import Said, Shell, listening, writes
from tests.end_to_end.iam_state import Onlooker

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DRIFT, IN_PART, REFUSED = 3, 4, 5
WAVES = 3


@dataclass(frozen=True)
class Told:
    """Where everybody has been told for today, and what stood in IAM before anything was done."""

    kept: Kept
    before: dict[str, Any]
    denied_before: set[str]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="undo", ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Planned, rehearsed, and three waves told, once for all tests: each goes on from a copy of it."""
    aws = Onlooker(sandbox.environment())
    before, denied_before = aws.snapshot(), aws.denied()
    shell = with_settings(tmp_path_factory.mktemp("told"), sandbox)
    well(shell("plan"), IN_PART)
    well(shell("apply", "--stage", "dry-run"))
    for _ in range(WAVES):
        well(shell("apply", "--stage", "notify", "--yes"))
    sandbox.advance(timedelta(days=15))
    return Told(Kept.of(shell, sandbox), before, denied_before)


@pytest.fixture
def shell(told: Told, sandbox: Sandbox, tmp_path: Path) -> Shell:
    return told.kept.again(tmp_path, sandbox)


def well(said: Said, code: int = 0) -> Said:
    assert code == said.code, f"{said.out}\n{said.err}"
    return said


def names(heard: list[str]) -> list[str]:
    return [line.split()[1] for line in writes(heard)]


def until(happened: Callable[[], bool], within: float = 120) -> None:
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def enforce(shell: Shell, sandbox: Sandbox, *, waves: int = WAVES) -> None:
    for _ in range(waves):
        well(shell("apply", "--stage", "enforce", "--yes"))
        sandbox.advance(timedelta(days=4))


@pytest.mark.slow  # thirteen accounts enforced, let out, put back and rolled back
def test_everything_that_was_done_can_be_undone(sandbox: Sandbox, shell: Shell, told: Told):
    aws = Onlooker(sandbox.environment())
    before, denied_before = told.before, told.denied_before
    enforce(shell, sandbox)
    enforced = aws.denied()
    assert len(enforced) - len(denied_before) > 90
    touched = {arn.split(":")[4] for arn in enforced - denied_before}

    # Nothing has drifted, but that some accounts cannot be looked at.
    looked = well(shell("verify", "--json"), IN_PART).json
    assert len(enforced - denied_before) == looked["users"]["enforced"] == looked["users"]["placed"]
    assert [] == looked["drift"]

    # A rehearsal of the brake, and the brake: one write an account, and nobody is denied whom nobody denied before.
    with listening() as heard:
        rehearsed = well(shell("release", "--all", "--reason", "drill", "--dry-run", "--json"), IN_PART).json
    assert [] == names(heard)
    with listening() as heard:
        said = well(shell("release", "--all", "--reason", "drill", "--for", "4h", "--yes", "--json"), IN_PART)
    assert ["SetDefaultPolicyVersion"] * len(touched) == names(heard)
    assert len(touched) == rehearsed["writes"] == said.json["writes"]
    assert denied_before == aws.denied()

    # Apply leaves it so, and so does a nightly look.
    with listening() as heard:
        well(shell("apply", "--stage", "enforce", "--yes"))
        looked = well(shell("verify", "--fix", "--yes", "--json"), IN_PART).json
    assert [] == names(heard)
    (let_out,) = looked["let_out"]
    assert let_out.startswith("everybody released until 2026-12-21 13:00 UTC by ")
    assert denied_before == aws.denied()

    # The end of it: everybody is judged again, and back.
    with listening() as heard:
        well(shell("release", "--all", "--end", "--yes"), IN_PART)
    made = Counter(names(heard))
    assert len(touched) == made["SetDefaultPolicyVersion"]
    assert made["RemoveUserFromGroup"] == made["AddUserToGroup"]
    assert made["DetachUserPolicy"] == made["AttachUserPolicy"]
    assert len(enforced - denied_before) == made["AddUserToGroup"] + made["AttachUserPolicy"]
    assert enforced == aws.denied()

    # Rolled back, rehearsed first: IAM is as it was, namesakes and all.
    with listening() as heard:
        rehearsed = well(shell("rollback", "--all", "--dry-run", "--json")).json
    assert [] == names(heard)
    assert enforced == aws.denied()
    with listening() as heard:
        done = well(shell("rollback", "--all", "--yes", "--json")).json
    assert rehearsed["accounts"] == done["accounts"]
    assert done["writes"] == len(names(heard))
    assert [] == [left for account in done["accounts"] for left in account["left"]]
    assert before == aws.snapshot()

    # Once more: nothing is left to undo.
    with listening() as heard:
        assert "There is nothing to undo." in well(shell("rollback", "--all", "--yes")).out
    assert [] == names(heard)


@pytest.mark.slow  # one wave of ten accounts is enforced, and looked at six times
def test_one_user_is_let_out_and_a_hand_is_seen(sandbox: Sandbox, shell: Shell, told: Told, tmp_path: Path):
    aws = Onlooker(sandbox.environment())
    before = told.denied_before
    enforce(shell, sandbox, waves=1)
    enforced = aws.denied()
    arn = max(enforced - before)
    account_id = arn.split(":")[4]

    # By the ARN alone: from an empty folder, with nothing but credentials and settings.
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    elsewhere = with_settings(empty, sandbox)
    with listening() as heard:
        well(elsewhere("release", "--user", arn, "--reason", "locked out", "--yes"))
    assert ["RemoveUserFromGroup"] == names(heard)
    assert enforced - {arn} == aws.denied()

    # Where the journal is, it counts as taken out by hand: told with the cure, and left alone by --fix.
    there = ("--account", account_id)
    (one,) = well(shell("verify", "--json", *there), DRIFT).json["drift"]
    assert ("membership-removed", arn) == (one["kind"], one["who"])
    with listening() as heard:
        well(shell("verify", "--fix", "--yes", *there), DRIFT)
    assert [] == names(heard)
    with listening() as heard:
        well(shell("verify", "--fix", "memberships", "--yes", *there))
    assert ["AddUserToGroup"] == names(heard)
    assert enforced == aws.denied()

    # The policy taken off the group, as exclusive attachments of Terraform do it, comes back by --fix.
    iam = aws.iam(account_id)
    policy = f"arn:aws:iam::{account_id}:policy/rollout/ForceMFA"
    iam.detach_group_policy(GroupName="ForceMFA", PolicyArn=policy)
    assert arn not in aws.denied()
    with listening() as heard:
        well(shell("verify", "--fix", "--yes", *there))
    assert ["RemoveUserFromGroup", "AttachGroupPolicy", "AddUserToGroup"] == list(dict.fromkeys(names(heard)))
    assert enforced == aws.denied()

    # The brake by hand, in one account; ended by name.
    iam.set_default_policy_version(PolicyArn=policy, VersionId="v1")
    with listening() as heard:
        well(shell("apply", "--stage", "enforce", "--wave", "canary", "--yes"))
    assert [] == names(heard)
    well(shell("release", "--account", account_id, "--end", "--yes"))
    assert enforced == aws.denied()


@pytest.mark.slow  # one account is enforced, and looked at by seven commands
def test_who_is_put_back_in_spite_of_a_release_is_let_out_by_the_next_command(
    sandbox: Sandbox, shell: Shell, told: Told
):
    parts = Plans(FolderStore(shell.folder)).load(None).accounts()
    account_id = max(parts, key=lambda part: sum(one.wave == "canary" for one in part.entries)).account_id
    there = ("--account", account_id)
    aws = Onlooker(sandbox.environment())
    iam = aws.iam(account_id)
    well(shell("apply", "--stage", "enforce", "--yes", *there))
    enforced = aws.denied()
    (arn,) = enforced - told.denied_before
    policy = f"arn:aws:iam::{account_id}:policy/rollout/ForceMFA"
    well(shell("release", "--reason", "drill", "--yes", *there))
    iam.set_default_policy_version(PolicyArn=policy, VersionId="v2")
    (one,) = well(shell("verify", "--json", *there), DRIFT).json["drift"]
    assert ("released-but-enforced", policy) == (one["kind"], one["who"])
    with listening() as heard:
        well(shell("verify", "--fix", "--yes", *there))
    assert ["SetDefaultPolicyVersion"] == names(heard)
    assert told.denied_before == aws.denied()

    well(shell("release", "--end", "--yes", *there))
    assert enforced == aws.denied()
    well(shell("release", "--user", arn, "--reason", "drill", "--yes"))
    iam.add_user_to_group(GroupName="ForceMFA", UserName=arn.rpartition("/")[2])
    (one,) = well(shell("verify", "--json", *there), DRIFT).json["drift"]
    assert ("released-but-enforced", arn) == (one["kind"], one["who"])
    with listening() as heard:
        said = well(shell("apply", "--stage", "notify", "--yes", *there))
    assert ["RemoveUserFromGroup"] == names(heard)
    assert " again, enforced in spite of a release" in said.err
    assert told.denied_before == aws.denied()


@pytest.mark.slow  # one wave of ten accounts is enforced
def test_on_a_frozen_day_nobody_is_put_back_whatever_the_command(sandbox: Sandbox, shell: Shell, told: Told):
    aws = Onlooker(sandbox.environment())
    enforce(shell, sandbox, waves=1)
    enforced = aws.denied()
    arn = max(enforced - told.denied_before)
    there = ("--account", arn.split(":")[4])
    well(shell("release", "--user", arn, "--reason", "drill", "--yes"))
    settings = shell.folder / "rollout.yaml"
    frozen = "\ngates: {window: {freeze: [2026-12-01..2026-12-31]}, "
    text = settings.read_text()
    assert "\ngates: {" in text
    settings.write_text(text.replace("\ngates: {", frozen))

    with listening() as heard:
        said = well(shell("release", "--user", arn, "--end", "--yes"), REFUSED)
    assert [] == names(heard)
    assert f"{arn.rpartition('/')[2]}" in said.out
    assert "gate window: " in said.err
    with listening() as heard:
        said = well(shell("verify", "--fix", "--yes", "--json", *there), REFUSED)
    assert [] == names(heard)
    assert ["release-expired"] == [one["kind"] for one in said.json["drift"]]
    assert [arn] == [one["who"] for one in said.json["fixed"][0]["stay_out"]]
    assert "--override-gate window" in said.err
    with listening() as heard:
        well(shell("verify", "--fix", "--override-gate", "window", "--reason", "the board", "--yes", *there))
    assert 1 == len(names(heard))
    assert enforced == aws.denied()


@pytest.mark.slow  # one wave of ten accounts is enforced
def test_whatever_was_changed_since_the_way_out_works(sandbox: Sandbox, shell: Shell, told: Told):
    """A user was renamed, a version added by hand, the policy hung on a role, and rollout.yaml names another policy."""
    aws = Onlooker(sandbox.environment())
    before = told.denied_before
    enforce(shell, sandbox, waves=1)
    in_groups = [arn for arn in sorted(aws.denied() - before) if member(aws, arn)]
    arn, account_id = in_groups[0], in_groups[0].split(":")[4]
    iam, name = aws.iam(account_id), arn.rpartition("/")[2]
    policy = f"arn:aws:iam::{account_id}:policy/rollout/ForceMFA"
    settings = shell.folder / "rollout.yaml"
    text = settings.read_text()
    assert "\npolicy:" not in text
    settings.write_text(f"{text}\npolicy: {{name: MustMFA, group: MustMFA}}\n")

    with listening() as heard:
        said = shell("plan")
    assert (REFUSED, []) == (said.code, names(heard))
    assert "rollout rollback --all" in said.err

    with listening() as heard:
        said = shell(
            "release", "--user", arn, "--user", "*/nobody-of-that-name", "--reason", "drill", "--yes"
        )
    assert (2, []) == (said.code, names(heard))

    iam.update_user(UserName=name, NewUserName="renamed")
    iam.create_user(UserName=name)
    iam.add_user_to_group(GroupName="ForceMFA", UserName=name)
    with listening() as heard:
        well(shell("release", "--user", arn, "--reason", "drill", "--yes"))
    assert ["RemoveUserFromGroup"] == names(heard)
    assert not member(aws, arn.replace(name, "renamed"))
    assert member(aws, arn)
    iam.remove_user_from_group(GroupName="ForceMFA", UserName=name)

    anything = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=anything)
    with listening() as heard:
        well(shell("release", "--account", account_id, "--reason", "drill", "--yes"))
    assert ["SetDefaultPolicyVersion"] == names(heard)
    assert "v1" == iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
    iam.delete_policy_version(PolicyArn=policy, VersionId="v3")

    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=policy)
    done = well(shell("rollback", "--all", "--yes", "--json")).json
    (mine,) = [one for one in done["accounts"] if one["account"] == account_id]
    assert f"user {name} (boundary)" in str(mine["left"])
    assert 2 == len(iam.list_policy_versions(PolicyArn=policy)["Versions"])
    assert before == aws.denied()


def member(aws: Onlooker, arn: str) -> bool:
    groups = aws.iam(arn.split(":")[4]).list_groups_for_user(UserName=arn.rpartition("/")[2])["Groups"]
    return "ForceMFA" in {group["GroupName"] for group in groups}


def test_every_account_is_reached_by_the_brake_whatever_the_scope_says(
    tmp_path: Path, sandbox: Sandbox, told: Told
):
    told.kept.organization.restore(sandbox)
    shell = with_settings(tmp_path, sandbox)
    text = (tmp_path / "rollout.yaml").read_text()
    (tmp_path / "rollout.yaml").write_text(text + '\nscope: {include: {accounts: ["444455556666"]}}\n')
    said = well(shell("release", "--all", "--reason", "drill", "--dry-run", "--json"), IN_PART).json
    assert Onlooker(sandbox.environment()).accounts() == [account["account"] for account in said["accounts"]]


@pytest.mark.slow  # as above, with a run of its own process
def test_a_release_comes_in_the_middle_of_a_running_apply(sandbox: Sandbox, shell: Shell, told: Told):
    """Whoever wins each race: in the end nobody is enforced, and the next run leaves it so."""
    aws = Onlooker(sandbox.environment())
    before = told.denied_before
    apply = ("apply", "--stage", "enforce", "--wave", "rest", "--override-gate", "soak", "--reason", "drill")
    with listening() as heard:
        running = subprocess.Popen(
            [sys.executable, "-m", "rollout", *apply, "--yes"],
            cwd=shell.folder,
            env=shell.outside({"ROLLOUT_ENGINE__MAX_ACCOUNTS": "1", "ROLLOUT_ENGINE__PER_ACCOUNT": "1"}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until(lambda: "AddUserToGroup" in names(heard))
        released = well(shell("release", "--all", "--reason", "stop", "--yes"), IN_PART)
        said, _ = running.communicate(timeout=120)
    assert running.returncode in (0, IN_PART), said
    assert "A run is active and will leave them alone: " in released.err
    assert before == aws.denied()
    with listening() as heard:
        well(shell(*apply, "--yes"))
    assert [] == names(heard)
    assert before == aws.denied()
