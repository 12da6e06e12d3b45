"""What a store of either kind offers, and the one that is a folder of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from rollout.files.private_files import FolderStore, check_writable
from rollout.store.files import Files
from rollout.store.folder.lock_file import FolderLock
from rollout.store.folder.segments import FolderJournal
from rollout.store.lock_holder import Holder
from rollout.store.plan_files import FolderPlans, Plans
from rollout.workflows.ports import Clock, Journal


class StoreLock(Protocol):
    """A lock that says who holds it, and can be broken (fills `Lock`)."""

    def hold(self, organization_id: str, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock while the block runs. Raises LockHeld."""

    def still_held(self) -> bool:
        """Tell whether the lock that this process took is still its own."""

    def holder(self, organization_id: str) -> Holder | None:
        """Tell who holds the lock, dead or alive."""

    def runs_here(self, holder: Holder) -> bool:
        """Tell whether the holder's process is known to run on this machine."""

    def break_open(self, organization_id: str) -> Holder | None:
        """Take the lock away from whoever holds it; returns who that was."""


class Store(Protocol):
    """One place for plans, journal, locks, inventories and reports."""

    @property
    def files(self) -> Files:
        """Its files by name."""

    @property
    def fresh_for(self) -> float:
        """For how many seconds an answer is as good as a new one, where asking takes a while; 0 where it does not."""

    def plans(self) -> Plans:
        """Its plans."""

    def journal(self, run: str) -> Journal:
        """Its journal; `run` names the segment that new records go into."""

    def lock(self, me: Holder, clock: Clock) -> StoreLock:
        """Its lock, as this process may hold it."""

    def check_writable(self, folder: str) -> None:
        """Find out, and leave no trace, whether files can be made in a folder. Raises Unwritable."""

    def share(self, folder: str, written: Iterable[Path]) -> tuple[str, ...]:
        """Put files that were written on this machine where others find them too; answers where that is."""


class InFolder:
    """A store in a folder of this machine (fills `Store`)."""

    fresh_for = 0.0

    def __init__(self, root: Path) -> None:
        """Make nothing yet."""
        self._root = root

    @property
    def files(self) -> Files:
        """The folder's files."""
        return FolderStore(self._root)

    def plans(self) -> Plans:
        """The folder's plans."""
        return FolderPlans(self._root)

    def journal(self, run: str) -> Journal:
        """The folder's journal."""
        return FolderJournal(self._root, run)

    def lock(self, me: Holder, clock: Clock) -> StoreLock:
        """The folder's lock."""
        return FolderLock(self._root, me.owner, me.host, me.pid, me.process_start, clock)

    def check_writable(self, folder: str) -> None:
        """Look at the rights."""
        check_writable(self._root / folder)

    def share(self, folder: str, written: Iterable[Path]) -> tuple[str, ...]:
        """Leave them where they are: that is the store."""
        return ()
