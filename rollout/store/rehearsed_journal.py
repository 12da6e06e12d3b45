"""Keeps what a dry run only rehearsed out of the journal, so that no later run takes it for a real change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from threading import Lock

from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import LeftAlone, Record, Released, ReleaseEnded, RunEnded, RunStarted
from rollout.workflows.ports import Journal, StopMarker

REAL = RunStarted | RunEnded | LeftAlone


class RehearsingJournal:
    """Implements `Journal`: writes only what is real of a dry run, its start, its end and what it has seen.

    All other records (changes, notices, waves) are kept in memory.
    """

    def __init__(self, inner: Journal) -> None:
        self._inner = inner
        self._noted: list[Record] = []
        self._lock = Lock()

    def append(self, *records: Record) -> None:
        """Write what is real; keep the other records in memory."""
        kept = tuple(record for record in records if isinstance(record, REAL))
        if kept:
            self._inner.append(*kept)
        with self._lock:
            self._noted += [record for record in records if not isinstance(record, REAL)]

    def records(self) -> Iterator[Record]:
        """Yield the records in the real journal, then those kept in memory."""
        yield from self._inner.records()
        yield from self.noted

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        """Derive where an organization would stand."""
        return self._inner.progress(organization_id, (*self.noted, *more))

    @property
    def noted(self) -> tuple[Record, ...]:
        """The records kept in memory, in order."""
        with self._lock:
            return tuple(self._noted)


class RehearsingMarker:
    """Implements `StopMarker` read-only, so that a rehearsed release stops no run."""

    def __init__(self, inner: StopMarker) -> None:
        self._inner = inner

    def add(self, record: Released | ReleaseEnded) -> None:
        """Do nothing."""

    def records(self) -> Sequence[Released | ReleaseEnded]:
        """Return the real markers."""
        return self._inner.records()

    def check(self) -> None:
        """Check the real markers."""
        self._inner.check()
