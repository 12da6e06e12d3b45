"""Keeps the journal in a bucket: one object per batch of records, never changed."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO

from rollout.domain.progress.records import Record, RunEnded
from rollout.errors import JournalDamaged, RolloutError, Unwritable
from rollout.store.folder.group_commit import START_AGAIN, GroupCommit
from rollout.store.formats.journal_lines import line_of, records_of, start_of
from rollout.store.s3.objects import S3Objects

FOLDER = "journal"

log = logging.getLogger(__name__)

# A long run writes thousands of batches, and each takes one request to read.
_FOLDED_AT = 256
_PARALLEL_READS = 16
# run/00000007.jsonl, run/00000001-00000256.jsonl; and run.jsonl, a segment that was copied here from a folder.
_NAME = re.compile(r"(?P<run>[^/]+?)(?:/(?P<first>\d{8,})(?:-(?P<last>\d{8,}))?)?\.jsonl")


@dataclass(frozen=True, slots=True)
class _Batches:
    """An object of one run, and the numbers of the batches it contains; 0 means a segment copied from a folder."""

    run: str
    name: str
    first: int
    last: int


class S3Journal:
    """Implements `Journal`: appends a run's records to its own objects, and reads those of all runs.

    Each batch is one object, created only if it does not exist: there are no torn ends, and a second run of the same
    name is refused. Several threads may append and share batches. From time to time, and when a run ends, its batches
    are copied into one object to speed up reading; the batches themselves remain.
    """

    def __init__(self, objects: S3Objects, run_id: str, known: dict[str, bytes] | None = None) -> None:
        """Keep the arguments; make no call yet. `known` caches object contents by name, since objects never change."""
        self._objects = objects
        self._known = {} if known is None else known
        self._run = run_id
        self._number = 0  # the number of the last batch
        self._unfolded: list[bytes] = []
        self._fold_at = _FOLDED_AT
        self._commit = GroupCommit(self._write, objects.place.where(f"{FOLDER}/{run_id}/"))

    def append(self, *records: Record) -> None:
        """Append records; they are stored when this returns. Raises Unwritable."""
        if any(isinstance(record, RunEnded) for record in records):
            self._fold_at = 2
        self._commit.add([line_of(record) for record in records])

    def records(self) -> Iterator[Record]:
        """Yield the records of all runs, oldest run first. Raises JournalDamaged."""
        runs = self._runs()
        contents = self._contents(batches.name for run in runs for batches in run)
        for run in sorted(runs, key=lambda run: (start_of(_first_line(contents[run[0].name])), run[0].run)):
            for batches in run:
                yield from records_of(
                    BytesIO(contents[batches.name]),
                    self._where(batches.name),
                    # Only a file from a folder can be truncated.
                    may_be_torn=not batches.first,
                )

    def close(self) -> None:
        """Accept no more records."""
        self._commit.close()

    # --- Writing ---

    def _write(self, data: bytes) -> None:
        number = self._number + 1
        name = f"{self._run}/{number:08d}.jsonl"
        if self._objects.create(f"{FOLDER}/{name}", data) is None:
            raise Unwritable(f"{self._where(name)} already exists, from another run", cure=START_AGAIN)
        self._number = number
        self._known[name] = data
        self._unfolded.append(data)
        if len(self._unfolded) >= self._fold_at:
            self._fold()

    def _fold(self) -> None:
        """Copy the last batches into one object, which is only for speed; if it fails, they are read one by one."""
        content, count = b"".join(self._unfolded), len(self._unfolded)
        self._unfolded = []
        name = f"{self._run}/{self._number - count + 1:08d}-{self._number:08d}.jsonl"
        try:
            self._objects.create(f"{FOLDER}/{name}", content)
        except RolloutError as problem:
            log.info("%s was not written: %s", self._where(name), problem)
        else:
            self._known[name] = content

    # --- Reading ---

    def _runs(self) -> list[list[_Batches]]:
        """Find which objects to read for each run, in order."""
        found: defaultdict[str, list[_Batches]] = defaultdict(list)
        for name in self._objects.names(FOLDER, deep=True):
            if match := _NAME.fullmatch(name):
                first = int(match["first"] or 0)
                found[match["run"]].append(_Batches(match["run"], name, first, int(match["last"] or first)))
        return [self._whole(batches) for batches in found.values()]

    def _whole(self, found: Iterable[_Batches]) -> list[_Batches]:
        """Choose the largest object for each batch, so that each is read once. Raises JournalDamaged for a gap."""
        chosen: list[_Batches] = []
        following = 1
        for batches in sorted(found, key=lambda batches: (batches.first, -batches.last)):
            if batches.first > following:
                raise self._missing(f"{batches.run}/{following:08d}.jsonl")
            if batches.first in {0, following}:
                chosen.append(batches)
                following = batches.last + 1
        return chosen

    def _contents(self, names: Iterable[str]) -> dict[str, bytes]:
        wanted = list(names)
        contents = {name: self._known[name] for name in wanted if name in self._known}
        unknown = [name for name in wanted if name not in contents]
        if unknown:
            with ThreadPoolExecutor(min(_PARALLEL_READS, len(unknown)), thread_name_prefix="journal") as pool:
                contents |= zip(unknown, pool.map(self._content, unknown), strict=True)
            self._known |= {name: contents[name] for name in unknown}
        return contents

    def _content(self, name: str) -> bytes:
        found = self._objects.read(f"{FOLDER}/{name}")
        if found is None:
            raise self._missing(name)
        return found.content

    def _missing(self, name: str) -> JournalDamaged:
        return JournalDamaged(
            f"{self._where(name)} is missing",
            cure="restore that object from a backup or an older object version; "
            "without it, the changes of that run are unknown",
        )

    def _where(self, name: str) -> str:
        return self._objects.place.where(f"{FOLDER}/{name}")


def _first_line(content: bytes) -> bytes:
    return content.partition(b"\n")[0]
