"""Reads, lists and writes a store's objects in S3, with conditional writes where two runs might collide.

When the response to a conditional write was lost, the object is read back: if it has our content, the write succeeded.
A condition that fails on the first attempt means that somebody else wrote; on a later attempt, we may have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.operations import Operation, Use
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries
from rollout.errors import AwsFailure, Unwritable
from rollout.files.bounded_files import MIB, SMALL, size_text
from rollout.store.s3.object_failures import MISSING, NO_BYTES, REFUSED, Place, failure
from rollout.workflows.ports import AnswerLost

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

# An unconditional put gives the same result however often it is repeated, so it is retried as freely as a read.
_READ = Operation("s3", "GetObject", Use.READ)
_LIST = Operation("s3", "ListObjectsV2", Use.READ)
_PUT = Operation("s3", "PutObject", Use.READ)
_CONDITIONAL_PUT = Operation("s3", "PutObject", Use.WRITE)
_CONDITIONAL_DELETE = Operation("s3", "DeleteObject", Use.WRITE)

# S3 allows 3,500 writes and 5,500 reads per second and prefix; where it allows fewer, the retries slow down.
_RATE = 1000.0
# Attempts at a conditional write whose responses are lost, and the seconds to wait after the first; the wait doubles.
_ROUNDS = 8
_FIRST_WAIT = 0.2

# Bytes; the most to take from a service that answers with the whole object when asked for a part.
_MOST_AT_ONCE = 32 * MIB

_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".yaml": "application/yaml",
}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object's content, or the begin of it, and its ETag, which changes with the content."""

    content: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """Some bytes of an object; `size` is the size of the whole object in bytes."""

    content: bytes
    etag: str
    size: int


