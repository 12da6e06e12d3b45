"""Codes of TOTP devices as AWS checks them: fresh, once, and by the device's own seed."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import (
    HUB,
    client,
    code_of,
    iam_of,
    refused,
    two_codes,
    with_credentials,
)

PERSON = "dora.mfa"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A clock that stands still, so that what is a fresh code does not turn on how fast the tests are."""
    with Sandbox.start(datetime(2026, 11, 24, 9, 30, tzinfo=UTC), instance="codes", ticking=False) as running:
        yield running


@pytest.fixture
def person(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """A user who may do everything in IAM, by an access key."""
    admin = iam_of(sandbox, HUB)
    admin.create_user(UserName=PERSON)
    admin.attach_user_policy(UserName=PERSON, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    made = admin.create_access_key(UserName=PERSON)["AccessKey"]
    yield {
        **sandbox.environment(),
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    for device in admin.list_mfa_devices(UserName=PERSON)["MFADevices"]:
        admin.deactivate_mfa_device(UserName=PERSON, SerialNumber=device["SerialNumber"])
    for device in admin.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]:
        admin.delete_virtual_mfa_device(SerialNumber=device["SerialNumber"])
    admin.delete_access_key(UserName=PERSON, AccessKeyId=made["AccessKeyId"])
    admin.detach_user_policy(UserName=PERSON, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    admin.delete_user(UserName=PERSON)


def enrolled(sandbox: Sandbox, theirs: Mapping[str, str], name: str = "phone") -> tuple[str, bytes]:
    """Enrol a device as the user; returns its serial number and its seed."""
    iam = client("iam", theirs)
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    codes = two_codes(sandbox, made["Base32StringSeed"])
    iam.enable_mfa_device(UserName=PERSON, SerialNumber=made["SerialNumber"], **codes)
    return made["SerialNumber"], made["Base32StringSeed"]


def session(theirs: Mapping[str, str], serial: str, code: str) -> dict[str, str]:
    given = client("sts", theirs).get_session_token(SerialNumber=serial, TokenCode=code)
    return with_credentials(theirs, given["Credentials"])


def wrong_code() -> Any:
    return refused("AccessDenied", 403)


def test_a_code_counts_one_step_early_or_late_and_once(sandbox: Sandbox, person: dict[str, str]):
    serial, seed = enrolled(sandbox, person)
    for used in (-1, 0):  # enrolling has used them up
        with wrong_code():
            session(person, serial, code_of(sandbox, seed, used))
    assert session(person, serial, code_of(sandbox, seed, 1))
    with wrong_code():
        session(person, serial, code_of(sandbox, seed, 1))
    for too_far in (-2, 2):
        with wrong_code():
            session(person, serial, code_of(sandbox, seed, too_far))
    sandbox.advance(timedelta(seconds=90))
    assert session(person, serial, code_of(sandbox, seed))


def test_an_app_that_goes_by_the_clock_of_this_machine_is_right_too(sandbox: Sandbox, person: dict[str, str]):
    """The clock of the sandbox may be weeks ahead; a telephone's is not."""
    serial, seed = enrolled(sandbox, person)
    sandbox.advance(timedelta(days=30))
    assert session(person, serial, pyotp.TOTP(seed.decode()).at(int(time.time())))
    assert session(person, serial, code_of(sandbox, seed))


def test_somebody_elses_device_gives_no_session(sandbox: Sandbox, person: dict[str, str]):
    with wrong_code():
        session(person, f"arn:aws:iam::{HUB}:mfa/ava.lindqvist", code_of(sandbox))


def test_a_device_made_again_under_the_same_name_is_another_one(sandbox: Sandbox, person: dict[str, str]):
    serial, seed = enrolled(sandbox, person)
    admin = iam_of(sandbox, HUB)
    admin.deactivate_mfa_device(UserName=PERSON, SerialNumber=serial)
    admin.delete_virtual_mfa_device(SerialNumber=serial)
    again, other = enrolled(sandbox, person)
    assert (serial, True) == (again, seed != other)


def test_devices_beside_a_device_are_managed_with_mfa_only(sandbox: Sandbox, person: dict[str, str]):
    """AWS-2023-001: whatever the policies allow, a key without MFA manages nobody's own second device."""
    serial, seed = enrolled(sandbox, person)
    with refused("AccessDenied", 403):
        client("iam", person).deactivate_mfa_device(UserName=PERSON, SerialNumber=serial)
    with refused("AccessDenied", 403):
        enrolled(sandbox, person, "second")
    with_mfa = session(person, serial, code_of(sandbox, seed, 1))
    enrolled(sandbox, with_mfa, "third")
    client("iam", with_mfa).deactivate_mfa_device(UserName=PERSON, SerialNumber=serial)


def test_a_code_counts_for_the_call_that_assumes_a_role(sandbox: Sandbox, person: dict[str, str]):
    """aws-facts.md#when-the-keys-exist: the caller's own Deny lifts, and the trust policy sees MFA."""
    admin, role = iam_of(sandbox, HUB), f"arn:aws:iam::{HUB}:role/with-mfa"
    needs_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    trust = {"Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
    admin.create_role(
        RoleName="with-mfa",
        AssumeRolePolicyDocument=document({"Effect": "Allow", **trust, "Condition": needs_mfa}),
    )
    without = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": without}
    serial, seed = enrolled(sandbox, person)
    sts, asked = client("sts", person), {"RoleArn": role, "RoleSessionName": "tests"}
    with refused("AccessDenied", 403):  # by the trust policy
        sts.assume_role(**asked)
    admin.put_user_policy(UserName=PERSON, PolicyName="deny", PolicyDocument=document(deny))
    with refused("AccessDenied", 403):  # by the user's own policy
        sts.assume_role(**asked)
    with wrong_code():
        sts.assume_role(**asked, SerialNumber=serial, TokenCode="12345x")
    assert sts.assume_role(**asked, SerialNumber=serial, TokenCode=code_of(sandbox, seed, 1))["Credentials"]
    with wrong_code():
        sts.assume_role(**asked, SerialNumber=serial, TokenCode=code_of(sandbox, seed, 1))
    admin.delete_user_policy(UserName=PERSON, PolicyName="deny")
    admin.delete_role(RoleName="with-mfa")


def test_a_session_token_can_be_denied_but_needs_no_permission(sandbox: Sandbox, person: dict[str, str]):
    serial, seed = enrolled(sandbox, person)
    admin = iam_of(sandbox, HUB)
    admin.detach_user_policy(UserName=PERSON, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    assert session(person, serial, code_of(sandbox, seed, 1))
    sandbox.advance(timedelta(seconds=60))
    deny = {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
    admin.put_user_policy(UserName=PERSON, PolicyName="deny", PolicyDocument=document(deny))
    with refused("AccessDenied", 403):
        session(person, serial, code_of(sandbox, seed))
    assert client("sts", person).get_caller_identity()["Arn"].endswith(PERSON)
    admin.delete_user_policy(UserName=PERSON, PolicyName="deny")
    admin.attach_user_policy(UserName=PERSON, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
