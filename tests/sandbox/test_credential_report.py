"""The credential report, column by column, against aws-facts.md#credential-report."""

from datetime import UTC, datetime, timedelta

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import (
    ARCHIVE,
    DEV,
    HUB,
    MANAGEMENT,
    NETWORK,
    STOREFRONT,
    iam_of,
    refused,
    report_of,
    rows_of,
)

COLUMNS = [
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
]


def row_of(sandbox: Sandbox, account: str, user: str) -> dict[str, str]:
    return next(row for row in report_of(iam_of(sandbox, account)) if row["user"] == user)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_there_is_none_until_one_is_asked_for(sandbox: Sandbox):
    iam = iam_of(sandbox, NETWORK)
    with refused("ReportNotPresent", 410):
        iam.get_credential_report()
    assert "STARTED" == iam.generate_credential_report()["State"]
    with refused("ReportInProgress", 404):
        iam.get_credential_report()
    assert "COMPLETE" == iam.generate_credential_report()["State"]
    report = iam.get_credential_report()
    assert "text/csv" == report["ReportFormat"]
    assert isinstance(report["Content"], bytes)
    assert timedelta(0) <= sandbox.now() - report["GeneratedTime"] < timedelta(minutes=1)


def test_it_has_the_columns_in_order_the_root_user_first_then_names_by_letter(sandbox: Sandbox):
    rows = report_of(iam_of(sandbox, HUB))
    assert COLUMNS == list(rows[0])
    assert "<root_account>" == rows[0]["user"]
    names = [row["user"] for row in rows[1:]]
    assert sorted(names, key=str.lower) == names
    assert 60 == len(names)


def test_the_root_user_of_a_member_has_no_credentials(sandbox: Sandbox):
    row = row_of(sandbox, STOREFRONT, "<root_account>")
    assert f"arn:aws:iam::{STOREFRONT}:root" == row["arn"]
    assert ("false", "false") == (row["password_enabled"], row["mfa_active"])
    assert "not_supported" == row["password_next_rotation"]


def test_the_root_user_of_the_management_account_has_mfa(sandbox: Sandbox):
    row = row_of(sandbox, MANAGEMENT, "<root_account>")
    assert ("true", "true") == (row["password_enabled"], row["mfa_active"])


def test_an_account_without_users_has_the_root_row_only(sandbox: Sandbox):
    assert ["<root_account>"] == [row["user"] for row in report_of(iam_of(sandbox, ARCHIVE))]


def test_a_user_without_password_has_nothing_but_na(sandbox: Sandbox):
    row = row_of(sandbox, STOREFRONT, "backup")
    console = [row[key] for key in COLUMNS[3:8]]
    assert ["false", "N/A", "N/A", "N/A", "false"] == console


def test_a_password_never_used_is_no_information(sandbox: Sandbox):
    row = row_of(sandbox, HUB, "yusuf.aydin")
    assert ("true", "no_information") == (row["password_enabled"], row["password_last_used"])


def test_passwords_rotate_where_the_account_lets_them_expire(sandbox: Sandbox):
    row = row_of(sandbox, STOREFRONT, "hugo.laurent")
    changed, rotation = moment(row["password_last_changed"]), moment(row["password_next_rotation"])
    assert timedelta(days=90) == rotation - changed
    assert "N/A" == row_of(sandbox, HUB, "hugo.laurent")["password_next_rotation"]


def test_keys_tell_when_and_for_what_they_were_used(sandbox: Sandbox):
    row = row_of(sandbox, DEV, "bianca.costa")
    assert ("true", "eu-west-1", "ec2") == (
        row["access_key_1_active"],
        row["access_key_1_last_used_region"],
        row["access_key_1_last_used_service"],
    )
    assert moment(row["access_key_1_last_used_date"]) > moment(row["access_key_1_last_rotated"])
    second = [row[key] for key in COLUMNS[13:18]]
    assert ["false", "N/A", "N/A", "N/A", "N/A"] == second


def test_services_without_regions_have_no_region(sandbox: Sandbox):
    row = row_of(sandbox, STOREFRONT, "backup")
    assert ("s3", "N/A") == (row["access_key_1_last_used_service"], row["access_key_1_last_used_region"])


def test_keys_that_are_off_or_expired_are_not_active(sandbox: Sandbox):
    assert "false" == row_of(sandbox, HUB, "olga.ivanova")["access_key_1_active"]
    assert "false" == row_of(sandbox, HUB, "milan.kovac")["access_key_1_active"]
    two = row_of(sandbox, HUB, "pavel.horak")
    assert ("false", "true") == (two["access_key_1_active"], two["access_key_2_active"])


@pytest.mark.parametrize(
    ("user", "active"),
    [("emil.hansen", "true"), ("judith.stern", "true"), ("ava.lindqvist", "true"), ("rosa.alvarez", "false")],
)
def test_mfa_is_active_with_a_device_of_any_kind(sandbox: Sandbox, user: str, active: str):
    assert active == row_of(sandbox, HUB, user)["mfa_active"]


def test_dates_are_iso_with_a_z(sandbox: Sandbox):
    assert row_of(sandbox, HUB, "ava.lindqvist")["user_creation_time"].endswith("Z")


def test_the_stored_report_is_handed_back_for_four_hours_and_then_expires(sandbox: Sandbox):
    """Younger than four hours it is the same, though the world has changed; after that it must be made anew."""
    iam = iam_of(sandbox, DEV)
    report_of(iam)
    first = iam.get_credential_report()
    iam.create_user(UserName="newcomer")
    sandbox.advance(timedelta(hours=3, minutes=50))
    assert "COMPLETE" == iam.generate_credential_report()["State"]
    again = iam.get_credential_report()
    assert (first["Content"], first["GeneratedTime"]) == (again["Content"], again["GeneratedTime"])
    assert "newcomer" not in {row["user"] for row in rows_of(again["Content"])}

    sandbox.advance(timedelta(minutes=11))
    with refused("ReportExpired", 410):
        iam.get_credential_report()
    assert "STARTED" == iam.generate_credential_report()["State"]
    assert "COMPLETE" == iam.generate_credential_report()["State"]
    fresh = iam.get_credential_report()
    assert fresh["GeneratedTime"] >= first["GeneratedTime"] + timedelta(hours=4)
    created = {row["user"]: row["user_creation_time"] for row in rows_of(fresh["Content"])}
    assert moment(created["newcomer"]) < fresh["GeneratedTime"].astimezone(UTC)


def test_a_use_of_a_key_is_noted_once_a_quarter_of_an_hour(sandbox: Sandbox):
    """aws-facts.md#credential-report: key use keeps only the first in 15 minutes."""
    iam = iam_of(sandbox, MANAGEMENT)
    key = iam.list_access_keys(UserName="cloud-admin")["AccessKeyMetadata"][0]["AccessKeyId"]

    def last_used() -> datetime:
        used: datetime = iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]["LastUsedDate"]
        return used

    sandbox.advance(timedelta(minutes=20))
    first = last_used()
    assert sandbox.now() - first < timedelta(minutes=1)
    sandbox.advance(timedelta(minutes=10))
    assert first == last_used()
    sandbox.advance(timedelta(minutes=10))
    assert first < last_used()
