"""What channels of notices may do on AWS: narrowed sessions, and secrets by name that nobody else sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from rollout.aws.connect.kept_secrets import kept_secret
from rollout.aws.connect.notice_clients import NoticeClients, notice_session_policy
from rollout.awsapi.operations import OPERATIONS
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.iam import Allowed, Context, Policies, Request, evaluate, parse_document
from rollout.errors import ChannelUnusable

SENDER, ROLE = "mfa@example.com", "arn:aws:iam::111122223333:role/mail"
PASSWORD = "n0t-to-be-seen"


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with mock_aws():
        yield Connection(region="eu-central-1")


def may(action: str, sender: str = SENDER) -> bool:
    policy = parse_document(notice_session_policy(SENDER), "session")
    request = Request(action, "*", ROLE, Context({"ses:FromAddress": sender}))
    return isinstance(evaluate(Policies(identity=(policy,)), request), Allowed)


def test_a_channels_session_sends_from_the_one_sender_and_does_nothing_else():
    assert may("ses:SendEmail")
    assert may("ses:SendRawEmail")
    assert not may("ses:SendEmail", "ceo@example.com")
    assert all(map(may, ("ses:GetAccount", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sns:Publish")))
    others = {
        action for one in OPERATIONS for action in one.actions if one.service not in {"sesv2", "sns", "sqs"}
    }
    assert [] == [action for action in sorted(others) if may(action)]


def test_a_role_of_a_channel_is_assumed_with_that_policy(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    sts = boto3.client("sts", region_name="eu-central-1")
    keys = {"AccessKeyId": "ASIAEXAMPLE123456789", "SecretAccessKey": "s", "SessionToken": "t"}
    with Stubber(sts) as stubber:
        stubber.add_response(
            "assume_role",
            {"Credentials": {**keys, "Expiration": datetime.now(UTC) + timedelta(hours=1)}},
            {"RoleArn": ROLE, "RoleSessionName": "rollout", "Policy": notice_session_policy(SENDER)},
        )
        monkeypatch.setattr(connection, "sts", lambda: sts)
        client = NoticeClients(connection, Retries(), "rollout", SENDER)("sesv2", "eu-west-1", ROLE)

    assert "eu-west-1" == client.meta.region_name
    assert keys["AccessKeyId"] == client._request_signer._credentials.access_key


def test_a_role_that_cannot_be_assumed_is_named_with_the_cure(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    sts = boto3.client("sts", region_name="eu-central-1")
    with Stubber(sts) as stubber:
        stubber.add_client_error("assume_role", "AccessDenied", "not authorized", http_status_code=403)
        monkeypatch.setattr(connection, "sts", lambda: sts)
        with pytest.raises(ChannelUnusable, match=ROLE):
            NoticeClients(connection, Retries(), "rollout", SENDER)("sesv2", "", ROLE)


def test_a_secret_is_read_by_its_name(connection: Connection):
    boto3.client("secretsmanager", region_name="eu-central-1").create_secret(
        Name="mfa/smtp", SecretString=PASSWORD
    )
    boto3.client("ssm", region_name="eu-central-1").put_parameter(
        Name="/mfa/smtp", Value=PASSWORD, Type="SecureString"
    )
    assert PASSWORD == kept_secret(connection, Retries(), "secretsmanager", "mfa/smtp")
    assert PASSWORD == kept_secret(connection, Retries(), "ssm", "/mfa/smtp")


@pytest.mark.parametrize("kind", ["secretsmanager", "ssm"])
def test_a_secret_that_is_not_there_is_named(connection: Connection, kind: str):
    with pytest.raises(ChannelUnusable, match=f"the secret {kind}:nothing cannot be read"):
        kept_secret(connection, Retries(), kind, "nothing")
