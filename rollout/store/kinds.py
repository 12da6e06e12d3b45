"""Defines what every store offers, and the store in a local folder."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from rollout.domain.diagnosis.store_facts import BucketFacts, FolderFacts
from rollout.domain.progress.records import DeliverySeen, Reminded, Told
from rollout.files.private_files import FolderStore, check_writable
from rollout.store.files import NamedFiles
from rollout.store.folder.lock_file import FolderLock
from rollout.store.folder.segments import FolderJournal
from rollout.store.formats.seals import Trust
from rollout.store.lock_holder import Holder
from rollout.store.plan_files import FolderPlans, Plans
from rollout.store.snapshots import Afterwards, StoredSnapshots
from rollout.workflows.ports import Clock, Journal, UnsealedRun


class StoreJournal(Journal, Protocol):
    """A `Journal` that knows what of it the store's key does not cover."""

    def sent(self, organization_id: str) -> Iterator[Told | Reminded | DeliverySeen]:
        """Yield the notices and reminders; everything else is checked only. Raises as `records` does."""

    def unsealed(self) -> list[UnsealedRun]:
        """Find the runs without a seal. Raises KeyUnusable, JournalDamaged."""


class StoreLock(Protocol):
    """A `Lock` that names its holder and can be broken."""

    def hold(self, organization_id: str, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock while the block runs. Raises LockHeld."""

    def still_held(self) -> bool:
        """Tell whether this process still holds the lock that it took."""

    def holder(self, organization_id: str) -> Holder | None:
        """Return the lock's holder, even if its process is dead; None when nobody holds the lock."""

    def runs_here(self, holder: Holder) -> bool:
        """Tell whether the holder's process is known to run on this machine."""

    def break_open(self, organization_id: str) -> Holder | None:
        """Remove the lock, whoever holds it, and return the former holder."""


class Store(Protocol):
    """One place for plans, the journal, locks, inventories and reports."""

    @property
    def files(self) -> NamedFiles:
        """Return the store's files."""

    @property
    def fresh_for(self) -> float:
        """Seconds for which a result may be reused because reading is slow; 0 when reading is fast."""

    def plans(self) -> Plans:
        """Return the store's plans."""

    def journal(self, run: str, vouched: Mapping[str, str] | None = None) -> StoreJournal:
        """Return the store's journal; new records go into the segment named `run`.

        `vouched`: runs whose segments that one is to seal, by the digest of their bytes.
        """

    def lock(self, me: Holder, clock: Clock) -> StoreLock:
        """Return the store's lock, to be held by `me`."""

    def protection(self) -> FolderFacts | BucketFacts:
        """Find out how the store is protected from others. Raises a RolloutError where it cannot be asked at all."""

    def check_writable(self, folder: str) -> None:
        """Check, without leaving a trace, that files can be created in a folder. Raises Unwritable."""

    def share(self, folder: str, written: Iterable[Path]) -> tuple[str, ...]:
        """Copy files written on this machine to where others can read them, and return their addresses."""


class InFolder:
    """Implements `Store` in a local folder."""

    fresh_for = 0.0

    def __init__(self, root: Path, trust: Trust | None = None, afterwards: Afterwards | None = None) -> None:
        """Keep the path; create nothing yet."""
        self._root, self._trust = root, trust or Trust()
        self._snapshots = StoredSnapshots(self.files, afterwards)

    @property
    def files(self) -> NamedFiles:
        """Return the folder's files."""
        return FolderStore(self._root)

    def plans(self) -> Plans:
        """Return the folder's plans."""
        return FolderPlans(self._root, trust=self._trust)

    def journal(self, run: str, vouched: Mapping[str, str] | None = None) -> StoreJournal:
        """Return the folder's journal."""
        return FolderJournal(self._root, run, self._trust, vouched, self._snapshots)

    def lock(self, me: Holder, clock: Clock) -> StoreLock:
        """Return the folder's lock."""
        return FolderLock(self._root, me.owner, me.host, me.pid, me.process_start, clock)

    def protection(self) -> FolderFacts:
        """Look at the modes of the folders."""
        folders = (self._root, *(self._root / name for name in ("plans", "journal", ".rollout/releases")))
        return FolderFacts(next((str(path) for path in folders if _is_open_to_others(path)), ""))

    def check_writable(self, folder: str) -> None:
        """Check the folder's permissions. Raises Unwritable."""
        check_writable(self._root / folder)

    def share(self, folder: str, written: Iterable[Path]) -> tuple[str, ...]:
        """Copy nothing: the files are in the store already."""
        return ()


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    except OSError:
        return False
