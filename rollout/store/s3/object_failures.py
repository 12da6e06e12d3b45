"""Says what an answer of S3's means for the store, and what to do about it."""

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
    """Where the objects of a store lie, and how they are kept. `prefix` has no slash at either end.

    `kms_key` is the id, ARN or alias of a KMS key; without one, S3's own keys encrypt. `owner` is the account that the
    bucket must belong to.
    """

    bucket: str
    prefix: str = ""
    kms_key: str | None = None
    owner: str | None = None

    def key(self, name: str) -> str:
        """Name the object of a file of the store."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def where(self, name: str) -> str:
        """Spell the address of a file, for a person."""
        return f"s3://{self.bucket}/{self.key(name)}"


def failure(failed: CallFailed, place: Place, name: str, *, writing: bool) -> RolloutError:
    """Say what a call that failed for good means to the command."""
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
        return f"make it (aws s3 mb s3://{place.bucket}), or name another one in `store`"
    if failed.not_offered:
        return (
            "see in AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL whether that is S3, with its conditional writes"
        )
    if failed.code in _ELSEWHERE:
        return "set AWS_DEFAULT_REGION to the Region that the bucket is in"
    if failed.code.startswith("KMS."):
        return "give a KMS key that is enabled, in the bucket's Region, in bucket.kms_key"
    if failed.code == "RequestTimeTooSkewed":
        return "set this machine's clock"
    if failed.code == "InvalidObjectState":
        return "a lifecycle rule has archived it: restore it, and take the store's prefix out of that rule"
    if failed.fault is Fault.DENIED:
        return _rights(place)
    return failed.cure or "check `store`, and what the bucket's policy asks for"


def _rights(place: Place) -> str:
    below = place.key("*")
    need = f"allow s3:ListBucket on {place.bucket}, and s3:GetObject, s3:PutObject and s3:DeleteObject on {below}"
    also = ", and kms:GenerateDataKey and kms:Decrypt on the key" if place.kms_key else ""
    owner = f"; see too that the bucket belongs to account {place.owner}" if place.owner else ""
    return f"{need}{also}, to this identity{owner}"
