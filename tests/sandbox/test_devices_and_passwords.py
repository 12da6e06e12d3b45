"""Devices of every kind, passwords, keys and service credentials against aws-facts.md#inventory-calls."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.identifiers import DESCRIBED_SEED
from tests.sandbox.connecting import (
    DEV,
    HUB,
    MANAGEMENT,
    PAYMENTS,
    STOREFRONT,
    as_operator,
    code_of,
    iam_of,
    refused,
    two_codes,
)

NO_S3 = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}'


@pytest.fixture
def hub(sandbox: Sandbox) -> Any:
    return iam_of(sandbox, HUB)


def serial_of(iam: Any, user: str) -> str:
    (device,) = iam.list_mfa_devices(UserName=user)["MFADevices"]
    assert user == device["UserName"]
    return str(device["SerialNumber"])


def test_the_serial_number_tells_the_kind(hub: Any):
    assert f"arn:aws:iam::{HUB}:mfa/ava.lindqvist" == serial_of(hub, "ava.lindqvist")
    assert serial_of(hub, "emil.hansen").startswith(f"arn:aws:iam::{HUB}:u2f/user/emil.hansen/emil.hansen-")
    assert "GAHT12345678" == serial_of(hub, "judith.stern")
    assert [] == hub.list_mfa_devices(UserName="rosa.alvarez")["MFADevices"]


def test_asking_for_nobodys_devices_needs_a_user_behind_the_call(hub: Any):
    with refused("ValidationError", 400):
        hub.list_mfa_devices()
    with refused("NoSuchEntity", 404):
        hub.list_mfa_devices(UserName="nobody")


def test_get_mfa_device_knows_passkeys_only(hub: Any):
    passkey = serial_of(hub, "hana.suzuki")
    found = hub.get_mfa_device(SerialNumber=passkey, UserName="hana.suzuki")
    assert passkey == found["SerialNumber"]
    assert found["EnableDate"]
    with refused("NoSuchEntity", 404):
        hub.get_mfa_device(SerialNumber=serial_of(hub, "ava.lindqvist"))


def test_virtual_devices_are_listed_for_the_account_assigned_or_not(sandbox: Sandbox):
    iam = iam_of(sandbox, PAYMENTS)

    def serials(status: str) -> Iterator[str]:
        for page in iam.get_paginator("list_virtual_mfa_devices").paginate(AssignmentStatus=status):
            for device in page["VirtualMFADevices"]:
                yield device["SerialNumber"].rpartition("/")[2]

    assert {"ben.okafor-tablet", "test-device"} == set(serials("Unassigned"))
    assigned = set(serials("Assigned"))
    assert {"ben.okafor", "greta.vogel", "wendy.chen"} <= assigned
    assert "emil.hansen" not in assigned, "the list is blind to passkeys"
    assert assigned | {"ben.okafor-tablet", "test-device"} == set(serials("Any"))


def test_a_virtual_device_names_its_user(hub: Any):
    devices = hub.list_virtual_mfa_devices(AssignmentStatus="Assigned", MaxItems=2)
    assert devices["IsTruncated"]
    user = devices["VirtualMFADevices"][0]["User"]
    assert ("ava.lindqvist", f"arn:aws:iam::{HUB}:user/ava.lindqvist") == (user["UserName"], user["Arn"])


def test_the_root_users_device_has_no_user_name(sandbox: Sandbox):
    devices = as_operator(sandbox, "iam").list_virtual_mfa_devices()["VirtualMFADevices"]
    (root,) = [one for one in devices if one["SerialNumber"].endswith("root-account-mfa-device")]
    assert f"arn:aws:iam::{MANAGEMENT}:root" == root["User"]["Arn"]
    assert "UserName" not in root["User"]


def test_enrolling_takes_a_device_and_two_consecutive_codes_of_it(sandbox: Sandbox, hub: Any):
    made = hub.create_virtual_mfa_device(VirtualMFADeviceName="rosa.alvarez-phone")["VirtualMFADevice"]
    enrol = {"UserName": "rosa.alvarez", "SerialNumber": made["SerialNumber"]}
    seed = made["Base32StringSeed"]
    assert re.fullmatch(b"[A-Z2-7]{64}", seed), "as an authenticator app takes it"
    right = two_codes(sandbox, seed)
    swapped = dict(zip(right, reversed(right.values()), strict=True))
    apart = right | {"AuthenticationCode1": code_of(sandbox, seed, -2)}
    for wrong in (swapped, apart, two_codes(sandbox, DESCRIBED_SEED)):
        with refused("InvalidAuthenticationCode", 403):
            hub.enable_mfa_device(**enrol, **wrong)
    hub.enable_mfa_device(**enrol, **right)
    (device,) = hub.list_mfa_devices(UserName="rosa.alvarez")["MFADevices"]
    assert abs((sandbox.now() - device["EnableDate"]).total_seconds()) < 30
    with refused("InvalidAuthenticationCode", 403):  # each code counts once
        hub.resync_mfa_device(**enrol, **right)
    with refused("DeleteConflict", 409):
        hub.delete_virtual_mfa_device(SerialNumber=made["SerialNumber"])
    with refused("EntityAlreadyExists", 409):
        hub.create_virtual_mfa_device(VirtualMFADeviceName="rosa.alvarez-phone")


def test_a_ninth_device_is_one_too_many(sandbox: Sandbox, hub: Any):
    for number in range(9):
        made = hub.create_virtual_mfa_device(VirtualMFADeviceName=f"ben-{number}")["VirtualMFADevice"]
        enrol = {"UserName": "peter.adeyemi", "SerialNumber": made["SerialNumber"]}
        codes = two_codes(sandbox, made["Base32StringSeed"])
        if number < 8:
            hub.enable_mfa_device(**enrol, **codes)
        else:
            with refused("LimitExceeded", 409):
                hub.enable_mfa_device(**enrol, **codes)


def test_a_login_profile_says_whether_the_password_must_change(hub: Any):
    assert hub.get_login_profile(UserName="yusuf.aydin")["LoginProfile"]["PasswordResetRequired"]
    assert not hub.get_login_profile(UserName="nora.eriksen")["LoginProfile"]["PasswordResetRequired"]
    with refused("NoSuchEntity", 404):
        hub.get_login_profile(UserName="peter.adeyemi")


def test_a_password_reset_is_remembered(hub: Any):
    """moto loses PasswordResetRequired."""
    hub.create_login_profile(UserName="olga.ivanova", Password="a-Long-enough-1", PasswordResetRequired=True)
    assert hub.get_login_profile(UserName="olga.ivanova")["LoginProfile"]["PasswordResetRequired"]
    with refused("EntityAlreadyExists", 409):
        hub.create_login_profile(UserName="olga.ivanova", Password="a-Long-enough-1")
    hub.update_login_profile(UserName="olga.ivanova", PasswordResetRequired=False)
    assert not hub.get_login_profile(UserName="olga.ivanova")["LoginProfile"]["PasswordResetRequired"]


def test_the_password_policy_is_there_or_it_is_not(sandbox: Sandbox):
    policy = iam_of(sandbox, STOREFRONT).get_account_password_policy()["PasswordPolicy"]
    assert (True, 90, True) == (policy["ExpirePasswords"], policy["MaxPasswordAge"], policy["HardExpiry"])
    assert policy["AllowUsersToChangePassword"]
    with refused("NoSuchEntity", 404):
        as_operator(sandbox, "iam").get_account_password_policy()


def test_keys_have_a_status_and_a_last_use(sandbox: Sandbox, hub: Any):
    (key,) = hub.list_access_keys(UserName="milan.kovac")["AccessKeyMetadata"]
    assert "Expired" == key["Status"]
    used = hub.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert ("milan.kovac", "s3", "N/A") == (
        used["UserName"],
        used["AccessKeyLastUsed"]["ServiceName"],
        used["AccessKeyLastUsed"]["Region"],
    )
    fresh = hub.create_access_key(UserName="elif.demir")["AccessKey"]["AccessKeyId"]
    unused = hub.get_access_key_last_used(AccessKeyId=fresh)["AccessKeyLastUsed"]
    assert {"ServiceName": "N/A", "Region": "N/A"} == unused


def test_a_third_key_is_one_too_many(hub: Any):
    with refused("LimitExceeded", 409):
        hub.create_access_key(UserName="pavel.horak")


def test_service_credentials_are_listed_for_one_user_or_all(sandbox: Sandbox):
    iam = iam_of(sandbox, DEV)
    found = {
        one["UserName"]: one
        for one in iam.list_service_specific_credentials(AllUsers=True)["ServiceSpecificCredentials"]
    }
    assert {"git-mirror", "BedrockAPIKey-x7f2", "catalogue-import"} == set(found)
    assert "codecommit.amazonaws.com" == found["git-mirror"]["ServiceName"]
    assert "Active" == found["git-mirror"]["Status"]
    assert found["BedrockAPIKey-x7f2"]["ExpirationDate"] > sandbox.now()
    (one,) = iam.list_service_specific_credentials(UserName="git-mirror")["ServiceSpecificCredentials"]
    assert found["git-mirror"] == one
    assert [] == iam.list_service_specific_credentials(UserName="load-test")["ServiceSpecificCredentials"]
    page = iam.list_service_specific_credentials(AllUsers=True, MaxItems=2)
    assert page["IsTruncated"]


def test_get_user_means_the_caller_where_no_name_is_given(sandbox: Sandbox, hub: Any):
    mine = as_operator(sandbox, "iam").get_user()["User"]
    assert "cloud-admin" == mine["UserName"]
    assert mine["PasswordLastUsed"] < sandbox.now()
    with refused("ValidationError", 400):
        hub.get_user()
    other = hub.get_user(UserName="rita.santos")["User"]
    assert [{"Key": "email", "Value": "rita.santos@example.com"}] == other["Tags"]


def test_list_users_leaves_tags_and_boundaries_out(sandbox: Sandbox):
    users = iam_of(sandbox, PAYMENTS).list_users()["Users"]
    nadia = next(user for user in users if user["UserName"] == "nadia.petrova")
    assert nadia["PasswordLastUsed"]
    assert not {"Tags", "PermissionsBoundary"} & set(nadia)


def test_tag_keys_of_users_keep_their_case_and_ignore_it(hub: Any):
    hub.tag_user(UserName="tara.singh", Tags=[{"Key": "MFA-stage", "Value": "one"}])
    hub.tag_user(UserName="tara.singh", Tags=[{"Key": "mfa-Stage", "Value": "two"}])
    tags = {tag["Key"]: tag["Value"] for tag in hub.list_user_tags(UserName="tara.singh")["Tags"]}
    assert {"email": "tara.singh@example.com", "mfa-Stage": "two"} == tags
    hub.untag_user(UserName="tara.singh", TagKeys=["MFA-STAGE"])
    assert ["email"] == [tag["Key"] for tag in hub.list_user_tags(UserName="tara.singh")["Tags"]]


def test_a_renamed_user_stays_the_same_and_a_reused_name_is_somebody_else(hub: Any):
    before = hub.get_user(UserName="peter.adeyemi")["User"]
    hub.update_user(UserName="peter.adeyemi", NewUserName="p.adeyemi")
    after = hub.get_user(UserName="p.adeyemi")["User"]
    assert (before["UserId"], before["Tags"]) == (after["UserId"], after["Tags"])
    reused = hub.create_user(UserName="peter.adeyemi")["User"]
    assert before["UserId"] != reused["UserId"]


def test_a_user_who_still_has_something_cannot_be_deleted(sandbox: Sandbox, hub: Any):
    who, audit = {"UserName": "passing.by"}, {"PolicyArn": "arn:aws:iam::aws:policy/SecurityAudit"}
    hub.create_user(**who, Path="/team/")
    hub.create_group(GroupName="Passers")
    device = hub.create_virtual_mfa_device(VirtualMFADeviceName="passing.by")["VirtualMFADevice"]
    serial, codes = {"SerialNumber": device["SerialNumber"]}, two_codes(sandbox, device["Base32StringSeed"])
    git = {"ServiceName": "codecommit.amazonaws.com"}
    made: dict[str, Any] = {}
    for give, take in (
        (
            lambda: hub.create_login_profile(**who, Password="a-Long-enough-1"),
            lambda: hub.delete_login_profile(**who),
        ),
        (
            lambda: made.update(hub.create_access_key(**who)["AccessKey"]),
            lambda: hub.delete_access_key(**who, AccessKeyId=made["AccessKeyId"]),
        ),
        (
            lambda: made.update(
                hub.create_service_specific_credential(**who, **git)["ServiceSpecificCredential"]
            ),
            lambda: hub.delete_service_specific_credential(
                **who, ServiceSpecificCredentialId=made["ServiceSpecificCredentialId"]
            ),
        ),
        (
            lambda: hub.enable_mfa_device(**who, **serial, **codes),
            lambda: hub.deactivate_mfa_device(**who, **serial),
        ),
        (
            lambda: hub.add_user_to_group(**who, GroupName="Passers"),
            lambda: hub.remove_user_from_group(**who, GroupName="Passers"),
        ),
        (
            lambda: hub.attach_user_policy(**who, **audit),
            lambda: hub.detach_user_policy(**who, **audit),
        ),
        (
            lambda: hub.put_user_policy(**who, PolicyName="inline", PolicyDocument=NO_S3),
            lambda: hub.delete_user_policy(**who, PolicyName="inline"),
        ),
    ):
        give()
        with refused("DeleteConflict", 409):
            hub.delete_user(**who)
        take()
    hub.put_user_permissions_boundary(**who, PermissionsBoundary=audit["PolicyArn"])
    hub.delete_user(**who)
    with refused("NoSuchEntity", 404):
        hub.get_user(**who)
