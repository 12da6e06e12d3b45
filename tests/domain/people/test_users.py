"""A user as seen: which keys count, what a device is, which tag is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rollout.domain.people.users import AccessKey, DeviceKind, MfaDevice, ServiceCredential, tag
from tests.builders import ACCOUNT, NOW, a_device, a_key, a_user, days_ago

SERIALS = {
    f"arn:aws:iam::{ACCOUNT}:mfa/alice": DeviceKind.TOTP,
    f"arn:aws:iam::{ACCOUNT}:mfa/team/eu/alice": DeviceKind.TOTP,
    f"arn:aws:iam::{ACCOUNT}:mfa/u2f": DeviceKind.TOTP,
    f"arn:aws:iam::{ACCOUNT}:mfa/u2f/user/alice": DeviceKind.TOTP,
    f"arn:aws-us-gov:iam::{ACCOUNT}:u2f/user/alice/yubikey-ABC": DeviceKind.PASSKEY,
    f"arn:aws:iam::{ACCOUNT}:u2f/user/team/alice/key:with:colons": DeviceKind.PASSKEY,
    f"arn:aws:iam::{ACCOUNT}:sms-mfa/alice": DeviceKind.SMS,
    "GAHT12345678": DeviceKind.HARDWARE,
    "123456789012": DeviceKind.HARDWARE,
}


@pytest.mark.parametrize(("serial", "kind"), SERIALS.items(), ids=SERIALS)
def test_a_device_is_what_its_serial_number_says(serial: str, kind: DeviceKind):
    """aws-facts.md#inventory-calls: there is no other field that tells."""
    assert kind == MfaDevice(serial).kind


def test_kinds_are_told_once_and_sorted():
    user = a_user(devices=tuple(a_device(kind) for kind in ("totp", "passkey", "totp")))
    assert ("passkey", "totp") == user.device_kinds
    assert () == a_user(devices_known=False).device_kinds


@pytest.mark.parametrize(
    ("flag", "devices", "has"),
    [
        (True, None, True),
        (False, None, False),
        (True, (), False),
        (False, (a_device(),), True),
        (True, (a_device(),), True),
        (False, (), False),
    ],
)
def test_devices_that_were_listed_are_believed_before_the_flag(flag: bool, devices, has: bool):
    assert has == a_user(mfa_active=flag, devices=devices).has_device


SECOND = timedelta(seconds=1)
NINETY = timedelta(days=90)


@pytest.mark.parametrize(
    ("says", "created", "used", "in_use"),
    [
        ("used today", days_ago(400), NOW, True),
        ("used 90 days ago to the second", days_ago(400), NOW - NINETY, True),
        ("a second more", days_ago(400), NOW - NINETY - SECOND, False),
        ("never used, made 90 days ago", NOW - NINETY, None, True),
        ("never used, made a second before", NOW - NINETY - SECOND, None, False),
        ("used long ago, and switched on again since", days_ago(3), days_ago(300), True),
        ("nothing known", None, None, True),
        ("only its use known", None, days_ago(91), False),
        ("by a clock that is ahead", days_ago(400), NOW + NINETY, True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_key_counts_as_in_use(says: str, created, used, in_use: bool):
    key = AccessKey(1, active=True, created=created, last_used=used)
    assert in_use == key.in_use(NOW, 90)
    assert not replace(key, active=False).in_use(NOW, 90)


def test_the_last_use_is_that_of_the_active_keys():
    keys = (a_key(1, used_days_ago=9), a_key(2, active=False, used_days_ago=1))
    assert days_ago(9) == a_user(keys=keys).key_last_used
    assert None is a_user(keys=(a_key(),)).key_last_used
    assert (keys[0],) == a_user(keys=keys).active_keys


def test_services_are_those_of_active_credentials():
    found = (ServiceCredential("bedrock", active=False), ServiceCredential("codecommit", active=True))
    assert ("codecommit",) == a_user(service_credentials=found).active_services


def test_a_key_is_labelled_without_giving_it_away():
    assert "key 2" == a_key(2).label
    assert "key AKIA…3F" == replace(a_key(), id="AKIAIOSFODNN7EXAMP3F").label


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("email", "a@example.com"),
        ("EMAIL", "a@example.com"),
        ("empty", ""),
        ("straße", "x"),
        ("absent", None),
    ],
)
def test_tag_keys_are_case_insensitive(key: str, value: str | None):
    user = a_user(tags={"Email": "a@example.com", "Empty": "", "STRASSE": "x"})
    assert value == tag(user, key)
