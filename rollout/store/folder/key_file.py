"""Keeps the key that seals a store in a file of its owner's."""

from __future__ import annotations

import hmac
import re
import secrets
from pathlib import Path

from rollout.errors import KeyUnusable, Unwritable
from rollout.files.private_files import NotPrivate, create_whole, make_folder, read_private, unwritable

_CONTENT = re.compile(rb"rollout-store-key-1:([0-9a-f]{64})\n")
_MOST = 256


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
            return read_private(self._path, _MOST)
        except NotPrivate as problem:
            raise KeyUnusable(
                f"the key file {self._path} {problem.why}", cure=problem.cure.replace("its path", "store_key")
            ) from problem


def make_key_file(path: Path) -> None:
    """Write a new key, of mode 0600, where there is no file yet. Raises Unwritable."""
    make_folder(path.parent)
    try:
        made = create_whole(path, f"rollout-store-key-1:{secrets.token_hex(32)}\n".encode())
    except OSError as problem:
        raise unwritable(path.parent, problem) from problem
    if not made:
        raise Unwritable(f"{path} already exists", cure="name another file; a key is never replaced")
