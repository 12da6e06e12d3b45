"""Writes the files that the operator names: private, and completely or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from rollout.files.private_files import FolderStore, check_writable
from rollout.files.scratch import scratch_folder
from rollout.settings import Settings
from rollout.store.folder.key_file import make_key_file
from rollout.store.plan_parts import StoredParts

__all__ = ["check_writable", "make_key_file", "parts_beside", "private_file"]


def private_file(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file of mode 0600 for writing; it gets its name when the block succeeds. Raises Unwritable."""
    return FolderStore(path.parent).writing(path.name)


@contextmanager
def parts_beside(path: Path, settings: Settings) -> Iterator[StoredParts]:
    """Keep the parts of judged accounts in a private folder beside a file, while the block runs. Raises Unwritable."""
    with scratch_folder(path.parent) as folder:
        yield StoredParts(FolderStore(folder, lasting=False), carried=settings.engine.kind == "dask")
