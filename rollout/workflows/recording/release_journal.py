"""Records a release without anybody waiting for it: what the store does not take is kept on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Record
from rollout.errors import RolloutError
from rollout.workflows.ports import Journal, RecordsAside


@dataclass(frozen=True, slots=True)
class Recording:
    """How a release is recorded: where records go that the store does not take, and whether all wait there first."""

    aside: RecordsAside | None = None
    later: bool = False


class ReleaseJournal:
    """Implements `Journal` for people who are let out: no record that cannot be kept keeps anybody in.

    A record goes to the store; where that takes none, aside, on this machine. Those that go there `later` are aside
    until `catch_up`, so that nobody waits for the store either. A record is kept before its write is made, here or
    there.
    """

    def __init__(self, store: Journal, how: Recording) -> None:
        """Write nothing yet. Without `aside`, as in a rehearsal, what the store does not take is lost."""
        self._store, self._aside = store, how.aside
        self._later, self._waiting = how.later, list[Record]()
        self._lock = threading.Lock()
        self.problem: RolloutError | None = None
        """Why the store takes no records."""
        self._lost: RolloutError | None = None

    def append(self, *records: Record) -> None:
        """Keep records, as far as that can be done."""
        if not self._later and self.problem is None:
            try:
                self._store.append(*records)
            except RolloutError as problem:
                self.problem = problem
            else:
                return
        with self._lock:
            if self._later:
                self._waiting += records
            self._put_aside(records)

    def _put_aside(self, records: Iterable[Record]) -> None:
        if self._aside is None or self._lost:
            return
        try:
            self._aside.append(*records)
        except RolloutError as problem:
            self._lost = problem

    def catch_up(self) -> None:
        """Put into the store what waited for that, and go on there."""
        waiting, self._waiting, self._later = self._waiting, [], False
        if not waiting:
            return
        try:
            self._store.append(*waiting)
        except RolloutError as problem:
            self.problem = problem
        else:
            self.forget()

    def forget(self) -> None:
        """Delete what is aside: it is in the store, or nothing came of it."""
        if self._aside is not None:
            self._aside.discard()

    @property
    def unrecorded(self) -> str:
        """Say what could not be recorded, where it is, and what to do; empty where all is in the store."""
        if self.problem is None:
            return ""
        said = f"This release was not recorded: {self.problem}"
        if self._aside is None:
            return said
        if self._lost:
            return f"{said}. Nor could its records be kept on this machine: {self._lost}"
        return (
            f"{said}. Its records are in {self._aside.where}; the next `rollout plan`, `apply`, `verify` or `rollback` "
            "on this machine puts them into the store. If another machine has to, copy that folder there first, to the "
            "same place beside rollout.yaml"
        )

    def records(self) -> Iterator[Record]:
        """Read what is in the store."""
        return self._store.records()

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        """Derive it from what is in the store."""
        return self._store.progress(organization_id, more)
