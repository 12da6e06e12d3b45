"""The credential report: every state, every error code, every sentinel (aws-facts.md#credential-report)."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from rollout.aws.connect.open_account import AwsAccount
from rollout.aws.read.report_rows import Report, UnusableReport, parse_report
from rollout.domain.people.users import AccessKey, Password
from tests.aws.conftest import FakeTime
from tests.aws.stub import AwsStub, Fail, Scripted
from tests.aws.world import ACCOUNT, COLUMNS, REPORTED, Person, World

Enter = Callable[[], AwsAccount]
ARN = f"arn:aws:iam::{ACCOUNT}:user/ana"
STARTED, COMPLETE = {"State": "STARTED"}, {"State": "COMPLETE"}
NOT_READY = Fail("ReportInProgress", 404)
EMPTY = dict.fromkeys(COLUMNS, "N/A") | {
    "user": "ana",
    "arn": ARN,
    "user_creation_time": "2024-05-06T07:08:09+00:00",
    "password_enabled": "false",
    "mfa_active": "false",
    "access_key_1_active": "false",
    "access_key_2_active": "false",
    "cert_1_active": "false",
    "cert_2_active": "false",
}


def parse(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Report:
    lines = [",".join(columns), *(",".join(row[column] for column in columns) for row in rows)]
    return parse_report("\n".join(lines).encode(), REPORTED)


# --- States ---


@pytest.mark.parametrize(
    ("generate", "get", "calls"),
    [
        ([COMPLETE], [], (1, 1)),
        ([STARTED], [], (1, 1)),
        ([STARTED], [NOT_READY, NOT_READY], (1, 3)),
        ([COMPLETE], [Fail("ReportExpired", 410)], (2, 2)),
        ([STARTED], [Fail("ReportNotPresent", 410), NOT_READY], (2, 3)),
        ([Fail("LimitExceeded", 409), STARTED], [], (2, 1)),
        ([Fail("ServiceFailure", 500), COMPLETE], [Fail("ServiceFailure", 500)], (2, 2)),
        ([Fail("Throttling", 400), COMPLETE], [], (2, 1)),
    ],
    ids=[
        "there",
        "ready by then",
        "waited for",
        "expired",
        "not present",
        "limited once",
        "failing",
        "throttled",
    ],
)
def test_every_way_to_the_report(
    generate: list[Scripted], get: list[Scripted], calls: tuple[int, int], stub: AwsStub, entered: Enter
):
    world = World(stub, [Person("ana")])
    stub.on("GenerateCredentialReport", *generate)
    stub.on("GetCredentialReport", *get, world.report())
    facts = entered().read()
    counts = stub.counts()
    assert REPORTED == facts.report_at
    assert calls == (counts["GenerateCredentialReport"], counts["GetCredentialReport"])


def test_a_report_that_never_comes_is_given_up_after_two_minutes(
    stub: AwsStub, entered: Enter, fake_time: FakeTime
):
    World(stub, [Person("ana")])
    stub.on("GetCredentialReport", NOT_READY)
    facts = entered().read()
    assert facts.report_at is None
    assert "within 120 s" in facts.findings[0].text
    assert 90 < fake_time.at <= 121


# --- Rows ---


@pytest.mark.parametrize(
    "moment", ["2026-11-20T10:00:00Z", "2026-11-20T10:00:00+00:00", "2026-11-20T10:00:00"]
)
def test_both_date_forms_are_the_same_aware_instant(moment: str):
    password = {"password_enabled": "TRUE", "password_last_used": moment, "password_last_changed": moment}
    seen = parse(EMPTY | password).rows[ARN].password
    instant = datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert Password(last_used=instant, last_changed=instant) == seen


@pytest.mark.parametrize(
    ("cells", "password"),
    [
        ({"password_enabled": "false", "password_last_used": "N/A"}, None),
        ({"password_enabled": "FALSE", "password_last_used": "no_information"}, None),
        ({"password_enabled": "not_supported", "password_last_used": "not_supported"}, None),
        ({"password_enabled": "N/A"}, None),
        ({"password_enabled": "true", "password_last_used": "no_information"}, Password()),
        ({"password_enabled": "True", "password_last_used": "N/A"}, Password()),
    ],
)
def test_sentinels_of_passwords(cells: dict[str, str], password: Password | None):
    assert password == parse(EMPTY | cells).rows[ARN].password


@pytest.mark.parametrize(
    ("cells", "keys"),
    [
        ({}, ()),
        ({"access_key_1_active": "not_supported"}, ()),
        (
            {"access_key_2_active": "TRUE", "access_key_2_last_rotated": "2025-01-01T00:00:00Z"},
            (AccessKey(2, active=True, created=datetime(2025, 1, 1, tzinfo=UTC)),),
        ),
        (
            # An inactive key keeps its date (aws-facts.md#credential-report): it is there, and signs nothing.
            {"access_key_1_last_rotated": "2025-01-01T00:00:00Z"},
            (AccessKey(1, active=False, created=datetime(2025, 1, 1, tzinfo=UTC)),),
        ),
        (
            {
                "access_key_1_active": "true",
                "access_key_1_last_rotated": "N/A",
                "access_key_1_last_used_date": "2026-11-01T12:00:00Z",
                "access_key_1_last_used_service": "s3",
                "access_key_1_last_used_region": "eu-west-1",
            },
            (
                AccessKey(
                    1,
                    active=True,
                    created=None,
                    last_used=datetime(2026, 11, 1, 12, tzinfo=UTC),
                    service="s3",
                    region="eu-west-1",
                ),
            ),
        ),
    ],
)
def test_keys(cells: dict[str, str], keys: tuple[AccessKey, ...]):
    assert keys == parse(EMPTY | cells).rows[ARN].keys


def test_certificates_are_counted():
    assert 1 == parse(EMPTY | {"cert_2_active": "true"}).rows[ARN].certificates


def test_the_root_row_is_kept_apart():
    root = EMPTY | {"user": "<root_account>", "arn": f"arn:aws:iam::{ACCOUNT}:root", "mfa_active": "true"}
    report = parse(root | {"password_enabled": "not_supported"}, EMPTY)
    assert (True, [ARN]) == (report.root_mfa_active, list(report.rows))
    assert parse(EMPTY).root_mfa_active is None


def test_certificate_columns_may_be_missing():
    columns = tuple(column for column in COLUMNS if not column.startswith("cert"))
    assert 0 == parse(EMPTY, columns=columns).rows[ARN].certificates


@pytest.mark.parametrize(
    "column", ["arn", "mfa_active", "access_key_2_last_used_date", "password_last_changed"]
)
def test_a_report_without_a_column_that_verdicts_turn_on_is_no_report(column: str):
    columns = tuple(kept for kept in COLUMNS if kept != column)
    with pytest.raises(UnusableReport, match=column):
        parse(EMPTY, columns=columns)


@pytest.mark.parametrize("content", [b"", b"<html>sorry</html>", b'"half a quote\n', b"\xff\xfe\x00"])
def test_what_is_no_report_is_called_so(content: bytes):
    with pytest.raises(UnusableReport):
        parse_report(content, REPORTED)


@pytest.mark.parametrize(
    "cells",
    [
        {"mfa_active": "maybe"},
        {"password_enabled": "true", "password_last_used": "last week"},
        {"access_key_1_last_rotated": "2026-13-01T00:00:00Z"},
    ],
)
def test_a_row_that_makes_no_sense_is_left_to_be_read_live(cells: dict[str, str]):
    other = EMPTY | {"user": "ben", "arn": ARN.replace("ana", "ben")}
    assert [other["arn"]] == list(parse(EMPTY | cells, other).rows)


def test_keys_beyond_the_first_two_are_left_to_be_read_live():
    columns = (*COLUMNS, "additional_credentials_info")
    more = EMPTY | {"additional_credentials_info": "1 more access key; use ListAccessKeys"}
    assert {} == parse(more, columns=columns).rows
    assert [ARN] == list(parse(EMPTY | {"additional_credentials_info": "N/A"}, columns=columns).rows)
