"""What IAM users ask with their own credentials: each service weighs their policies, and denies in its own words."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import HUB, client, code_of, iam_of, refused, two_codes, with_credentials

PERSON = "dora.mfa"
WITHOUT_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
FORCED = {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*", "Condition": WITHOUT_MFA}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(datetime(2026, 11, 24, 9, 30, tzinfo=UTC), instance="users", ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def person(sandbox: Sandbox) -> dict[str, str]:
    """A user who may do everything, without MFA nothing but IAM; the access key works at once."""
    admin = iam_of(sandbox, HUB)
    admin.create_user(UserName=PERSON)
    admin.attach_user_policy(UserName=PERSON, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    admin.put_user_policy(UserName=PERSON, PolicyName="forced", PolicyDocument=document(FORCED))
    return key_of(sandbox, admin, PERSON)


@pytest.fixture(scope="module")
def with_mfa(sandbox: Sandbox, person: dict[str, str]) -> dict[str, str]:
    """The same user's session with a code."""
    iam = client("iam", person)
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=PERSON)["VirtualMFADevice"]
    enrol = {"UserName": PERSON, "SerialNumber": made["SerialNumber"]}
    iam.enable_mfa_device(**enrol, **two_codes(sandbox, made["Base32StringSeed"]))
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_user_policy(UserName=PERSON, PolicyName="forced", PolicyDocument=document(allow))
    code = code_of(sandbox, made["Base32StringSeed"], 1)
    given = client("sts", person).get_session_token(SerialNumber=made["SerialNumber"], TokenCode=code)
    iam.put_user_policy(UserName=PERSON, PolicyName="forced", PolicyDocument=document(FORCED))
    return with_credentials(person, given["Credentials"])


def key_of(sandbox: Sandbox, admin: Any, name: str) -> dict[str, str]:
    made = admin.create_access_key(UserName=name)["AccessKey"]
    return {
        **sandbox.environment(),
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


READS: dict[str, tuple[Callable[[Any], Any], str, int]] = {
    "s3": (lambda s3: s3.list_buckets(), "AccessDenied", 403),
    "ec2": (lambda ec2: ec2.describe_regions()["Regions"][0]["RegionName"], "UnauthorizedOperation", 403),
    "dynamodb": (lambda dynamodb: dynamodb.list_tables(), "AccessDeniedException", 400),
    "sqs": (lambda sqs: sqs.list_queues(), "AccessDeniedException", 400),
    "sns": (lambda sns: sns.list_topics(), "AuthorizationError", 403),
    "kms": (lambda kms: kms.list_keys(), "AccessDeniedException", 400),
    "logs": (lambda logs: logs.describe_log_groups(), "AccessDeniedException", 400),
    "ssm": (lambda ssm: ssm.describe_parameters(), "AccessDeniedException", 400),
    "cloudtrail": (lambda trail: trail.describe_trails(), "AccessDeniedException", 400),
    "lambda": (lambda functions: functions.list_functions(), "AccessDeniedException", 403),
    "organizations": (lambda orgs: orgs.list_roots(), "AccessDeniedException", 400),
}


@pytest.mark.parametrize("service", READS)
def test_a_read_is_denied_without_mfa_and_allowed_with_it(
    person: dict[str, str], with_mfa: dict[str, str], service: str
):
    ask, code, status = READS[service]
    with refused(code, status):
        ask(client(service, person))
    if service not in {"organizations", "lambda"}:  # for the management account alone, and not offered
        assert ask(client(service, with_mfa))


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_is_weighed_when_it_is_used(
    person: dict[str, str], with_mfa: dict[str, str], version: str, monkeypatch: pytest.MonkeyPatch
):
    before, after = presigned(person, version), presigned(with_mfa, version)
    assert (403, "AccessDenied") == fetched(before)
    assert (200, "ListAllMyBucketsResult") == fetched(after)
    assert (403, "SignatureDoesNotMatch") == fetched(
        presigned({**person, "AWS_SECRET_ACCESS_KEY": "x"}, version)
    )
    later = datetime.now(UTC) + timedelta(seconds=61)
    monkeypatch.setattr("rollout.sandbox.access.signatures.real_now", lambda: later)
    assert (403, "AccessDenied") == fetched(after), "it has expired"


def presigned(theirs: Mapping[str, str], version: str) -> str:
    s3 = boto3.client(
        "s3",
        endpoint_url=theirs["AWS_ENDPOINT_URL"],
        region_name=theirs["AWS_REGION"],
        aws_access_key_id=theirs["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=theirs["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=theirs.get("AWS_SESSION_TOKEN"),
        config=Config(signature_version=version),
    )
    url: str = s3.generate_presigned_url("list_buckets", ExpiresIn=60)
    return url


def fetched(url: str) -> tuple[int, str]:
    """The status, and the first word of the answer that tells."""
    try:
        with urllib.request.urlopen(url) as answer:
            return (
                answer.status,
                "ListAllMyBucketsResult" if b"ListAllMyBucketsResult" in answer.read() else "",
            )
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode().partition("<Code>")[2].partition("<")[0]


def test_a_sign_in_token_is_denied_without_mfa(person: dict[str, str], with_mfa: dict[str, str]):
    asked = {"grantType": "client_credentials", "resource": "urn:aws:example"}
    with refused("AccessDeniedException", 403):
        client("signin", person).create_bearer_token(**asked)
    with refused("NotImplemented", 501):
        client("signin", with_mfa).create_bearer_token(**asked)


def test_other_ways_to_a_token_are_denied_without_mfa(person: dict[str, str], with_mfa: dict[str, str]):
    asked: dict[str, dict[str, Any]] = {
        "get_federation_token": {"Name": "somebody"},
        "get_web_identity_token": {"Audience": ["example"], "SigningAlgorithm": "ES384"},
        "get_delegated_access_token": {"TradeInToken": "none"},
    }
    for method, params in asked.items():
        with refused("AccessDenied", 403):
            getattr(client("sts", person), method)(**params)
    sts = client("sts", with_mfa)
    with refused("OutboundWebIdentityFederationDisabledException", 403):
        sts.get_web_identity_token(**asked["get_web_identity_token"])
    with refused("ExpiredTradeInTokenException", 400):
        sts.get_delegated_access_token(**asked["get_delegated_access_token"])
    with refused("AccessDenied", 403):  # only a long-term key may ask for it
        sts.get_federation_token(**asked["get_federation_token"])


def test_a_federated_user_has_the_rights_that_user_and_policy_both_allow(sandbox: Sandbox):
    admin = iam_of(sandbox, HUB)
    admin.create_user(UserName="broker")
    admin.attach_user_policy(UserName="broker", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    theirs = key_of(sandbox, admin, "broker")
    s3_only = document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    given = client("sts", theirs).get_federation_token(Name="guest", Policy=s3_only)
    guest = with_credentials(theirs, given["Credentials"])
    assert f"arn:aws:sts::{HUB}:federated-user/guest" == client("sts", guest).get_caller_identity()["Arn"]
    assert client("s3", guest).list_buckets()
    with refused("AuthorizationError", 403):
        client("sns", guest).list_topics()
    with refused("InvalidClientTokenId", 403):
        client("iam", guest).list_users()
    nothing = client("sts", theirs).get_federation_token(Name="guest")["Credentials"]
    with refused("AccessDenied", 403):
        client("s3", with_credentials(theirs, nothing)).list_buckets()
