"""Keeps the key that seals a store in a file of its owner's."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from rollout.errors import KeyUnusable, Unwritable
from rollout.files.private_files import create_whole, make_folder, unwritable

_CONTENT = re.compile(rb"rollout-store-key-1:([0-9a-f]{64})\n")
_MOST = 256
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFile:
    """Implements `StoreKey` with a file that nobody but its owner can read.

    It is refused if others may read or write it, if it is another user's, or if it lies in the folder of the store:
    whoever can write there must not find it.
    """

    def __init__(self, path: Path, store: Path | None = None) -> None:
        """Keep the paths; read nothing yet. `store` is the folder of the store, if it is one."""
        self._path, self._store = path, store

    @property
    def name(self) -> str:
        """The path."""
        return f"file:{self._path}"

    def derive(self, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message. Raises KeyUnusable."""
        if self._store and self._path.resolve().is_relative_to(self._store.resolve()):
            raise KeyUnusable(
                f"the key file {self._path} lies in the store, {self._store}",
                cure="move it to a folder that those who can write to the store cannot read, and correct store_key",
            )
        found = _CONTENT.fullmatch(self._read())
        if found is None:
            raise KeyUnusable(
                f"{self._path} is not a key file of rollout",
                cure="restore the file from a backup; rollout init --store-key FILE makes a new key",
            )
        return hmac.digest(bytes.fromhex(found[1].decode()), message, "sha256")

    def _read(self) -> bytes:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as problem:
            raise KeyUnusable(
                f"the key file {self._path} cannot be read: {problem.strerror or problem}",
                cure="correct store_key, or restore the file from a backup",
            ) from problem
        try:
            self._check(os.fstat(descriptor))
            return os.read(descriptor, _MOST)
        finally:
            os.close(descriptor)

    def _check(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise KeyUnusable(f"{self._path} is not a file", cure="correct store_key")
        if found.st_uid != os.getuid():
            raise KeyUnusable(
                f"the key file {self._path} belongs to another user",
                cure="make a copy of your own, of mode 0600, and name it in store_key",
            )
        if found.st_mode & _FOR_OTHERS:
            raise KeyUnusable(
                f"the key file {self._path} can be used by others: its mode is {stat.S_IMODE(found.st_mode):04o}",
                cure=f"chmod 600 {self._path}; if somebody may have read it, make a new key",
            )


def make_key_file(path: Path) -> None:
    """Write a new key, of mode 0600, where there is no file yet. Raises Unwritable."""
    make_folder(path.parent)
    try:
        made = create_whole(path, f"rollout-store-key-1:{secrets.token_hex(32)}\n".encode())
    except OSError as problem:
        raise unwritable(path.parent, problem) from problem
    if not made:
        raise Unwritable(f"{path} already exists", cure="name another file; a key is never replaced")
