"""Reads how the store's bucket is protected, for `rollout doctor`. What may not be read is unknown, never fine.

See aws-facts.md#a-buckets-protection.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import Operation, Use
from rollout.awsapi.retries import Patience, Retries
from rollout.domain.diagnosis.facts import NoAnswer
from rollout.domain.diagnosis.store_facts import BucketFacts, ObjectLock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

_FORBIDDEN = frozenset({"403", "AccessDenied", "Forbidden"})
_NOTHING_SET = frozenset(
    {
        "ObjectLockConfigurationNotFoundError",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchBucketPolicy",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# IAM has other names for some of the calls (Service Authorization Reference).
_ACTIONS = {
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "HeadBucket": "s3:ListBucket",
}


class BucketProtection:
    """Asks S3 about one bucket, with the caller's own credentials."""

    def __init__(self, client: S3Client, bucket: str, owner: str, retries: Retries | None = None) -> None:
        """Keep the arguments; make no call yet."""
        self._client = client
        self._bucket, self._owner = bucket, owner
        self._retries = retries or Retries(Patience(attempts=4, deadline=20.0))

    def facts(self) -> BucketFacts:
        """Ask everything; nothing is raised. A bucket of another owner is asked no more than that."""
        owned = self._owned()
        named: dict[str, Any] = {"Bucket": self._bucket, "ExpectedBucketOwner": self._owner}
        if owned is False:
            other = NoAnswer("the bucket belongs to another account")
            return BucketFacts(
                self._owner,
                owned=False,
                versioning=other,
                lock=other,
                open_blocks=other,
                encryption=other,
                public=other,
                policy=other,
            )
        client = self._client
        return BucketFacts(
            self._owner,
            owned,
            self._ask(
                "GetBucketVersioning", lambda: client.get_bucket_versioning(**named).get("Status", ""), ""
            ),
            self._ask(
                "GetObjectLockConfiguration",
                lambda: _lock(client.get_object_lock_configuration(**named)),
                None,
            ),
            self._ask(
                "GetPublicAccessBlock", lambda: _open(client.get_public_access_block(**named)), _BLOCKS
            ),
            self._ask("GetBucketEncryption", lambda: _encryption(client.get_bucket_encryption(**named)), ""),
            self._ask(
                "GetBucketPolicyStatus",
                lambda: bool(client.get_bucket_policy_status(**named)["PolicyStatus"].get("IsPublic")),
                absent=False,
            ),
            self._ask("GetBucketPolicy", lambda: _policy(client.get_bucket_policy(**named)["Policy"]), None),
        )

    def _owned(self) -> bool | NoAnswer:
        """Ask twice where S3 refuses: a bucket of another owner is refused only to those who expect it to be theirs."""
        try:
            self._call(
                "HeadBucket",
                lambda: self._client.head_bucket(Bucket=self._bucket, ExpectedBucketOwner=self._owner),
            )
        except CallFailed as failed:
            if failed.code not in _FORBIDDEN:
                return _no_answer(failed)
            answer = self._ask("HeadBucket", lambda: self._client.head_bucket(Bucket=self._bucket), None)
            return answer if isinstance(answer, NoAnswer) else False
        return True

    def _ask(self, operation: str, make: Callable[[], T], absent: T) -> T | NoAnswer:
        try:
            return self._call(operation, make)
        except CallFailed as failed:
            return absent if failed.code in _NOTHING_SET else _no_answer(failed)

    def _call(self, operation: str, make: Callable[[], T]) -> T:
        asked = Operation("s3", operation, Use.READ)
        request = CallRequest(make, asked, "", self._retries.pace(), CallCounts(), own_credentials=True)
        return self._retries.call(request).value


def _no_answer(failed: CallFailed) -> NoAnswer:
    if failed.fault is Fault.DENIED or failed.code in _FORBIDDEN:
        action = _ACTIONS.get(failed.operation, f"s3:{failed.operation}")
        return NoAnswer(f"{failed.operation}: AccessDenied", f"allow this identity {action} on the bucket")
    if failed.not_offered:
        return NoAnswer(failed.short)
    return NoAnswer(f"{failed.operation}: {failed.code}: {one_line(failed.message)}", failed.cure)


def _lock(answer: Mapping[str, Any]) -> ObjectLock | None:
    found = answer.get("ObjectLockConfiguration", {})
    if found.get("ObjectLockEnabled") != "Enabled":
        return None
    kept = found.get("Rule", {}).get("DefaultRetention", {})
    span = f"{kept['Days']} days" if "Days" in kept else f"{kept.get('Years', 0)} years"
    return ObjectLock(kept["Mode"], span) if kept.get("Mode") else ObjectLock()


def _open(answer: Mapping[str, Any]) -> tuple[str, ...]:
    found = answer.get("PublicAccessBlockConfiguration", {})
    return tuple(name for name in _BLOCKS if not found.get(name))


def _encryption(answer: Mapping[str, Any]) -> str:
    rules = answer["ServerSideEncryptionConfiguration"].get("Rules", [])
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    key = default.get("KMSMasterKeyID", "")
    return f"{default.get('SSEAlgorithm', '')}{f' with {key}' if key else ''}"


def _policy(text: str) -> Mapping[str, Any]:
    """Parse a bucket policy; S3 keeps none that is no JSON object."""
    found = json.loads(text)
    return found if isinstance(found, dict) else {}
