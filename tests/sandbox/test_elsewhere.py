"""Other services: moto answers alone, to those who may ask; what is not there says so."""

import pytest

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
