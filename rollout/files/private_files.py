"""Writes files that only their owner can read and that are never half written."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rollout.errors import Unwritable

PRIVATE_FOLDER = ".rollout"
"""The folder for locks, for the releases that are in force, and for the state of a sandbox."""
FOLDER_MODE = 0o700
FILE_MODE = 0o600

# Cures for the errors that a writable folder would not solve.
_CURES = {
    errno.ENOSPC: "free some space on that disk, then run the command again",
    errno.EDQUOT: "free some of your quota on that disk, then run the command again",
    errno.EROFS: "that disk is read-only: set `store` (or `--out`) to a folder on another disk",
    errno.ENOTDIR: "part of that path is a file: move it away, or set `store` to another folder",
    errno.EEXIST: "a file has the name that the folder needs: move it away",
}
_USUAL_CURE = "give yourself write permission on that folder, or set `store` in rollout.yaml to another one"

# File systems without hard links answer with one of these.
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EINVAL}


def unwritable(path: Path, problem: OSError) -> Unwritable:
    """Build the error that says which path cannot be written, why, and what to do."""
    why = problem.strerror or str(problem)
    return Unwritable(f"cannot write to {path}: {why}", cure=_CURES.get(problem.errno or 0, _USUAL_CURE))


def check_own(folder: Path) -> None:
    """Check that a folder, if it is there, is no link, and that it is this user's. Raises Unwritable.

    Whoever prepares such a folder, in a checkout for example, could have files written or processes asked elsewhere.
    """
    try:
        found = folder.lstat()
    except OSError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise Unwritable(
            f"{folder} is a link", cure="remove the link; rollout makes a folder of its own there"
        )
    if found.st_uid != os.getuid():
        raise Unwritable(
            f"{folder} belongs to another user",
            cure="have its owner move it away, or set `store` in rollout.yaml to a folder of your own",
        )


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, accessible only to their owner. Raises Unwritable.

    A private folder on the way has to be this user's own.
    """
    for place in (folder, *folder.parents):
        if place.name == PRIVATE_FOLDER:
            check_own(place)
    missing = []
    place = folder
    while not place.is_dir() and place != place.parent:
        missing.append(place)
        place = place.parent
    try:
        for place in reversed(missing):
            with suppress(FileExistsError):  # another process may have created it first
                place.mkdir(mode=FOLDER_MODE)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    except OSError as problem:
        raise unwritable(folder, problem) from problem


def check_writable(folder: Path) -> None:
    """Check, without leaving a trace, that files can be created in a folder that may not exist yet.

    Meant for commands that work for a long time before they write. Raises Unwritable.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    problem = None
    if not place.is_dir():
        problem = errno.ENOTDIR
    elif not os.access(place, os.W_OK | os.X_OK):
        problem = errno.EROFS if os.statvfs(place).f_flag & os.ST_RDONLY else errno.EACCES
    if problem:
        raise unwritable(folder, OSError(problem, os.strerror(problem)))


def sync_folder(folder: Path) -> None:
    """Flush the folder, so that a new or renamed file survives a power cut; do nothing where that is unsupported."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def create_whole(path: Path, content: bytes) -> bool:
    """Create a file with its full content, accessible only to its owner; False when the name is taken.

    Raises OSError.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        _write_down(descriptor, content)
        os.link(temporary, path)  # a rename would overwrite
    except FileExistsError:
        return False
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        return _create_in_place(path, content)
    else:
        return True
    finally:
        with suppress(OSError):
            Path(temporary).unlink()


def _create_in_place(path: Path, content: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    except FileExistsError:
        return False
    _write_down(descriptor, content)
    return True


def _write_down(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


class NotPrivate(Exception):
    """A file that has a secret cannot be read, or others could have read or replaced it."""

    def __init__(self, why: str, cure: str) -> None:
        """Take what is wrong, to follow the name of the file, and what to do."""
        super().__init__(why)
        self.why, self.cure = why, cure


def read_private(path: Path, most: int) -> bytes:
    """Read a small file that nobody but its owner, this user, can read. Raises NotPrivate."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as problem:
        why = f"cannot be read: {problem.strerror or problem}"
        raise NotPrivate(why, "correct its path, or restore the file from a backup") from problem
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NotPrivate("is not a file", "correct its path")
        if found.st_uid != os.getuid():
            raise NotPrivate(
                "belongs to another user", "make a copy of your own, of mode 0600, and name that"
            )
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NotPrivate(
                f"can be used by others: its mode is {stat.S_IMODE(found.st_mode):04o}",
                f"chmod 600 {path}; if somebody may have read it, replace the secret",
            )
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


class FolderStore:
    """Keeps named files under one folder.

    Each file is written under a temporary name, flushed to disk and renamed, so that a reader sees either the old or
    the new content. Folders get mode 0700 and files 0600; an existing root folder keeps its mode. Not `lasting`: the
    files are needed by this run only, and nothing waits for the disk.
    """

    def __init__(self, root: Path, *, lasting: bool = True) -> None:
        self.root, self._lasting = root, lasting

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Write a file that appears when the block ends without an error. Raises Unwritable, which names the folder."""
        path = self.root / name
        make_folder(path.parent)
        temporary: Path | None = None
        try:
            # mkstemp creates the file with mode 0600; the leading dot and the suffix keep it out of listings.
            descriptor, made = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
            temporary = Path(made)
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                if self._lasting:
                    stream.flush()
                    os.fsync(stream.fileno())
            temporary.replace(path)
            temporary = None
            if self._lasting:
                sync_folder(path.parent)
        except OSError as problem:
            raise unwritable(path.parent, problem) from problem
        finally:
            if temporary:
                with suppress(OSError):
                    temporary.unlink()

    @contextmanager
    def reading(self, name: str, start: int = 0) -> Iterator[BinaryIO]:
        """Open a file for reading, from a byte of it on."""
        with (self.root / name).open("rb") as stream:
            stream.seek(start)
            yield stream

    def names(self, folder: str) -> list[str]:
        """List the files directly in a folder, sorted, without those still being written."""
        place = self.root / folder
        if not place.is_dir():
            return []
        return sorted(entry.name for entry in place.iterdir() if entry.is_file() and entry.name[0] != ".")

    def where(self, name: str) -> str:
        """Return the path as text."""
        return str(self.root / name)
