"""The journal in a folder: a segment per run, appended to and never changed, on disk before the next step is taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Condition

from rollout.adapters.store.folder import FILE_MODE, make_folder, sync_folder, unwritable
from rollout.adapters.store.journal_lines import BrokenLine, UnknownLine, line_of, moment_of, record_of
from rollout.domain.journal.records import Record
from rollout.errors import JournalDamaged, Unwritable

FOLDER = "journal"
ENDING = ".jsonl"
# Letters and digits that nobody mistakes for one another.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_NEVER = datetime.min.replace(tzinfo=UTC)
_START_AGAIN = "run the command again; it goes on where this run stopped"


def new_run_id(now: datetime, randomness: Random) -> str:
    """Name a run so that names sort by time: `20261124T090000Z-k3f9`."""
    letters = "".join(randomness.choice(_ALPHABET) for _ in range(4))
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{letters}"


class FolderJournal:
    """Appends a run's records to its own segment, and reads those of all runs (fills `Journal`).

    Nothing is made on disk before the first record. Several threads may append: whoever finds the disk idle writes
    and flushes for all who wait, so that a flush is shared and nobody goes on before his own record is safe.
    """

    def __init__(self, root: Path, run_id: str) -> None:
        self._folder = root / FOLDER
        self._path = self._folder / f"{run_id}{ENDING}"
        self._descriptor: int | None = None
        self._turn = Condition()
        self._waiting: list[bytes] = []
        self._taken = 0  # records handed over so far
        self._safe = 0  # how many of those are on disk
        self._busy = False
        self._broken: Unwritable | None = None

    def append(self, *records: Record) -> None:
        """Write records; they are on disk when this returns. Raises Unwritable."""
        lines = [line_of(record) for record in records]
        with self._turn:
            self._waiting += lines
            self._taken += len(lines)
            mine = self._taken
            while self._safe < mine:
                if self._broken:
                    raise self._broken
                if self._busy:
                    self._turn.wait()
                else:
                    self._write_waiting()

    def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        upto = self._taken
        self._busy = True
        self._turn.release()
        # After a write or flush that failed, nobody knows what the disk holds: this segment takes no more. The same
        # goes for one that was interrupted half-way, so trouble is assumed until the flush has returned.
        outcome: Unwritable | None = Unwritable(f"writing to {self._path} was interrupted", cure=_START_AGAIN)
        try:
            self._to_disk(b"".join(batch))
            outcome = None
        except OSError as problem:
            outcome = unwritable(self._folder, problem)
        except Unwritable as problem:
            outcome = problem
        finally:
            self._turn.acquire()
            self._busy = False
            self._broken = outcome
            if outcome is None:
                self._safe = upto
            self._turn.notify_all()

    def _to_disk(self, data: bytes) -> None:
        fresh = self._descriptor is None
        if self._descriptor is None:
            make_folder(self._folder)
            self._descriptor = _create(self._path)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        os.fsync(self._descriptor)
        if fresh:
            sync_folder(self._folder)

    def records(self) -> Iterator[Record]:
        """Read all segments, oldest run first; a torn last line is passed over. Raises JournalDamaged."""
        for segment in sorted(self._segments(), key=lambda path: (_started(path), path.name)):
            yield from _read(segment)

    def _segments(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        try:
            return [path for path in self._folder.iterdir() if path.suffix == ENDING and path.is_file()]
        except OSError as problem:
            raise _unreadable(self._folder, problem) from problem

    def close(self) -> None:
        """Let go of the segment; a later record is refused."""
        with self._turn:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
                self._broken = Unwritable(f"{self._path} is closed", cure=_START_AGAIN)


def _create(path: Path) -> int:
    try:
        # O_EXCL: a second run of the same name would mix its numbers with those of the first.
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    except FileExistsError as problem:
        raise Unwritable(f"{path} is there already, from another run", cure=_START_AGAIN) from problem


def _started(segment: Path) -> datetime:
    """Tell when the run of a segment began, by its first record."""
    try:
        with segment.open("rb") as stream:
            moment = moment_of(stream.readline())
    except BrokenLine:
        return _NEVER  # an empty or torn segment has nothing to put in order
    except OSError as problem:
        raise _unreadable(segment, problem) from problem
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read(segment: Path) -> Iterator[Record]:
    try:
        with segment.open("rb") as stream:
            number = 0
            while line := stream.readline():
                number += 1
                try:
                    record = record_of(line)
                except BrokenLine as problem:
                    if not stream.readline():
                        return  # a crash cut the last line short; nobody was told that it was written
                    raise JournalDamaged(
                        f"{segment}, line {number} is damaged: {problem}",
                        cure="take that file back from a backup; without it, nobody knows what that run changed",
                    ) from problem
                except UnknownLine as problem:
                    raise JournalDamaged(
                        f"{segment}, line {number} was not written by this version of rollout: {problem}",
                        cure="use the newest version of rollout that anybody used on this store",
                    ) from problem
                yield record
    except OSError as problem:
        raise _unreadable(segment, problem) from problem


def _unreadable(path: Path, problem: OSError) -> JournalDamaged:
    return JournalDamaged(
        f"{path} cannot be read: {problem.strerror or problem}", cure="make it readable for you (ls -l)"
    )
