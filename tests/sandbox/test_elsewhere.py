"""Other services: moto answers alone, to those who may ask; what is not there says so."""

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import HUB, MANAGEMENT, PAYMENTS, as_operator, client, entered, refused


def test_the_operator_may_keep_a_store_in_s3(sandbox: Sandbox):
    pytest.importorskip("moto.s3.models")
    s3 = as_operator(sandbox, "s3")
    s3.create_bucket(Bucket="state")
    s3.put_object(Bucket="state", Key="journal/one", Body=b"line", IfNoneMatch="*")
    assert b"line" == s3.get_object(Bucket="state", Key="journal/one")["Body"].read()


def test_a_bucket_of_another_account_than_expected_is_refused(sandbox: Sandbox):
    pytest.importorskip("moto.s3.models")
    s3 = as_operator(sandbox, "s3")
    s3.create_bucket(Bucket="mine")
    s3.list_objects_v2(Bucket="mine", ExpectedBucketOwner=MANAGEMENT)
    with refused("AccessDenied", 403):
        s3.list_objects_v2(Bucket="mine", ExpectedBucketOwner=HUB)


def test_a_key_of_kms_makes_macs(sandbox: Sandbox):
    kms = as_operator(sandbox, "kms")
    key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    asked = {"KeyId": key, "MacAlgorithm": "HMAC_SHA_256", "Message": b"message"}
    mac = kms.generate_mac(**asked)["Mac"]
    assert (32, mac) == (len(mac), kms.generate_mac(**asked)["Mac"])
    assert kms.verify_mac(**asked, Mac=mac)["MacValid"]
    with refused("KMSInvalidMacException", 400):
        kms.verify_mac(**asked, Mac=bytes(32))


@pytest.mark.parametrize("service", ["s3", "kms", "sts", "iam", "organizations"])
def test_whoever_does_not_know_the_secret_is_refused_by_every_service(sandbox: Sandbox, service: str):
    guessed = sandbox.environment() | {"AWS_SECRET_ACCESS_KEY": "guess"}
    asked = {
        "s3": "list_buckets",
        "kms": "list_keys",
        "sts": "get_caller_identity",
        "iam": "list_users",
        "organizations": "list_accounts",
    }
    speaks_json = service in {"kms", "organizations"}
    with refused(*(("InvalidSignatureException", 400) if speaks_json else ("SignatureDoesNotMatch", 403))):
        getattr(client(service, guessed), asked[service])()


def test_signed_names_and_bodies_of_any_kind_are_taken(sandbox: Sandbox):
    s3 = as_operator(sandbox, "s3")
    s3.create_bucket(Bucket="odd")
    for name in ("a b+c", "ä/~x", "plus%2Bescaped", "deep//twice/./x", "x?y=z&a"):
        s3.put_object(Bucket="odd", Key=name, Body=io.BytesIO(name.encode()), IfNoneMatch="*")
        assert name.encode() == s3.get_object(Bucket="odd", Key=name)["Body"].read()
    assert 5 == s3.list_objects_v2(Bucket="odd", Prefix="")["KeyCount"]


def test_a_body_that_was_changed_on_the_way_is_refused(sandbox: Sandbox):
    s3 = as_operator(sandbox, "s3")
    s3.create_bucket(Bucket="safe")

    def change(request: Any, **_: object) -> None:
        request.body = b"changed"

    s3.meta.events.register("before-send.s3.PutObject", change)
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket="safe", Key="x", Body=b"as sent")
    assert "XAmzContentSHA256Mismatch" == caught.value.response["Error"]["Code"]


def test_who_is_under_forced_mfa_has_no_s3_with_a_bare_key(sandbox: Sandbox):
    theirs = sandbox.environment_of(f"arn:aws:iam::{PAYMENTS}:user/uma.patel")
    with refused("AccessDenied", 403):
        client("s3", theirs).list_buckets()


def test_a_narrowed_session_has_none_either(sandbox: Sandbox):
    policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}}'
    inside = entered(sandbox.environment(), HUB, Policy=policy)
    with refused("AccessDenied", 403):
        client("s3", inside).list_buckets()


def test_what_the_sandbox_does_not_have_is_not_implemented(
    sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
):
    with refused("501", 501):
        as_operator(sandbox, "accessanalyzer").list_analyzers()
    assert ("", "") == capfd.readouterr(), "nothing is printed into somebody's output"
