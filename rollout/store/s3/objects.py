"""Asks S3 for the objects of a store: read, listed, put, and made, replaced or deleted under a condition.

A conditional write whose answer was lost is settled by reading the object back: if it holds our bytes, we wrote it.
A condition that fails at the first attempt is another's doing; at a later one it may be our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.operations import Operation, Use
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries
from rollout.errors import Unwritable
from rollout.store.s3.object_failures import MISSING, NO_BYTES, REFUSED, Place, failure
from rollout.workflows.ports import AnswerLost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

# A put without condition leaves the same bytes however often it is made, so it is repeated as freely as a read.
_READ = Operation("s3", "GetObject", Use.READ)
_LIST = Operation("s3", "ListObjectsV2", Use.READ)
_PUT = Operation("s3", "PutObject", Use.READ)
_CONDITIONAL_PUT = Operation("s3", "PutObject", Use.WRITE)
_CONDITIONAL_DELETE = Operation("s3", "DeleteObject", Use.WRITE)

# S3 takes 3,500 writes and 5,500 reads a second under one prefix; the retries slow down where it takes fewer.
_RATE = 1000.0
# How often a conditional write is made whose answers are lost, and the wait after the first, which doubles.
_ROUNDS = 8
_FIRST_WAIT = 0.2

_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".yaml": "application/yaml",
}


@dataclass(frozen=True, slots=True)
class Found:
    """An object: what it holds, and the tag that its next version will not have."""

    content: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of an object; `size` is that of all of it."""

    content: bytes
    etag: str
    size: int


class S3Objects:
    """The objects below one prefix of a bucket, by names that use `/`; safe to share between threads.

    Every method may raise NoCredentials or ExpiredCredentials, those that read AwsFailure, those that write Unwritable.
    """

    def __init__(self, client: S3Client, place: Place, retries: Retries | None = None) -> None:
        """Ask nothing yet."""
        self.place = place
        self._client = client
        self._retries = retries or Retries()
        self._pace = Pace(self._retries.sleep, self._retries.monotonic, rate=_RATE, burst=_RATE)
        self._tally = CallCounts()
        self._bucket: dict[str, Any] = {"Bucket": place.bucket}
        if place.owner:
            self._bucket["ExpectedBucketOwner"] = place.owner
        self._kept: dict[str, Any] = {"ServerSideEncryption": "AES256"}
        if place.kms_key:
            self._kept = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": place.kms_key}

    def read(self, name: str) -> Found | None:
        """Read an object whole; None where there is none."""

        def once() -> Found:
            answer = self._client.get_object(**self._at(name))
            return Found(answer["Body"].read(), answer["ETag"])

        try:
            return self._ask(_READ, once)
        except CallFailed as failed:
            if failed.code in MISSING:
                return None
            raise failure(failed, self.place, name, writing=False) from failed

    def read_part(self, name: str, start: int, length: int, etag: str = "") -> Part | None:
        """Read some bytes of an object; None where there is none, or none with that tag any more."""
        conditions: dict[str, Any] = {"IfMatch": etag} if etag else {}

        def once() -> Part:
            span = f"bytes={start}-{start + length - 1}"
            answer = self._client.get_object(**self._at(name), Range=span, **conditions)
            content = answer["Body"].read()
            size = answer.get("ContentRange", "").rpartition("/")[2]
            return Part(content, answer["ETag"], int(size) if size else start + len(content))

        try:
            return self._ask(_READ, once)
        except CallFailed as failed:
            if failed.code in MISSING | REFUSED:
                return None
            if failed.code in NO_BYTES:  # an empty object has no first byte
                return Part(b"", etag, start)
            raise failure(failed, self.place, name, writing=False) from failed

    def names(self, folder: str, *, deep: bool = False) -> list[str]:
        """List what lies right in a folder, or anywhere below it; sorted, by the name from there on."""
        prefix = self.place.key(f"{folder}/")
        params: dict[str, Any] = {**self._bucket, "Prefix": prefix}
        if not deep:
            params["Delimiter"] = "/"
        found: list[str] = []
        while True:
            try:
                page = self._ask(_LIST, lambda: self._client.list_objects_v2(**params))
            except CallFailed as failed:
                raise failure(failed, self.place, f"{folder}/", writing=False) from failed
            found += [item["Key"].removeprefix(prefix) for item in page.get("Contents", [])]
            following = page.get("NextContinuationToken", "")
            if not following:
                # What the console makes for a folder is an object of its name, slash included.
                return sorted(name for name in found if name and not name.endswith("/"))
            params["ContinuationToken"] = following

    def put(self, name: str, body: BinaryIO) -> None:
        """Write an object, in place of one of that name."""

        def once() -> object:
            body.seek(0)
            return self._client.put_object(**self._at(name), **self._keeping(name), Body=body)

        try:
            self._ask(_PUT, once)
        except CallFailed as failed:
            raise failure(failed, self.place, name, writing=True) from failed

    def create(self, name: str, content: bytes) -> str | None:
        """Make an object where there is none, and answer its tag; None where there is one already."""
        lost = ""
        for turn in range(_ROUNDS):
            try:
                return self._put_if(name, content, IfNoneMatch="*")
            except AnswerLost as problem:
                lost = str(problem)
            except CallFailed as failed:
                if failed.code not in REFUSED:
                    raise failure(failed, self.place, name, writing=True) from failed
                if not lost and failed.attempts == 1:
                    return None
            found = self.read(name)
            if found is not None:
                return found.etag if found.content == content else None
            self._wait(turn)
        raise self._unsettled(name, lost)

    def replace(self, name: str, content: bytes, etag: str) -> bool:
        """Put other content into an object that still has this tag; False where it has another one, or is gone."""
        lost = ""
        for turn in range(_ROUNDS):
            try:
                self._put_if(name, content, IfMatch=etag)
                return True
            except AnswerLost as problem:
                lost = str(problem)
            except CallFailed as failed:
                if failed.code not in REFUSED | MISSING:
                    raise failure(failed, self.place, name, writing=True) from failed
                if not lost and failed.attempts == 1:
                    return False
            found = self.read(name)
            if found is None or found.etag != etag:
                return found is not None and found.content == content
            self._wait(turn)
        raise self._unsettled(name, lost)

    def delete(self, name: str, etag: str) -> bool:
        """Delete an object that still has this tag; False where it has another one, or is gone."""
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
                raise failure(failed, self.place, name, writing=True) from failed
        raise self._unsettled(name, lost)

    def _put_if(self, name: str, content: bytes, **condition: str) -> str:
        params: dict[str, Any] = {**self._at(name), **self._keeping(name), **condition}
        return self._ask(_CONDITIONAL_PUT, lambda: self._client.put_object(**params, Body=content))["ETag"]

    def _at(self, name: str) -> dict[str, Any]:
        return {**self._bucket, "Key": self.place.key(name)}

    def _keeping(self, name: str) -> dict[str, Any]:
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
