"""Keeps the release markers that every run reads before each change; a marker is a small file that never changes.

See design.md#apply-journal-store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from threading import Lock

from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.domain.progress.releases import ReleaseRecord
from rollout.errors import RecordAltered
from rollout.files.bounded_files import BeyondLimit, BoundedStream
from rollout.store.files import NamedFiles
from rollout.store.formats.journal_lines import LIMITS, BrokenLine, UnknownLine, line_of, record_of
from rollout.store.formats.seals import Seals, Trust, stamped, unstamped

FOLDER = ".rollout/releases"
ENDING = ".json"


@dataclass(frozen=True, slots=True)
class _Marker:
    """One marker. `record` is None if it is not one of our files; `doubt` says why it cannot be trusted."""

    record: ReleaseRecord | None = None
    doubt: RecordAltered | None = None


class StoredMarker:
    """Implements `StopMarker` with one file per marker, in a folder or a bucket.

    A file is named after its run, so names sort by time, and no file is read twice. `every` is the number of seconds
    for which a listing may be reused; it is above 0 when listing the store is slow.

    In a store that has a key, a marker without a seal counts for nothing, with one exception: for a run that brings
    people under the policy (`cautious`), a release counts whoever put it there.
    """

    def __init__(
        self,
        files: NamedFiles,
        organization_id: str,
        every: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        trust: Trust | None = None,
        *,
        cautious: bool = False,
    ) -> None:
        """Keep the arguments; read nothing yet."""
        self._files = files
        self._folder = f"{FOLDER}/{organization_id}"
        self._every, self._now = every, now
        self._trust, self._cautious = trust or Trust(), cautious
        self._seen: dict[str, _Marker] = {}
        self._asked_at: float | None = None
        self._lock = Lock()

    def add(self, record: ReleaseRecord) -> None:
        """Show a release, or its end, to every run on this store. Raises Unwritable, KeyUnusable."""
        name, line = name_of(record), line_of(record)
        if seals := self._trust.usable():
            line = stamped(line, _seal(seals, name, line))
        with self._files.writing(f"{self._folder}/{name}") as stream:
            stream.write(line)
        with self._lock:
            self._asked_at = None

    def check(self) -> None:
        """Tell of every marker that cannot be trusted. Raises RecordAltered, KeyUnusable, as `trust` says."""
        for marker in self._markers():
            if marker.doubt:
                self._trust.tell(marker.doubt)

    def records(self) -> Sequence[ReleaseRecord]:
        """Return every release and every end of one that was ever put here, oldest first."""
        return [
            marker.record
            for marker in self._markers()
            if marker.record
            and (not marker.doubt or (self._cautious and isinstance(marker.record, Released)))
        ]

    def unsealed(self) -> list[ReleaseRecord]:
        """Return the releases, and ends of releases, that the store's key has not sealed. Raises KeyUnusable."""
        return [marker.record for marker in self._markers() if marker.doubt and marker.record]

    def _markers(self) -> list[_Marker]:
        with self._lock:
            if self._asked_at is None or self._now() - self._asked_at >= self._every:
                self._look()
                self._asked_at = self._now()
            return [marker for _, marker in sorted(self._seen.items())]

    def _look(self) -> None:
        for name in self._files.names(self._folder):
            if name not in self._seen:
                self._seen[name] = self._read(name)

    def _read(self, name: str) -> _Marker:
        whole = f"{self._folder}/{name}"
        try:
            with self._files.reading(whole) as stream:
                bare, seal = unstamped(BoundedStream(stream, self._files.where(whole), LIMITS).readline())
            record = record_of(bare)
        except (BeyondLimit, BrokenLine, UnknownLine):
            return _Marker()  # not one of our files; the journal has every release too, for the next run
        if not isinstance(record, Released | ReleaseEnded):
            return _Marker()
        seals = self._trust.usable()
        if seals and not compare_digest(_seal(seals, name, bare), seal):
            return _Marker(record, self._doubt(name, seal))
        return _Marker(record)

    def _doubt(self, name: str, seal: bytes) -> RecordAltered:
        why = "was not sealed by this store's key, under this name" if seal else "is not sealed"
        return RecordAltered(
            f"{self._files.where(f'{self._folder}/{name}')} {why}",
            cure="`rollout seal` shows it, and seals it if the journal has that release; if not, find out who put it "
            "there, and move it out of the store",
        )


def name_of(record: ReleaseRecord) -> str:
    """Name the file of a marker."""
    kind = "end" if isinstance(record, ReleaseEnded) else "let-out"
    return f"{record.run}.{kind}{ENDING}"


def _seal(seals: Seals, name: str, line: bytes) -> bytes:
    return seals.seal("marker", name.encode() + b"\n" + line).encode()
