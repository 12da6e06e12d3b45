"""Allows one operator at a time in an organization, with a lock file (design.md#apply-journal-store)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rollout.files.bounded_files import SMALL, BeyondLimit, BoundedStream
from rollout.files.private_files import (
    FILE_MODE,
    PRIVATE_FOLDER,
    check_own,
    create_whole,
    make_folder,
    unwritable,
)
from rollout.store.lock_holder import Holder, checked, held_by, holder_of
from rollout.workflows.ports import Clock

FOLDER = f"{PRIVATE_FOLDER}/locks"


class FolderLock:
    """Implements `StoreLock` with one lock file per organization in the store's folder.

    Creating the file is atomic and fails when it exists. A lock whose process has ended on this host is taken over;
    any other lock raises LockHeld, which names its holder. At the end, the file is removed only if it is still ours.
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
            # If the lock cannot be removed now, it can be taken over after this process has ended.
            with suppress(OSError), self._guard(path):
                if _is(path, me.token):
                    path.unlink()

    def still_held(self) -> bool:
        """Tell whether this process still holds the lock that it took; somebody may have broken it."""
        held = self._held
        return held is not None and _is(*held)

    def holder(self, organization_id: str) -> Holder | None:
        """Return the lock's holder, even if its process is dead; None when nobody holds the lock."""
        return _read(self._path(organization_id))

    def runs_here(self, holder: Holder) -> bool:
        """Tell whether the holder's process is known to run on this machine."""
        return self._me.knows_alive(holder)

    def break_open(self, organization_id: str) -> Holder | None:
        """Remove the lock for `rollout unlock`, whoever holds it, and return the former holder. Raises Unwritable."""
        path = self._path(organization_id)
        if not path.exists():
            return None
        check_own(self._folder.parent)
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
        """Let only one process on this host at a time inspect a lock and act on it.

        Otherwise two processes that find the same dead lock could each remove the other's new one.
        """
        descriptor = os.open(path.with_suffix(".guard"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            with suppress(
                OSError
            ):  # some network file systems cannot lock; creating the file is atomic anyway
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _take(self, path: Path, me: Holder, organization_id: str) -> None:
        while not create_whole(path, me.written()):
            other = _read(path)
            if other is None:
                continue  # released in the meantime
            if not self._me.is_certainly_dead(other):
                raise held_by(other, organization_id)
            path.unlink(missing_ok=True)


def _read(path: Path) -> Holder | None:
    try:
        with path.open("rb") as stream:
            return holder_of(BoundedStream(stream, str(path), SMALL).read())
    except FileNotFoundError:
        return None
    except (OSError, BeyondLimit):
        return Holder()


def _is(path: Path, token: str) -> bool:
    holder = _read(path)
    return holder is not None and holder.token == token
