"""Keeps the journal in a bucket: one object per batch of records, never changed."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import DeliverySeen, Record, Reminded, RunEnded, Told
from rollout.errors import RolloutError, Unwritable
from rollout.store.folder.group_commit import START_AGAIN, GroupCommit
from rollout.store.formats.found_segments import TAIL, Segment, lines_in
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.journal_progress import progress_of, sent_of
from rollout.store.formats.journal_reading import records_of, unsealed_runs
from rollout.store.formats.new_segment import LAST_RECORDS, NewSegment
from rollout.store.formats.seals import Trust
from rollout.store.s3.bucket_files import S3Files
from rollout.store.s3.journal_objects import Contents, KeptObjects, LargeObject
from rollout.store.s3.objects import S3Objects
from rollout.store.snapshots import StoredSnapshots
from rollout.workflows.ports import UnsealedRun

FOLDER = "journal"

log = logging.getLogger(__name__)

# A long run writes thousands of batches, and each takes one request to read.
_FOLDED_AT = 256
_PAGE = 1000
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

    def __init__(
        self,
        objects: S3Objects,
        run_id: str,
        kept: KeptObjects | None = None,
        trust: Trust | None = None,
        vouched: Mapping[str, str] | None = None,
        snapshots: StoredSnapshots | None = None,
    ) -> None:
        """Keep the arguments; make no call yet. `kept`: what is in memory already.

        `vouched`: runs whose segments the new one is to seal, by digest.
        """
        self._trust = trust or Trust()
        self._objects = objects
        self._snapshots = snapshots or StoredSnapshots(S3Files(objects))
        self._kept = kept or KeptObjects()
        self._run = run_id
        self._number = 0  # the number of the last batch
        self._unfolded: list[bytes] = []
        self._fold_at = _FOLDED_AT
        self._lines = NewSegment(run_id, self._segments, self._trust, vouched)
        self._commit = GroupCommit(self._write, objects.place.where(f"{FOLDER}/{run_id}/"))

    def append(self, *records: Record) -> None:
        """Append records; they are stored when this returns. Raises Unwritable, KeyUnusable."""
        if any(isinstance(record, RunEnded) for record in records):
            self._fold_at = 2
        self._commit.add([line_of(record) for record in records])
        if any(isinstance(record, LAST_RECORDS) for record in records):
            self._lines.remember()

    def records(self) -> Iterator[Record]:
        """Yield the records of all runs, oldest run first. Raises JournalDamaged."""
        yield from records_of(self._segments, self._run_where, self._trust)

    def sent(self, organization_id: str) -> Iterator[Told | Reminded | DeliverySeen]:
        """Yield the notices and reminders, oldest run first; check the rest. Raises JournalDamaged."""
        return sent_of(self._segments, self._run_where, self._trust, organization_id, self._snapshots)

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        """Derive where the organization stands. Raises JournalDamaged, AwsFailure."""
        trust, snapshots = self._trust, self._snapshots
        return progress_of(self._segments, self._run_where, trust, organization_id, snapshots, more).progress

    def unsealed(self) -> list[UnsealedRun]:
        """Find the runs that the store's key does not cover. Raises KeyUnusable, JournalDamaged."""
        return unsealed_runs(self._segments, self._run_where, self._trust)

    def close(self) -> None:
        """Accept no more records."""
        self._commit.close()

    # --- Writing ---

    def _write(self, lines: Sequence[bytes]) -> None:
        data = self._lines.spell(lines)
        number = self._number + 1
        name = f"{self._run}/{number:08d}.jsonl"
        if self._objects.create(f"{FOLDER}/{name}", data) is None:
            raise Unwritable(f"{self._where(name)} already exists, from another run", cure=START_AGAIN)
        self._number = number
        self._kept.keep(name, data)
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
            self._kept.keep(name, content)

    # --- Reading ---

    def _segments(self) -> list[Segment]:
        """Find the segments of all runs."""
        tags = listed = self._objects.tags(FOLDER, deep=True)
        if len(listed) >= _PAGE:
            # A long list takes a while. What its runs have seen of each other is in one that begins after it.
            tags = self._objects.tags(FOLDER, deep=True)
        runs = {match["run"] for name in listed if (match := _NAME.fullmatch(name))}
        found: defaultdict[str, list[_Batches]] = defaultdict(list)
        for name in tags:
            if (match := _NAME.fullmatch(name)) and match["run"] in runs:
                first = int(match["first"] or 0)
                found[match["run"]].append(_Batches(match["run"], name, first, int(match["last"] or first)))
        whole = {run: _whole(batches) for run, batches in found.items()}
        contents = Contents(self._objects, self._kept, FOLDER)
        segments: list[Segment] = []
        for run, chosen in whole.items():
            names = tuple(batches.name for batches in chosen)
            contents.expect(names)
            proof = sha256("\n".join(f"{name} {tags.get(name, '')}" for name in names).encode()).hexdigest()
            segments.append(_Objects(run, not chosen[0].first, names, proof, contents))
        return segments

    def _run_where(self, run: str) -> str:
        return self._where(f"{run}/")

    def _where(self, name: str) -> str:
        return self._objects.place.where(f"{FOLDER}/{name}")


def _whole(found: Iterable[_Batches]) -> list[_Batches]:
    """Take each batch once, out of the largest object that holds it; one that is missing is named all the same."""
    chosen: list[_Batches] = []
    following = 1
    for batches in sorted(found, key=lambda batches: (batches.first, -batches.last)):
        if batches.first > following:
            chosen.append(_Batches(batches.run, f"{batches.run}/{following:08d}.jsonl", following, following))
            following = batches.first
        if batches.first in {0, following}:
            chosen.append(batches)
            following = batches.last + 1
    return chosen


@dataclass(frozen=True, slots=True)
class _Objects:
    """A segment in a bucket: its objects in order (fills `Segment`). Their ETags make the proof, and nothing else."""

    run: str
    may_be_torn: bool
    """Only a file of a folder can have been cut short."""
    names: tuple[str, ...]
    tags: str
    contents: Contents

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        for name in self.names:
            content, where = self.contents.of(name), self.contents.where(name)
            if isinstance(content, LargeObject):
                with S3Files(content.objects).reading(content.name) as stream:
                    yield from lines_in(stream, where)
            else:
                yield from lines_in(BytesIO(content), where)

    def tail(self) -> bytes:
        last = map(self.contents.of, self.names[-2:])
        return b"".join(one.tail() if isinstance(one, LargeObject) else one for one in last)[-TAIL:]

    def keep(self) -> None:
        """Nothing to do: what S3 answers, it has stored."""

    def proof(self, _digest: str) -> str:
        return self.tags

    def proves(self, proof: str) -> bool:
        if proof != self.tags:
            return False
        self.contents.leave(self.names)
        return True
