"""Keeps the release markers that every run reads before each change; a marker is a small file that never changes.

See design.md#apply-journal-store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock

from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.files.bounded_files import BeyondLimit, BoundedStream
from rollout.store.files import NamedFiles
from rollout.store.formats.journal_lines import LIMITS, BrokenLine, UnknownLine, line_of, record_of

FOLDER = ".rollout/releases"
ENDING = ".json"


class StoredMarker:
    """Implements `StopMarker` with one file per marker, in a folder or a bucket.

    A file is named after its run, so names sort by time, and no file is read twice. `every` is the number of seconds
    for which a listing may be reused; it is above 0 when listing the store is slow.
    """

    def __init__(
        self,
        files: NamedFiles,
        organization_id: str,
        every: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the arguments; read nothing yet."""
        self._files = files
        self._folder = f"{FOLDER}/{organization_id}"
        self._every, self._now = every, now
        self._seen: dict[str, Released | ReleaseEnded | None] = {}
        self._asked_at: float | None = None
        self._lock = Lock()

    def add(self, record: Released | ReleaseEnded) -> None:
        """Show a release, or its end, to every run on this store. Raises Unwritable."""
        kind = "end" if isinstance(record, ReleaseEnded) else "let-out"
        with self._files.writing(f"{self._folder}/{record.run}.{kind}{ENDING}") as stream:
            stream.write(line_of(record))
        with self._lock:
            self._asked_at = None

    def records(self) -> Sequence[Released | ReleaseEnded]:
        """Return every release and every end of one that was ever put here, oldest first."""
        with self._lock:
            if self._asked_at is None or self._now() - self._asked_at >= self._every:
                self._look()
                self._asked_at = self._now()
            return [word for _, word in sorted(self._seen.items()) if word is not None]

    def _look(self) -> None:
        for name in self._files.names(self._folder):
            if name not in self._seen:
                self._seen[name] = self._read(name)

    def _read(self, name: str) -> Released | ReleaseEnded | None:
        whole = f"{self._folder}/{name}"
        try:
            with self._files.reading(whole) as stream:
                record = record_of(BoundedStream(stream, self._files.where(whole), LIMITS).readline())
        except (BeyondLimit, BrokenLine, UnknownLine):
            return None  # not one of our files; the journal has every release too, for the next run
        return record if isinstance(record, Released | ReleaseEnded) else None
