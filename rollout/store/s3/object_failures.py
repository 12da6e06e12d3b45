"""Translates S3's errors into the store's errors, with a cure."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.awsapi.failures import CallFailed, fatal_error_of, one_line
from rollout.awsapi.faults import Fault
from rollout.errors import AwsFailure, RolloutError, Unwritable

MISSING = frozenset({"NoSuchKey", "404"})
REFUSED = frozenset({"PreconditionFailed", "412"})
NO_BYTES = frozenset({"InvalidRange", "416"})

_ELSEWHERE = frozenset(
    {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301", "307"}
    | {"IllegalLocationConstraintException"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """The location of a store's objects, and their encryption. `prefix` has no slash at either end.

    `kms_key` is the ID, ARN or alias of a KMS key; without one, S3 encrypts with its own keys (SSE-S3). `owner` is the
    ID of the account that must own the bucket.
    """

    bucket: str
    prefix: str = ""
    kms_key: str | None = None
    owner: str | None = None

    def key(self, name: str) -> str:
        """Return the object key of one of the store's files."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def where(self, name: str) -> str:
        """Return the address of a file, for messages."""
        return f"s3://{self.bucket}/{self.key(name)}"


def failure(failed: CallFailed, place: Place, name: str, *, writing: bool) -> RolloutError:
    """Translate a call that failed for good into the error that ends the command."""
    if failed.fault in {Fault.EXPIRED, Fault.UNKNOWN_KEYS}:
        return fatal_error_of(failed)
    tries = f" (after {failed.attempts} attempts)" if failed.attempts > 1 else ""
    said = f"{failed.code}: {one_line(failed.message)}{tries}"
    if failed.not_offered:
        said = failed.short
    if writing:
        return Unwritable(f"cannot write to {place.where(name)}: {said}", cure=_cure(failed, place))
    return AwsFailure(f"cannot read {place.where(name)}: {said}", cure=_cure(failed, place))


def _cure(failed: CallFailed, place: Place) -> str:
    if failed.code == "NoSuchBucket":
        return f"create the bucket (aws s3 mb s3://{place.bucket}), or name another one in `store`"
    if failed.not_offered:
        return (
            "check that AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL name an S3 service with conditional writes"
        )
    if failed.code in _ELSEWHERE:
        return "set AWS_DEFAULT_REGION to the Region that the bucket is in"
    if failed.code.startswith("KMS."):
        return "set bucket.kms_key to a KMS key that is enabled and in the bucket's Region"
    if failed.code == "RequestTimeTooSkewed":
        return "correct this machine's clock"
    if failed.code == "InvalidObjectState":
        return "a lifecycle rule has archived it: restore it, and exclude the store's prefix from that rule"
    if failed.fault is Fault.DENIED:
        return _rights(place)
    return failed.cure or "check `store`, and what the bucket policy requires"


def _rights(place: Place) -> str:
    below = place.key("*")
    need = (
        f"allow this identity s3:ListBucket on {place.bucket}, and "
        f"s3:GetObject, s3:PutObject and s3:DeleteObject on {below}"
    )
    also = ", and kms:GenerateDataKey and kms:Decrypt on the key" if place.kms_key else ""
    owner = f"; check too that the bucket belongs to account {place.owner}" if place.owner else ""
    return f"{need}{also}{owner}"
