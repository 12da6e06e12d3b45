"""Puts the files of a report in place together, readable by their owner only."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from rollout.errors import Unwritable

Parts = Mapping[str, Iterable[str]]


def write_together(folder: Path, parts: Parts) -> None:
    """Write every part beside its place first, then move all of them there. Raises Unwritable."""
    waiting: dict[Path, Path] = {}
    try:
        _make(folder)
        for name, chunks in parts.items():
            aside = folder / f".{name}.{os.getpid()}.part"
            waiting[aside] = folder / name
            _write(aside, chunks)
        for aside, place in waiting.items():
            aside.replace(place)
    except OSError as error:
        raise Unwritable(
            f"the report cannot be written to {folder}: {error.strerror or error}",
            cure="make room for that folder or correct its rights, then run `rollout report` again",
        ) from error
    finally:
        for aside in waiting:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    """Make a folder and those above it, each for its owner only."""
    if not folder.is_dir():
        _make(folder.parent)
        with contextlib.suppress(FileExistsError):  # another process may have been faster
            folder.mkdir(mode=0o700)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _write(aside: Path, chunks: Iterable[str]) -> None:
    # What a killed run left behind under this name is not ours to go on with; a link would lead elsewhere.
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(descriptor)
