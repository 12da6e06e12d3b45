"""Implements the store in a bucket, for teams."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.diagnosis.store_facts import BucketFacts
from rollout.files.private_files import unwritable
from rollout.store.files import NamedFiles
from rollout.store.formats.seals import Trust
from rollout.store.kinds import StoreJournal, StoreLock
from rollout.store.lock_holder import Holder
from rollout.store.plan_files import Plans
from rollout.store.s3.bucket_files import S3Files, S3Plans
from rollout.store.s3.bucket_journal import S3Journal
from rollout.store.s3.bucket_lock import S3Lock
from rollout.store.s3.bucket_protection import BucketProtection
from rollout.store.s3.journal_objects import KeptObjects
from rollout.store.s3.object_failures import Place
from rollout.store.s3.objects import S3Objects
from rollout.store.snapshots import Afterwards, StoredSnapshots
from rollout.workflows.ports import Clock

# No object has this ETag: S3 answers "not found" to callers who may write, and AccessDenied to those who may not.
_NO_TAG = f'"{"0" * 32}"'
_NEVER_THERE = ".writable"


class InBucket:
    """Implements `Store` in a bucket, with the caller's own credentials."""

    fresh_for = 2.0

    def __init__(
        self,
        connection: Connection,
        place: Place,
        caller_account: Callable[[], str] | None = None,
        trust: Trust | None = None,
        retries: Retries | None = None,
        afterwards: Afterwards | None = None,
    ) -> None:
        """Create the client; make no call yet. Raises InsecureEndpoint, NoCredentials.

        `caller_account` owns the bucket where `place` names no owner.
        """
        self._trust = trust or Trust()
        self._client = connection.s3()
        self._objects = S3Objects(self._client, place, retries, caller_account)
        self._kept = KeptObjects()
        self._snapshots = StoredSnapshots(self.files, afterwards)

    @property
    def files(self) -> NamedFiles:
        """Return the bucket's files."""
        return S3Files(self._objects)

    def plans(self) -> Plans:
        """Return the bucket's plans."""
        return S3Plans(self._objects, trust=self._trust)

    def journal(self, run: str, vouched: Mapping[str, str] | None = None) -> StoreJournal:
        """Return the bucket's journal; all journals of this store share one cache."""
        return S3Journal(self._objects, run, self._kept, self._trust, vouched, self._snapshots)

    def lock(self, me: Holder, clock: Clock) -> StoreLock:
        """Return the bucket's lock."""
        return S3Lock(self._objects, me.owner, me.host, me.pid, me.process_start, clock)

    def protection(self) -> BucketFacts:
        """Ask S3. Raises NoCredentials, ExpiredCredentials, AwsFailure where the caller's account is not known."""
        place = self._objects.owned
        return BucketProtection(self._client, place.bucket, place.owner or "").facts()

    def check_writable(self, folder: str) -> None:
        """Try to replace an object that does not exist; the response tells whether writing is allowed."""
        name = f"{folder}/{_NEVER_THERE}"
        if self._objects.replace(name, b"", _NO_TAG):  # a service that ignores conditions has created it
            found = self._objects.read(name)
            if found:
                self._objects.delete(name, found.etag)

    def share(self, folder: str, written: Iterable[Path]) -> tuple[str, ...]:
        """Upload the files."""
        files = self.files
        names = []
        for path in written:
            name = f"{folder}/{path.name}"
            with files.writing(name) as stream:
                try:
                    with path.open("rb") as source:
                        shutil.copyfileobj(source, stream)
                except OSError as problem:
                    raise unwritable(path.parent, problem) from problem
            names.append(name)
        return tuple(files.where(name) for name in names)
