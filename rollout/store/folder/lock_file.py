"""One operator at a time in an organization: a lock file that says who holds it (design.md#apply-journal-store)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rollout.files.private_files import FILE_MODE, create_whole, make_folder, unwritable
from rollout.store.lock_holder import Holder, checked, held_by, holder_of
from rollout.workflows.ports import Clock

FOLDER = ".rollout/locks"


class FolderLock:
    """A lock file per organization in the store's folder (fills `Lock`).

    The file appears whole or not at all, and only where there was none. A lock whose process is dead on this host is
    taken over unasked; any other is refused, naming its holder. It goes away at the end only if it is still ours.
    """

    def __init__(self, root: Path, owner: str, host: str, pid: int, process_start: str, clock: Clock) -> None:
        self._folder = root / FOLDER
        self._me = Holder(owner, host, pid, process_start)
        self._clock = clock
        self._held: tuple[Path, str] | None = None

    @contextmanager
    def hold(self, organization_id: str, purpose: str) -> Iterator[None]:
        """Hold the lock while the block runs. Raises LockHeld, Unwritable."""
        path = self._path(organization_id)
        me = self._me.holding(self._clock.now(), purpose)
        make_folder(self._folder)
        try:
            with self._guard(path):
                self._take(path, me, organization_id)
        except OSError as problem:
            raise unwritable(self._folder, problem) from problem
        self._held = (path, me.token)
        try:
            yield
        finally:
            self._held = None
            # A lock that cannot be removed now is taken over once this process has ended.
            with suppress(OSError), self._guard(path):
                if _is(path, me.token):
                    path.unlink()

    def still_held(self) -> bool:
        """Tell whether the lock that this process took is still its own: somebody may have broken it."""
        held = self._held
        return held is not None and _is(*held)

    def holder(self, organization_id: str) -> Holder | None:
        """Tell who holds the lock, dead or alive."""
        return _read(self._path(organization_id))

    def runs_here(self, holder: Holder) -> bool:
        """Tell whether the holder's process is known to run on this machine."""
        return self._me.knows_alive(holder)

    def break_open(self, organization_id: str) -> Holder | None:
        """Take the lock away from whoever holds it, for `rollout unlock`; returns who that was. Raises Unwritable."""
        path = self._path(organization_id)
        if not path.exists():
            return None
        try:
            with self._guard(path):
                former = _read(path)
                path.unlink(missing_ok=True)
        except OSError as problem:
            raise unwritable(self._folder, problem) from problem
        return former

    def _path(self, organization_id: str) -> Path:
        return self._folder / f"{checked(organization_id)}.lock"

    @contextmanager
    def _guard(self, path: Path) -> Iterator[None]:
        """Let one process of this host at a time look at a lock and act on what it saw.

        Without it, two that find the same dead lock could each remove what the other has just made.
        """
        descriptor = os.open(path.with_suffix(".guard"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            with suppress(OSError):  # not every network file system can; creating stays atomic all the same
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _take(self, path: Path, me: Holder, organization_id: str) -> None:
        while not create_whole(path, me.written()):
            other = _read(path)
            if other is None:
                continue  # released since
            if not self._me.knows_dead(other):
                raise held_by(other, organization_id)
            path.unlink(missing_ok=True)


def _read(path: Path) -> Holder | None:
    try:
        return holder_of(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError:
        return Holder()


def _is(path: Path, token: str) -> bool:
    holder = _read(path)
    return holder is not None and holder.token == token