class S3Objects:
    """The objects below one prefix of a bucket, by names with `/`; safe to share between threads.

    Every method may raise NoCredentials or ExpiredCredentials; reading raises AwsFailure, and writing Unwritable.
    """

    def __init__(
        self,
        client: S3Client,
        place: Place,
        retries: Retries | None = None,
        caller_account: Callable[[], str] | None = None,
    ) -> None:
        """Keep the arguments; make no call yet. `caller_account` owns the bucket where `place` names no owner."""
        self.place = place
        self._caller_account = caller_account
        self._client = client
        self._retries = retries or Retries()
        self._pace = Pace(self._retries.sleep, self._retries.monotonic, rate=_RATE, burst=_RATE)
        self._tally = CallCounts()
        self._kept: dict[str, Any] = {"ServerSideEncryption": "AES256"}
        if place.kms_key:
            self._kept = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": place.kms_key}

    @cached_property
    def owned(self) -> Place:
        """The place, with the account that must own the bucket."""
        if self.place.owner or self._caller_account is None:
            return self.place
        return replace(self.place, owner=self._caller_account())

    @property
    def _bucket(self) -> dict[str, Any]:
        owner = self.owned.owner
        return {"Bucket": self.place.bucket, **({"ExpectedBucketOwner": owner} if owner else {})}

    def read(self, name: str, most: int = SMALL.total) -> StoredObject | None:
        """Read an object, or the first `most` bytes of a larger one; None when it does not exist."""

        def once() -> StoredObject:
            answer = self._client.get_object(**self._at(name))
            return StoredObject(_taken(answer["Body"], most), answer["ETag"])

        try:
            return self._ask(_READ, once)
        except CallFailed as failed:
            if failed.code in MISSING:
                return None
            raise failure(failed, self.owned, name, writing=False) from failed

    def read_part(self, name: str, start: int, length: int, etag: str = "") -> ObjectPart | None:
        """Read some bytes of an object; None when it does not exist, or no longer has that ETag."""
        conditions: dict[str, Any] = {"IfMatch": etag} if etag else {}

        def once() -> ObjectPart:
            span = f"bytes={start}-{start + length - 1}"
            answer = self._client.get_object(**self._at(name), Range=span, **conditions)
            size = answer.get("ContentRange", "").rpartition("/")[2]
            content = _taken(answer["Body"], length if size else _MOST_AT_ONCE + 1)
            if len(content) > _MOST_AT_ONCE:
                raise AwsFailure(
                    f"{self.place.where(name)} cannot be read in parts, and has more than {size_text(_MOST_AT_ONCE)}",
                    cure="use a storage service that supports `Range`",
                )
            return ObjectPart(content, answer["ETag"], int(size) if size else start + len(content))

        try:
            return self._ask(_READ, once)
        except CallFailed as failed:
            if failed.code in MISSING | REFUSED:
                return None
            if failed.code in NO_BYTES:  # the object is empty
                return ObjectPart(b"", etag, start)
            raise failure(failed, self.owned, name, writing=False) from failed

    def names(self, folder: str, *, deep: bool = False) -> list[str]:
        """List the objects directly in a folder, or at any depth below it (`deep`), by relative name, sorted."""
        return list(self.tags(folder, deep=deep))

    def tags(self, folder: str, *, deep: bool = False) -> dict[str, str]:
        """List objects as `names` does, each with its ETag."""
        prefix = self.place.key(f"{folder}/")
        params: dict[str, Any] = {**self._bucket, "Prefix": prefix}
        if not deep:
            params["Delimiter"] = "/"
        found: dict[str, str] = {}
        while True:
            try:
                page = self._ask(_LIST, lambda: self._client.list_objects_v2(**params))
            except CallFailed as failed:
                raise failure(failed, self.owned, f"{folder}/", writing=False) from failed
            found |= {item["Key"].removeprefix(prefix): item["ETag"] for item in page.get("Contents", [])}
            following = page.get("NextContinuationToken", "")
            if not following:
                # The S3 console represents a folder by an empty object whose key ends in a slash.
                return {name: found[name] for name in sorted(found) if name and not name.endswith("/")}
            params["ContinuationToken"] = following

    def put(self, name: str, body: BinaryIO) -> None:
        """Write an object, replacing any existing one."""

        def once() -> object:
            body.seek(0)
            return self._client.put_object(**self._at(name), **self._storage_options(name), Body=body)

        try:
            self._ask(_PUT, once)
        except CallFailed as failed:
            raise failure(failed, self.owned, name, writing=True) from failed

    def create(self, name: str, content: bytes) -> str | None:
        """Create an object and return its ETag; None when the object already exists."""
        lost = ""
        for turn in range(_ROUNDS):
            try:
                return self._put_if(name, content, IfNoneMatch="*")
            except AnswerLost as problem:
                lost = str(problem)
            except CallFailed as failed:
                if failed.code not in REFUSED:
                    raise failure(failed, self.owned, name, writing=True) from failed
                if not lost and failed.attempts == 1:
                    return None
            found = self.read(name, len(content) + 1)
            if found is not None:
                return found.etag if found.content == content else None
            self._wait(turn)
        raise self._unsettled(name, lost)

    def replace(self, name: str, content: bytes, etag: str) -> bool:
        """Replace the content of an object that still has this ETag; False when it was changed or deleted."""
        lost = ""
        for turn in range(_ROUNDS):
            try:
                self._put_if(name, content, IfMatch=etag)
                return True
            except AnswerLost as problem:
                lost = str(problem)
            except CallFailed as failed:
                if failed.code not in REFUSED | MISSING:
                    raise failure(failed, self.owned, name, writing=True) from failed
                if not lost and failed.attempts == 1:
                    return False
            found = self.read(name, len(content) + 1)
            if found is None or found.etag != etag:
                return found is not None and found.content == content
            self._wait(turn)
        raise self._unsettled(name, lost)

    def delete(self, name: str, etag: str) -> bool:
        """Delete an object that still has this ETag; False when it was changed or deleted already."""
        lost = ""
        for turn in range(_ROUNDS):
            try:
                self._ask(
                    _CONDITIONAL_DELETE, lambda: self._client.delete_object(**self._at(name), IfMatch=etag)
                )
                return True
            except AnswerLost as problem:
                lost = str(problem)
                self._wait(turn)
            except CallFailed as failed:
                if failed.code in REFUSED | MISSING:
                    return False
                raise failure(failed, self.owned, name, writing=True) from failed
        raise self._unsettled(name, lost)

    def _put_if(self, name: str, content: bytes, **condition: str) -> str:
        params: dict[str, Any] = {**self._at(name), **self._storage_options(name), **condition}
        return self._ask(_CONDITIONAL_PUT, lambda: self._client.put_object(**params, Body=content))["ETag"]

    def _at(self, name: str) -> dict[str, Any]:
        return {**self._bucket, "Key": self.place.key(name)}

    def _storage_options(self, name: str) -> dict[str, Any]:
        known = _TYPES.get(name[name.rfind(".") :])
        return {**self._kept, "ContentType": known} if known else self._kept

    def _ask(self, operation: Operation, make: Callable[[], T]) -> T:
        attempt = CallRequest(make, operation, "", self._pace, self._tally, own_credentials=True)
        return self._retries.call(attempt).value

    def _wait(self, turn: int) -> None:
        self._retries.sleep(_FIRST_WAIT * 2.0**turn * self._retries.chance())

    def _unsettled(self, name: str, lost: str) -> Unwritable:
        return Unwritable(
            f"cannot write to {self.place.where(name)}: {lost}",
            cure="check the network, the proxy and AWS_ENDPOINT_URL, then run again",
        )


def _taken(body: StreamingBody, most: int) -> bytes:
    """Read at most so many bytes. At the end, botocore compares what came with what was announced."""
    content = b""
    while len(content) < most and (more := body.read(most - len(content))):
        content += more
    return content
