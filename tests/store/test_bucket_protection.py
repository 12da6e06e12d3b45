"""What S3 says of a bucket, in the words of the doctor; what it refuses to say is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.domain.diagnosis.facts import NoAnswer
from rollout.domain.diagnosis.store_facts import BucketFacts, ObjectLock
from rollout.store.s3.bucket_protection import BucketProtection
from tests.store.bucket import Asked, BucketServer, Refuse
from tests.store.reaching import BUCKET, OWNER, connection

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def facts(owner: str = OWNER, bucket: str = BUCKET) -> BucketFacts:
    return BucketProtection(connection().s3(), bucket, owner).facts()


def test_a_bucket_on_which_nothing_was_set(bucket: BucketServer):
    found = facts()
    assert (True, "", None, BLOCKS) == (found.owned, found.versioning, found.lock, found.open_blocks)
    assert found.policy is None
    assert found.public is False


def test_a_bucket_that_is_protected(bucket: BucketServer):
    s3 = bucket.client()
    name = "locked"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    rule: Any = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 400}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(BLOCKS, True))
    encryption: Any = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/x"}
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": encryption}]},
    )
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}'
    s3.put_bucket_policy(Bucket=name, Policy=policy)

    found = facts(bucket=name)
    assert ("Enabled", ObjectLock("COMPLIANCE", "400 days"), ()) == (
        found.versioning,
        found.lock,
        found.open_blocks,
    )
    assert "aws:kms with alias/x" == found.encryption
    assert isinstance(found.policy, dict)
    assert "*" == found.policy["Statement"][0]["Principal"]


def test_a_bucket_of_another_account_is_told_from_one_that_may_not_be_asked(bucket: BucketServer):
    assert facts(owner="999988887777").owned is False
    bucket.weather = lambda asked: Refuse("AccessDenied", 403) if asked.path == f"/{BUCKET}" else None
    found = facts()
    assert isinstance(found.owned, NoAnswer)
    assert "allow this identity s3:ListBucket on the bucket" == found.owned.cure


@pytest.mark.parametrize(
    ("query", "name", "action"),
    [
        ("versioning", "versioning", "s3:GetBucketVersioning"),
        ("object-lock", "lock", "s3:GetBucketObjectLockConfiguration"),
        ("publicAccessBlock", "open_blocks", "s3:GetBucketPublicAccessBlock"),
        ("encryption", "encryption", "s3:GetEncryptionConfiguration"),
        ("policyStatus", "public", "s3:GetBucketPolicyStatus"),
        ("policy", "policy", "s3:GetBucketPolicy"),
    ],
)
def test_what_may_not_be_read_is_unknown_with_the_right_that_it_takes(
    bucket: BucketServer, query: str, name: str, action: str
):
    def denied(asked: Asked) -> Refuse | None:
        return Refuse("AccessDenied", 403) if asked.query.split("=")[0] == query else None

    bucket.weather = denied
    answer = getattr(facts(), name)
    assert isinstance(answer, NoAnswer)
    assert f"allow this identity {action} on the bucket" == answer.cure
