"""Words of releases that runs look for before each change: a small file each, never changed.

See design.md#apply-journal-store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock

from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.store.files import Files
from rollout.store.formats.journal_lines import BrokenLine, UnknownLine, line_of, record_of

FOLDER = ".rollout/releases"
ENDING = ".json"


class StoredMarker:
    """Keeps release records among named files, a folder's or a bucket's (fills `StopMarker`).

    A file's name is its run's, so names sort by time; a file once read is not read again. `every`: seconds for which
    an answer is good enough, where asking the store costs more than asking a folder.
    """

    def __init__(
        self,
        files: Files,
        organization_id: str,
        every: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read nothing yet."""
        self._files = files
        self._folder = f"{FOLDER}/{organization_id}"
        self._every, self._now = every, now
        self._seen: dict[str, Released | ReleaseEnded | None] = {}
        self._asked_at: float | None = None
        self._lock = Lock()

    def add(self, record: Released | ReleaseEnded) -> None:
        """Publish a record to every run on this store. Raises Unwritable."""
        kind = "end" if isinstance(record, ReleaseEnded) else "let-out"
        with self._files.writing(f"{self._folder}/{record.run}.{kind}{ENDING}") as stream:
            stream.write(line_of(record))
        with self._lock:
            self._asked_at = None

    def records(self) -> Sequence[Released | ReleaseEnded]:
        """Return every published record, oldest first."""
        with self._lock:
            if self._asked_at is None or self._now() - self._asked_at >= self._every:
                self._look()
                self._asked_at = self._now()
            return [record for _, record in sorted(self._seen.items()) if record is not None]

    def _look(self) -> None:
        for name in self._files.names(self._folder):
            if name not in self._seen:
                self._seen[name] = self._read(name)

    def _read(self, name: str) -> Released | ReleaseEnded | None:
        with self._files.reading(f"{self._folder}/{name}") as stream:
            text = stream.read()
        try:
            record = record_of(text)
        except (BrokenLine, UnknownLine):
            return None  # somebody else's file: the journal has the record too, for the next run
        return record if isinstance(record, Released | ReleaseEnded) else None
