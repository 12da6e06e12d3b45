"""Who gets into which account: moto lets everybody in everywhere, AWS does not."""

from datetime import UTC, datetime, timedelta

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import (
    ACQUIRED,
    CLOSED,
    FROZEN,
    HUB,
    MANAGEMENT,
    NETWORK,
    PARTNER,
    PAYMENTS,
    STOREFRONT,
    as_operator,
    client,
    entered,
    iam_of,
    refused,
    with_credentials,
)

STANDARD = "OrganizationAccountAccessRole"


def test_the_operator_is_an_iam_user_of_the_management_account(sandbox: Sandbox):
    identity = as_operator(sandbox, "sts").get_caller_identity()
    assert MANAGEMENT == identity["Account"]
    assert f"arn:aws:iam::{MANAGEMENT}:user/cloud-admin" == identity["Arn"]
    assert identity["UserId"].startswith("AIDA")


def test_a_session_acts_in_the_account_it_entered(sandbox: Sandbox):
    inside = entered(sandbox.environment(), STOREFRONT)
    identity = client("sts", inside).get_caller_identity()
    assert STOREFRONT == identity["Account"]
    assert f"arn:aws:sts::{STOREFRONT}:assumed-role/{STANDARD}/tests" == identity["Arn"]
    assert identity["UserId"].startswith("AROA")
    assert identity["UserId"].endswith(":tests")
    names = {user["UserName"] for user in client("iam", inside).list_users()["Users"]}
    assert "backup" in names
    assert "cloud-admin" not in names


@pytest.mark.parametrize(
    ("account", "role"),
    [
        (STOREFRONT, "NoSuchRole"),
        (MANAGEMENT, STANDARD),  # the management account has no such role of its own
        (NETWORK, STANDARD),  # entered by AWSControlTowerExecution only
        (STOREFRONT, "AWSControlTowerExecution"),
        (ACQUIRED, STANDARD),
        (ACQUIRED, "FormerOwnerAccess"),  # there, but trusts somebody else
        (CLOSED, STANDARD),
        (FROZEN, STANDARD),
        ("123456789012", STANDARD),  # of no organization of ours
    ],
)
def test_one_answer_for_every_door_that_stays_shut(sandbox: Sandbox, account: str, role: str):
    """aws-facts.md#errors-and-retries: missing role, untrusting role, suspended account are all AccessDenied."""
    with refused("AccessDenied", 403):
        entered(sandbox.environment(), account, role)


def test_the_control_tower_role_enters_where_it_is_the_only_one(sandbox: Sandbox):
    inside = entered(sandbox.environment(), NETWORK, "AWSControlTowerExecution")
    assert NETWORK == client("sts", inside).get_caller_identity()["Account"]


def test_an_external_id_must_be_the_right_one(sandbox: Sandbox):
    with refused("AccessDenied", 403):
        entered(sandbox.environment(), PARTNER, "PartnerAudit")
    with refused("AccessDenied", 403):
        entered(sandbox.environment(), PARTNER, "PartnerAudit", ExternalId="partner-0000")
    assert entered(sandbox.environment(), PARTNER, "PartnerAudit", ExternalId="partner-7261")


def test_session_tags_and_source_identity_need_a_trust_that_names_them(sandbox: Sandbox):
    """aws-facts.md#roles-and-least-privilege: the standard role trusts sts:AssumeRole only."""
    with refused("AccessDenied", 403):
        entered(sandbox.environment(), HUB, Tags=[{"Key": "tool", "Value": "rollout"}])
    with refused("AccessDenied", 403):
        entered(sandbox.environment(), HUB, SourceIdentity="somebody")


def test_a_session_lasts_as_long_as_the_role_allows(sandbox: Sandbox):
    assert entered(
        sandbox.environment(), PARTNER, "PartnerAudit", ExternalId="partner-7261", DurationSeconds=7200
    )
    with refused("ValidationError", 400):
        entered(sandbox.environment(), HUB, DurationSeconds=7200)


def test_a_chained_session_lasts_an_hour_at_most(sandbox: Sandbox):
    """aws-facts.md#roles-and-least-privilege: role chaining caps at 3,600, whatever the role allows."""
    sandbox_iam = as_operator(sandbox, "iam")
    trust = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::'
        f'{MANAGEMENT}:root"}},"Action":"sts:AssumeRole"}}]}}'
    )
    sandbox_iam.create_role(RoleName="Operators", AssumeRolePolicyDocument=trust)
    sandbox_iam.attach_role_policy(
        RoleName="Operators", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    chained = entered(sandbox.environment(), MANAGEMENT, "Operators")
    assert entered(chained, PARTNER, "PartnerAudit", ExternalId="partner-7261", DurationSeconds=3600)
    with refused("ValidationError", 400):
        entered(chained, PARTNER, "PartnerAudit", ExternalId="partner-7261", DurationSeconds=3601)


def test_session_names_and_arns_are_checked(sandbox: Sandbox):
    sts = as_operator(sandbox, "sts")
    with refused("ValidationError", 400):
        sts.assume_role(RoleArn=f"arn:aws:iam::{HUB}:role/{STANDARD}", RoleSessionName="no spaces")
    with refused("ValidationError", 400):
        sts.assume_role(RoleArn="arn:aws:s3:::bucket-of-somebody", RoleSessionName="tests")


def test_unknown_keys_are_refused(sandbox: Sandbox):
    stranger = {**sandbox.environment(), "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
    with refused("InvalidClientTokenId", 403):
        client("sts", stranger).get_caller_identity()
    with refused("InvalidClientTokenId", 403):
        client("iam", stranger).list_users()
    with refused("UnrecognizedClientException", 400):
        client("organizations", stranger).list_accounts()


def test_a_wrong_secret_is_refused(sandbox: Sandbox):
    mistyped = {**sandbox.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"}
    with refused("SignatureDoesNotMatch", 403):
        client("sts", mistyped).get_caller_identity()


def test_a_session_without_its_token_is_refused(sandbox: Sandbox):
    inside = entered(sandbox.environment(), HUB)
    with refused("InvalidClientTokenId", 403):
        client("sts", {**inside, "AWS_SESSION_TOKEN": "forged"}).get_caller_identity()


def test_inactive_keys_are_refused(sandbox: Sandbox):
    iam = iam_of(sandbox, PAYMENTS)
    made = iam.create_access_key(UserName="oscar.jensen")["AccessKey"]
    keys = {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    theirs = {**sandbox.environment(), **keys}
    assert client("sts", theirs).get_caller_identity()["Arn"].endswith("user/oscar.jensen")
    iam.update_access_key(UserName="oscar.jensen", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        client("sts", theirs).get_caller_identity()


def test_expired_credentials_say_that_they_are(sandbox: Sandbox):
    late = sandbox.expired_environment()
    with refused("ExpiredToken", 403):
        client("sts", late).get_caller_identity()
    with refused("ExpiredTokenException", 400):
        client("organizations", late).describe_organization()


def test_sessions_end_in_real_time_and_do_not_notice_the_sandbox_clock(sandbox: Sandbox):
    answer = as_operator(sandbox, "sts").assume_role(
        RoleArn=f"arn:aws:iam::{HUB}:role/{STANDARD}", RoleSessionName="tests", DurationSeconds=900
    )
    left = answer["Credentials"]["Expiration"] - datetime.now(UTC)
    assert timedelta(seconds=890) < left <= timedelta(seconds=900)
    inside = with_credentials(sandbox.environment(), answer["Credentials"])
    sandbox.advance(timedelta(days=14))
    assert client("sts", inside).get_caller_identity()["Account"] == HUB
