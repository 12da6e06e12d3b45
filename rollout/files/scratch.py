"""Keeps what a run writes down for itself in a private folder that goes with the run."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rollout.files.private_files import FILE_MODE, make_folder, unwritable

_PREFIX = ".parts-"
_HELD = "held"


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Make a folder of mode 0700 in another one, and remove it at the end. Raises Unwritable.

    It is held by a lock that ends with the process: what a run that was killed has left there is removed first.
    """
    was_there = beside.is_dir()
    make_folder(beside)
    for left in beside.glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
        made = folder / f"{_HELD}.new"
        descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        made.rename(folder / _HELD)  # nobody else ever sees it without its lock
    except OSError as problem:
        raise unwritable(beside, problem) from problem
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
        if not was_there:
            with suppress(OSError):  # the run has put something there
                beside.rmdir()


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder / _HELD, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
