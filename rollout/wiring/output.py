"""Writes the files that the operator names: private, and completely or not at all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from rollout.files.private_files import FolderStore, check_writable
from rollout.store.folder.key_file import make_key_file

__all__ = ["check_writable", "make_key_file", "private_file"]


def private_file(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file of mode 0600 for writing; it gets its name when the block succeeds. Raises Unwritable."""
    return FolderStore(path.parent).writing(path.name)
