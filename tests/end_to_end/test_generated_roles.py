"""The roles that `rollout init --roles` writes are enough, in an organization that weighs what they allow."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rollout.sandbox.serving.server import Sandbox
from tests.aws.applied_template import applied
from tests.cli.conftest import with_settings
from tests.cli.shell import listening
from tests.end_to_end.iam_state import Onlooker
from tests.sandbox.connecting import DEV, MANAGEMENT, as_operator, client, entered, iam_of
from tests.snapshots import Snapshot

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WRITER, READER = "rollout-access/RolloutWriter", "rollout-access/RolloutReader"
ACCESS = {"ROLLOUT_ACCESS": f"{{roles: [{WRITER}], reading_roles: [{READER}], own_account_role: {WRITER}}}"}
OF_THE_RUN = {"plan_id", "notified_at", "observed_at"}
SETTINGS = {
    "ROLLOUT_EXEMPTIONS": "[]",
    "ROLLOUT_SCOPE": f"{{include: {{accounts: ['{DEV}', '{MANAGEMENT}']}}}}",
    "ROLLOUT_WAVES": "[{name: all}]",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="generated roles", ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def template(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the roles, for the operator of the organization."""
    shell = with_settings(tmp_path_factory.mktemp("roles"), sandbox)
    operator = as_operator(sandbox, "sts").get_caller_identity()["Arn"]
    assert 0 == shell("init", "--roles", "cloudformation", "--caller", operator, "--for-proof").code
    return (shell.folder / "roles/roles.yaml").read_text()


@pytest.fixture(scope="module")
def with_roles(sandbox: Sandbox, template: str) -> Sandbox:
    """The organization with the template applied to two accounts."""
    for account in (DEV, MANAGEMENT):
        apply_template(sandbox, template, account)
    return sandbox


def apply_template(sandbox: Sandbox, template: str, account: str) -> None:
    """What a stack would make in an account."""
    iam, resources = iam_of(sandbox, account), applied(template, account)
    arns = {}
    for key, policy in resources.items():
        if "PolicyDocument" in policy:
            text = json.dumps(policy["PolicyDocument"])
            made = iam.create_policy(
                PolicyName=policy["ManagedPolicyName"], Path=policy["Path"], PolicyDocument=text
            )
            arns[key] = made["Policy"]["Arn"]
    for role in resources.values():
        if "AssumeRolePolicyDocument" in role:
            (attached,) = role["ManagedPolicyArns"]
            iam.create_role(
                RoleName=role["RoleName"],
                Path=role["Path"],
                AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]),
                PermissionsBoundary=arns[role["PermissionsBoundary"]["Ref"]],
            )
            iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=arns[attached["Ref"]])


def story(sandbox: Sandbox, folder: Path, access: dict[str, str]) -> tuple[list[dict[str, str]], Any]:
    """Plan, rehearse, tell, wait, enforce, release, put back; what the report and AWS say in the end."""
    environment = SETTINGS | access
    shell = with_settings(folder, sandbox)

    def type_in(*words: str, code: int = 0) -> None:
        said = shell(*words, env=environment)
        assert code == said.code, f"{words}: {said.out}\n{said.err}"

    type_in("plan")
    type_in("apply")
    type_in("apply", "--stage", "notify", "--yes")
    sandbox.advance(timedelta(days=15))
    type_in("apply", "--stage", "enforce", "--yes")
    type_in("release", "--account", DEV, "--reason", "a machine broke", "--yes")
    type_in("release", "--account", DEV, "--end", "--yes")
    type_in("verify")
    said = shell("report", "--json", env=environment)
    with Path(said.json["users"]).open(encoding="utf-8", newline="") as stream:
        rows = [
            {key: value for key, value in row.items() if key not in OF_THE_RUN}
            for row in csv.DictReader(stream)
        ]
    found = Onlooker(sandbox.environment()).snapshot()
    for details in found.values():
        details.pop("RoleDetailList")
        details["Policies"] = [one for one in details["Policies"] if one["Path"] != "/rollout-access/"]
    return rows, found


@pytest.mark.slow  # two stories of eight commands
def test_a_rollout_by_these_roles_ends_as_one_by_an_administrator_role(with_roles: Sandbox, tmp_path: Path):
    before, folders = Snapshot.of(with_roles), [tmp_path / "ours", tmp_path / "administrator"]
    for folder in folders:
        folder.mkdir()
    with listening() as heard:
        by_ours = story(with_roles, folders[0], ACCESS)
    before.restore(with_roles)
    by_administrator = story(with_roles, folders[1], {})
    assert by_administrator == by_ours
    assert any(row["enforced"] == "true" for row in by_ours[0])
    assert not [line for line in heard if "AccessDenied" in line]


@pytest.mark.parametrize("role", [READER, WRITER])
@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_user", {"UserName": "eve"}),
        ("create_access_key", {"UserName": "root-like"}),
        ("attach_user_policy", {"UserName": "u", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("create_group", {"GroupName": "Admins"}),
        ("update_assume_role_policy", {"RoleName": "RolloutWriter", "PolicyDocument": "{}"}),
        ("put_role_policy", {"RoleName": "RolloutWriter", "PolicyName": "p", "PolicyDocument": "{}"}),
        (
            "create_policy_version",
            {"PolicyArn": f"arn:aws:iam::{DEV}:policy/rollout-access/RolloutWriter", "PolicyDocument": "{}"},
        ),
    ],
)
def test_what_is_not_in_the_table_is_refused(
    with_roles: Sandbox, role: str, operation: str, arguments: dict[str, str]
):
    iam = client("iam", entered(with_roles.environment(), DEV, role))
    with pytest.raises(ClientError, match="is not authorized to perform"):
        getattr(iam, operation)(**arguments)


def test_nobody_else_may_assume_them(with_roles: Sandbox):
    administrator = client("sts", entered(with_roles.environment(), DEV))
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        administrator.assume_role(RoleArn=f"arn:aws:iam::{DEV}:role/{WRITER}", RoleSessionName="eve")
