"""Keeps on this machine what a store did not take when people were let out, until a later command records it there."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path

from rollout.domain.progress.records import Record
from rollout.errors import RolloutError, Unwritable
from rollout.store.folder.segments import FolderJournal
from rollout.store.formats.seals import Trust
from rollout.workflows.ports import UnrecordedRun

FOLDER = "unrecorded"
UNKNOWN_STORE = "unknown store"
"""The place that records are for while the settings do not tell which store is theirs."""
_FOR_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Unrecorded:
    """The records that one store did not take, in a folder with a journal of its own for each run.

    They are in the first of several folders that can be written. Only what belongs to this user, and that nobody else
    can write, is ever put into the store.
    """

    def __init__(self, folders: Sequence[Path], place: str, also: Sequence[Path] = ()) -> None:
        """Read nothing yet. `place` is the address of the store, or the path of its folder.

        `also`: folders that may hold records from when nobody could tell which store was theirs.
        """
        self._folders = [folder / FOLDER / _name(place) for folder in folders]
        self._also = [folder / FOLDER / _name(UNKNOWN_STORE) for folder in also]

    def of_run(self, run: str) -> SetAside:
        """Make room for the records of one run; nothing is written before the first."""
        return SetAside([folder / run for folder in self._folders], run)

    def runs(self) -> Iterator[UnrecordedRun]:
        """Read what is there, oldest run first."""
        for folder in (*self._folders, *self._also):
            there: list[Path] = []
            with suppress(OSError):
                there += sorted(folder.iterdir())
            yield from (_read(path) for path in there if not path.name.startswith("."))


def _name(place: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", place).strip("-.")[-60:]
    return f"{readable}-{sha256(place.encode()).hexdigest()[:8]}"


class SetAside:
    """Implements `RecordsAside` in the first of several folders that takes the records."""

    def __init__(self, folders: Sequence[Path], run: str) -> None:
        """Write nothing yet."""
        self._folders, self._run = list(folders), run
        self._journal: FolderJournal | None = None

    @property
    def where(self) -> str:
        """The folder that they are in."""
        return str(self._folders[0]) if self._folders else ""

    def append(self, *records: Record) -> None:
        """Keep records, which are on disk when this returns. Raises Unwritable."""
        problem = Unwritable("no folder on this machine can be written", cure="set HOME, or XDG_STATE_HOME")
        while self._folders:
            if self._journal is None:
                self._journal = FolderJournal(self._folders[0], self._run)
            try:
                self._journal.append(*records)
            except Unwritable as refused:
                if problem.__cause__ is None:
                    problem.__cause__ = refused
                self._journal = None
                self._folders.pop(0)
            else:
                return
        raise problem

    def discard(self) -> None:
        """Delete them."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
            _remove(self._folders[0])


def _read(path: Path) -> UnrecordedRun:
    """Read what is left of one run."""
    problems: list[RolloutError] = []
    records: list[Record] = []
    if why := _not_ours(path):
        return UnrecordedRun(path.name, str(path), (), (why,), lambda: None)
    try:
        records += FolderJournal(path, "look", Trust(None, problems.append)).records()
    except RolloutError as problem:
        problems.append(problem)
    discard = partial(_put_away, path) if problems else partial(_remove, path)
    return UnrecordedRun(path.name, str(path), tuple(records), tuple(map(str, problems)), discard)


def _not_ours(path: Path) -> str:
    """Say why what is at a path is not to be trusted; empty where only this user can have put it there."""
    for place in (path, *path.rglob("*")):
        try:
            found = place.lstat()
        except OSError as problem:
            return f"{place} cannot be looked at: {problem.strerror or problem}"
        if stat.S_ISLNK(found.st_mode):
            return f"{place} is a link"
        if found.st_uid != os.getuid():
            return f"{place} belongs to another user"
        if found.st_mode & _FOR_OTHERS:
            return f"{place} can be written by other users"
    return ""


def _remove(path: Path) -> None:
    """Delete a folder, and those above it that are empty then."""
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        for folder in (path.parent, path.parent.parent):
            folder.rmdir()


def _put_away(path: Path) -> None:
    """Keep what is damaged where no command takes it for new."""
    with suppress(OSError):
        path.rename(path.with_name(f".{path.name}.damaged"))
