"""Keeps the journal in a folder: one append-only segment per run, flushed to disk before the next step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from random import Random

from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import DeliverySeen, Record, Reminded, Told
from rollout.errors import JournalDamaged, Unwritable
from rollout.files.private_files import FILE_MODE, FolderStore, make_folder, sync_folder, unwritable
from rollout.store.folder.group_commit import START_AGAIN, GroupCommit
from rollout.store.formats.found_segments import TAIL, Segment, lines_in
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.journal_progress import progress_of, sent_of
from rollout.store.formats.journal_reading import records_of, unsealed_runs
from rollout.store.formats.new_segment import LAST_RECORDS, NewSegment
from rollout.store.formats.seals import Trust
from rollout.store.snapshots import StoredSnapshots
from rollout.workflows.ports import UnsealedRun

FOLDER = "journal"
ENDING = ".jsonl"
# Letters and digits that are not easily confused.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def new_run_id(now: datetime, randomness: Random) -> str:
    """Create a run ID that sorts by time, such as `20261124T090000Z-k3f9`."""
    letters = "".join(randomness.choice(_ALPHABET) for _ in range(4))
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{letters}"


class FolderJournal:
    """Implements `Journal`: appends a run's records to its own segment, and reads those of all runs.

    Nothing is created on disk before the first record. Several threads may append: they share flushes, and none
    continues before its own record is safe. `vouched`: runs whose segments the new one is to seal, by digest.
    """

    def __init__(
        self,
        root: Path,
        run_id: str,
        trust: Trust | None = None,
        vouched: Mapping[str, str] | None = None,
        snapshots: StoredSnapshots | None = None,
    ) -> None:
        self._trust = trust or Trust()
        self._folder = root / FOLDER
        self._snapshots = snapshots or StoredSnapshots(FolderStore(root))
        self._path = self._folder / f"{run_id}{ENDING}"
        self._descriptor: int | None = None
        self._lines = NewSegment(run_id, self._segments, self._trust, vouched)
        self._commit = GroupCommit(self._write, str(self._path))

    def append(self, *records: Record) -> None:
        """Append records; they are on disk when this returns. Raises Unwritable, KeyUnusable."""
        self._commit.add([line_of(record) for record in records])
        if any(isinstance(record, LAST_RECORDS) for record in records):
            self._lines.remember()

    def _write(self, lines: Sequence[bytes]) -> None:
        data = self._lines.spell(lines)
        try:
            self._to_disk(data)
        except OSError as problem:
            raise unwritable(self._folder, problem) from problem

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
        """Yield the records of all segments, oldest run first; skip a torn last line. Raises JournalDamaged."""
        yield from records_of(self._segments, self._where, self._trust)

    def sent(self, organization_id: str) -> Iterator[Told | Reminded | DeliverySeen]:
        """Yield the notices and reminders, oldest run first; check the rest. Raises JournalDamaged."""
        return sent_of(self._segments, self._where, self._trust, organization_id, self._snapshots)

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        """Derive where the organization stands. Raises JournalDamaged."""
        trust, snapshots = self._trust, self._snapshots
        return progress_of(self._segments, self._where, trust, organization_id, snapshots, more).progress

    def unsealed(self) -> list[UnsealedRun]:
        """Find the runs that the store's key does not cover. Raises KeyUnusable, JournalDamaged."""
        return unsealed_runs(self._segments, self._where, self._trust)

    def _where(self, run: str) -> str:
        return str(self._folder / f"{run}{ENDING}")

    def _segments(self) -> list[Segment]:
        if not os.path.lexists(self._folder):
            return []
        try:  # if something other than a folder is there, fail: a run must not miss its own journal
            there = list(self._folder.iterdir())
            foreign = next((path for path in there if path.is_dir() and any(path.glob(f"*{ENDING}"))), None)
        except OSError as problem:
            raise _unreadable(self._folder, problem) from problem
        if foreign:
            raise JournalDamaged(
                f"{foreign} holds journal batches from a bucket, which cannot be read in a folder",
                cure="set `store` to that bucket, or to a bucket that is a copy of it",
            )
        return [_File(path) for path in there if path.suffix == ENDING and path.is_file()]

    def close(self) -> None:
        """Close the segment; later records raise Unwritable."""
        self._commit.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True, slots=True)
class _File:
    """A segment on disk (fills `Segment`)."""

    path: Path
    may_be_torn: bool = True

    @property
    def run(self) -> str:
        return self.path.stem

    def proof(self, digest: str) -> str:
        return digest  # a size and a time say too little

    def proves(self, proof: str) -> bool:
        try:
            with self.path.open("rb") as stream:
                return file_digest(stream, "sha256").hexdigest() == proof
        except OSError as problem:
            raise _unreadable(self.path, problem) from problem

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        try:
            with self.path.open("rb") as stream:
                yield from lines_in(stream, str(self.path))
        except OSError as problem:
            raise _unreadable(self.path, problem) from problem

    def tail(self) -> bytes:
        try:
            with self.path.open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL))
                return stream.read()
        except OSError as problem:
            raise _unreadable(self.path, problem) from problem

    def keep(self) -> None:
        try:
            with self.path.open("rb") as stream:
                os.fsync(stream.fileno())
        except OSError as problem:
            raise _unreadable(self.path, problem) from problem


def _create(path: Path) -> int:
    try:
        # O_EXCL: a second run of the same name would mix its sequence numbers with the first run's.
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    except FileExistsError as problem:
        raise Unwritable(f"{path} already exists, from another run", cure=START_AGAIN) from problem


def _unreadable(path: Path, problem: OSError) -> JournalDamaged:
    return JournalDamaged(
        f"{path} cannot be read: {problem.strerror or problem}",
        cure="give yourself read permission (ls -l shows the permissions)",
    )
