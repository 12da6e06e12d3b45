"""How many calls of AWS a command makes a user, and that what they tell is acted on while it is fresh."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import Kept
from tests.cli.shell import writes
from tests.end_to_end.small_organization import (
    DEVICE,
    MEMBER,
    PASSWORD,
    a_description,
    with_settings,
)
from tests.interventions import at_call, overhearing

pytestmark = pytest.mark.slow  # fifty users are few enough for an account, and enough to share its own calls

USERS = 50
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GROUP = "ForceMFA"
FORCES_MFA = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        }
    ],
}


def person(number: int) -> dict[str, Any]:
    """A third has no device, every fourth has a key."""
    facts: dict[str, Any] = {
        "name": f"user-{number:02}",
        "created": "500d ago",
        "email": "auto",
        "policies": ["AdministratorAccess"],
        "password": PASSWORD,
        "devices": [DEVICE] if number % 3 else [],
    }
    if number % 4 == 0:
        facts["keys"] = [{"created": "90d ago", "used": "1d ago"}]
    return facts


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    description = tmp_path_factory.mktemp("fifty") / "organization.json"
    description.write_text(json.dumps(a_description([person(number) for number in range(USERS)])))
    with Sandbox.start(NOW, instance="fifty users", description=description, ticking=False) as running:
        yield running


@dataclass
class Counted:
    """The calls into the account of fifty, by command."""

    by_command: dict[str, Counter[str]]
    told: Kept

    def a_user(self, command: str) -> float:
        return self.by_command[command].total() / USERS


@pytest.fixture(scope="module")
def counted(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    shell = with_settings(tmp_path_factory.mktemp("counted"), sandbox)
    by_command: dict[str, Counter[str]] = {}

    def run(command: str) -> None:
        with overhearing(sandbox) as heard:
            assert 0 == shell(*command.split()).code
        by_command[command] = Counter(call.operation for call, _ in heard if call.account == MEMBER)

    for command in ("plan", "apply", "apply --stage notify --yes"):
        run(command)
    sandbox.advance(timedelta(days=1))
    told = Kept.of(shell, sandbox)
    shell = told.again(tmp_path_factory.mktemp("enforced"), sandbox)
    run("apply --stage enforce --yes")
    sandbox.advance(timedelta(hours=1))
    run("verify")
    sandbox.advance(timedelta(hours=5))
    run("verify --json")
    return Counted(by_command, told)


def test_a_dry_run_makes_at_most_two_calls_a_user(counted: Counted):
    assert counted.a_user("apply") <= 2


def test_enforcing_makes_at_most_three_calls_a_user_and_one_write(counted: Counted):
    calls = counted.by_command["apply --stage enforce --yes"]
    assert counted.a_user("apply --stage enforce --yes") <= 3
    assert USERS == calls["AddUserToGroup"]
    assert len(writes([f"{MEMBER} {name}" for name in calls.elements()])) <= USERS + 10


def test_verifying_asks_for_one_password_of_each_who_could_be_locked_out(counted: Counted):
    """The report is some hours old; everybody without a device is asked, in one call."""
    calls = counted.by_command["verify"]
    without_device = sum(number % 3 == 0 for number in range(USERS))
    assert (without_device, 0) == (calls["GetLoginProfile"], calls["GetUser"] + calls["ListMFADevices"])


def test_verifying_asks_nobody_where_the_report_was_made_for_it(counted: Counted):
    assert counted.a_user("verify --json") <= 0.25
    assert 0 == counted.by_command["verify --json"]["GetLoginProfile"]


def test_what_was_asked_and_throttled_is_on_record_and_in_status(
    counted: Counted, sandbox: Sandbox, tmp_path: Path
):
    shell = counted.told.again(tmp_path, sandbox)
    in_the_account = lambda call: call.account == MEMBER  # noqa: E731 - one line says it
    with at_call(sandbox, "GetLoginProfile", when=in_the_account, refuse="Throttling", times=2):
        assert 0 == shell("apply", "--stage", "enforce", "--yes").code
    lines = [line for line in shell("status").out.splitlines() if line.startswith("Last run (apply, ")]
    assert " 2 throttled (GetLoginProfile 2)" in lines[0]
    page = (next(tmp_path.glob("reports/*/index.html"))).read_text()
    assert "2 throttled (GetLoginProfile 2)" in page
    assert '<tr><th scope="row">AddUserToGroup</th><td>51</td><td>0</td>' in page


# --- Between the reading of a page and the write ---


def reset_password(iam: Any) -> None:
    iam.update_login_profile(UserName="user-07", PasswordResetRequired=True)


def forbid(iam: Any) -> None:
    iam.put_user_policy(UserName="user-07", PolicyName="Theirs", PolicyDocument=json.dumps(FORCES_MFA))


def make_anew(iam: Any) -> None:
    """The user is deleted, and another has the name."""
    user = "user-07"
    for policy in iam.list_attached_user_policies(UserName=user)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=user, PolicyArn=policy["PolicyArn"])
    for device in iam.list_mfa_devices(UserName=user)["MFADevices"]:
        iam.deactivate_mfa_device(UserName=user, SerialNumber=device["SerialNumber"])
    iam.delete_login_profile(UserName=user)
    iam.delete_user(UserName=user)
    iam.create_user(UserName=user)
    iam.create_login_profile(UserName=user, Password="Long-enough-4-all!", PasswordResetRequired=False)


@pytest.mark.parametrize("happens", [reset_password, forbid, make_anew], ids=lambda one: one.__name__)
def test_who_changes_after_the_page_was_read_does_not_stay_under_the_policy(
    happens: Callable[[Any], None], counted: Counted, sandbox: Sandbox, tmp_path: Path
):
    shell, iam = counted.told.again(tmp_path, sandbox), in_the_member_account(sandbox)
    with at_call(
        sandbox,
        "GetLoginProfile",
        when=lambda call: call.account == MEMBER,
        do=lambda: happens(iam),
    ):
        said = shell("apply", "--stage", "enforce", "--yes")
    members = {user["UserName"] for user in iam.get_group(GroupName=GROUP)["Users"]}
    assert {f"user-{number:02}" for number in range(USERS)} - {"user-07"} == members, said.err
    found = {one["kind"] for one in shell("verify", "--json").json["drift"]}
    assert found <= {"class-changed", "new-user", "user-gone"}, "the journal has nobody under it who is not"


client: Any = boto3.client


def in_the_member_account(sandbox: Sandbox) -> Any:
    environment = sandbox.environment()
    place: dict[str, Any] = {
        "endpoint_url": environment["AWS_ENDPOINT_URL"],
        "region_name": environment["AWS_REGION"],
    }
    own = {
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }
    role = f"arn:aws:iam::{MEMBER}:role/OrganizationAccountAccessRole"
    keys = client("sts", **place, **own).assume_role(RoleArn=role, RoleSessionName="helpdesk")["Credentials"]
    return client(
        "iam",
        **place,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
