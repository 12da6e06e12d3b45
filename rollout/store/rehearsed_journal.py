"""The store of a dry-run: it is on record that a rehearsal ran, and nothing of what was rehearsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock

from rollout.domain.progress.records import Record, Released, ReleaseEnded, RunEnded, RunStarted
from rollout.workflows.ports import Journal, StopMarker


class RehearsingJournal:
    """Lets a run's start and end through to the real journal and notes the rest in memory (fills `Journal`).

    So no later run takes a rehearsed change, notice or wave for a real one.
    """

    def __init__(self, inner: Journal) -> None:
        self._inner = inner
        self._noted: list[Record] = []
        self._lock = Lock()

    def append(self, *records: Record) -> None:
        """Keep the start and the end of the run, note what lies between."""
        kept = tuple(record for record in records if isinstance(record, RunStarted | RunEnded))
        if kept:
            self._inner.append(*kept)
        with self._lock:
            self._noted += [record for record in records if not isinstance(record, RunStarted | RunEnded)]

    def records(self) -> Iterator[Record]:
        """Read what is on disk, then what was noted here."""
        yield from self._inner.records()
        yield from self.noted

    @property
    def noted(self) -> tuple[Record, ...]:
        """What was rehearsed, in order."""
        with self._lock:
            return tuple(self._noted)


class RehearsingMarker:
    """Reads the published release records and publishes none: a rehearsed release stops no run (fills `StopMarker`)."""

    def __init__(self, inner: StopMarker) -> None:
        self._inner = inner

    def add(self, record: Released | ReleaseEnded) -> None:
        """Discard the record."""

    def records(self) -> Sequence[Released | ReleaseEnded]:
        """Return the records that real runs published."""
        return self._inner.records()
