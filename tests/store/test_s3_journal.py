"""The journal in a bucket, beside what all journals promise: batches that never change, folded for who reads them."""

import threading
import tracemalloc
from pathlib import Path
from typing import Any, cast

import pytest

from rollout.domain.progress.records import (
    Record,
    RunEnded,
    RunEnding,
    WaveCarried,
)
from rollout.errors import ExpiredCredentials, JournalDamaged, RolloutError, Unwritable
from rollout.store.folder.segments import FolderJournal
from rollout.store.formats.journal_lines import LIMITS, line_of
from rollout.store.s3 import bucket_files, bucket_journal, journal_objects
from rollout.store.s3.bucket_journal import S3Journal
from rollout.store.s3.objects import ObjectPart, S3Objects
from tests.builders import NOW
from tests.store.bucket import Asked, BucketServer, Lose, Refuse
from tests.store.places import BucketPlace
from tests.store.reaching import objects
from tests.store.test_journal import carried, start

END = RunEnded("run-1", NOW, RunEnding.DONE)


@pytest.fixture
def place(bucket: BucketServer) -> BucketPlace:
    return BucketPlace(bucket)


def written(*records: Record, run: str = "run-1") -> S3Journal:
    """Write each record in a batch of its own."""
    journal = S3Journal(objects(), run)
    for record in records:
        journal.append(record)
    return journal


def waves(*numbers: int) -> list[Record]:
    return [carried(wave=str(number)) for number in numbers]


def read(run: str = "reader") -> list[Record]:
    return list(S3Journal(objects(), run).records())


def reads(bucket: BucketServer) -> list[str]:
    """The objects that were read, listings aside."""
    return [asked.name for asked in bucket.asked if asked.method == "GET" and "list-type" not in asked.query]


# --- Batches ---


def test_each_batch_is_an_object_made_only_where_there_is_none(place: BucketPlace):
    written(*waves(1, 2))

    assert place.names() == ["journal/run-1/00000001.jsonl", "journal/run-1/00000002.jsonl"]
    puts = [asked for asked in place.server.asked if asked.method == "PUT"]
    assert ["*", "*"] == [asked.headers["If-None-Match"] for asked in puts]


def test_threads_share_a_batch(place: BucketPlace):
    """While one is on its way, all that comes waits for one more, not for one each."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(asked: Asked) -> None:
        if asked.name.endswith("/00000001.jsonl"):
            begun.set()
            assert go_on.wait(10)

    place.server.weather = slow
    journal = S3Journal(objects(), "run-1")
    first = threading.Thread(target=journal.append, args=(start(),))
    first.start()
    assert begun.wait(10)
    others = [threading.Thread(target=journal.append, args=(record,)) for record in waves(*range(20))]
    for thread in others:
        thread.start()
    while journal._commit.taken < 21:
        pass
    go_on.set()
    for thread in (first, *others):
        thread.join(10)

    assert len(place.names()) == 2
    assert len(read()) == 21


@pytest.mark.parametrize("after", [False, True])
def test_a_batch_whose_answer_was_lost_is_there_once(place: BucketPlace, after: bool):
    seen: list[Asked] = []

    def weather(asked: Asked) -> Any:
        if asked.method != "PUT":
            return None
        seen.append(asked)
        return Lose(after) if len(seen) % 2 else None

    place.server.weather = weather
    written(*waves(1, 2, 3))
    place.server.weather = None

    assert read() == waves(1, 2, 3)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [(Refuse("AccessDenied", 403), Unwritable), (Refuse("ExpiredToken", 400), ExpiredCredentials)],
)
def test_after_a_failed_batch_no_more_are_taken(
    place: BucketPlace, trouble: Refuse, kind: type[RolloutError]
):
    """Nobody knows what the bucket holds of it: a record after it could speak of one that is not there."""
    journal = written(start())
    place.server.weather = lambda asked: trouble if asked.method == "PUT" else None
    with pytest.raises(kind):
        journal.append(carried())
    place.server.weather = None
    with pytest.raises(kind):
        journal.append(carried())

    assert read() == [start()]


def test_a_closed_journal_takes_no_more(place: BucketPlace):
    journal = written(start())
    journal.close()
    journal.close()

    with pytest.raises(Unwritable, match="closed"):
        journal.append(carried())
    assert read() == [start()]


def test_a_batch_that_is_missing_is_missed(place: BucketPlace):
    written(*waves(1, 2, 3))
    place.remove("journal/run-1/00000002.jsonl")

    with pytest.raises(JournalDamaged, match=r"s3://.*/journal/run-1/00000002\.jsonl is missing"):
        read()


def test_a_batch_that_goes_while_the_journal_is_read_is_missed(place: BucketPlace):
    written(start())

    def gone(asked: Asked) -> None:
        if asked.method == "GET" and "list-type" not in asked.query:
            place.server.weather = None
            place.remove("journal/run-1/00000001.jsonl")

    place.server.weather = gone
    with pytest.raises(JournalDamaged, match="is missing"):
        read()


def test_a_batch_is_never_torn_so_half_a_line_is_damage(place: BucketPlace):
    place.put("journal/run-1/00000001.jsonl", line_of(start()) + line_of(carried())[:-5])

    with pytest.raises(JournalDamaged, match=r"00000001\.jsonl, line 2 is damaged"):
        read()


# --- Folding ---


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_journal, "_FOLDED_AT", 4)


@pytest.mark.usefixtures("early")
def test_batches_are_folded_from_time_to_time_and_stay(place: BucketPlace):
    written(*waves(*range(1, 11)))

    folded = ["journal/run-1/00000001-00000004.jsonl", "journal/run-1/00000005-00000008.jsonl"]
    assert [name for name in place.names() if "-0000" in name.rpartition("/")[2]] == folded
    assert len(place.names()) == 12
    place.server.asked.clear()
    assert read() == waves(*range(1, 11))
    assert sorted(reads(place.server)) == sorted(
        [*folded, "journal/run-1/00000009.jsonl", "journal/run-1/00000010.jsonl"]
    )


def test_the_end_of_a_run_folds_what_is_left(place: BucketPlace):
    written(start(), carried(), END)

    place.server.asked.clear()
    assert read() == [start(), carried(), END]
    assert reads(place.server) == ["journal/run-1/00000001-00000003.jsonl"]


def test_a_run_of_one_batch_needs_no_folding(place: BucketPlace):
    journal = S3Journal(objects(), "run-1")
    journal.append(start(), END)

    assert place.names() == ["journal/run-1/00000001.jsonl"]


@pytest.mark.usefixtures("early")
def test_folded_batches_may_be_tidied_away(place: BucketPlace):
    written(*waves(*range(1, 10)), END)
    for name in place.names():
        if "-0000" not in name.rpartition("/")[2]:
            place.remove(name)

    assert read() == [*waves(*range(1, 10)), END]


@pytest.mark.usefixtures("early")
def test_a_fold_that_fails_harms_nothing(place: BucketPlace):
    place.server.weather = lambda asked: Refuse("AccessDenied", 403) if "-00000004" in asked.name else None
    journal = written(*waves(*range(1, 10)))

    assert read() == list(journal.records()) == waves(*range(1, 10))
    assert any("00000005-00000008" in name for name in place.names())


@pytest.mark.usefixtures("early")
def test_numbers_beyond_ten_keep_their_order(place: BucketPlace):
    written(*waves(*range(1, 104)))

    assert read() == waves(*range(1, 104))


# --- Reading ---


def test_what_was_read_or_written_once_is_not_fetched_again(place: BucketPlace):
    written(*waves(1, 2, 3), run="run-0")
    journal = S3Journal(objects(), "run-1")
    place.server.asked.clear()
    for number in range(4, 7):
        journal.append(carried(wave=str(number)))
        list(journal.records())

    assert len(reads(place.server)) == 3
    assert len(list(journal.records())) == 6


def test_a_segment_that_was_copied_from_a_folder_is_read_torn_end_and_all(place: BucketPlace, tmp_path):
    FolderJournal(tmp_path, "before").append(start("before"), carried("before"))
    content = (tmp_path / "journal/before.jsonl").read_bytes()
    place.put("journal/before.jsonl", content[:-20])
    written(start("run-1"))

    assert read() == [start("before"), start("run-1")]


def test_a_large_object_is_read_a_part_at_a_time(
    place: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A segment that was copied from a folder may be larger than the memory of the machine."""
    FolderJournal(tmp_path, "before").append(start("before"), *waves(*range(200)))
    place.put("journal/before.jsonl", (tmp_path / "journal/before.jsonl").read_bytes())
    wanted = read()
    monkeypatch.setattr(journal_objects, "_KEPT_WHOLE", 1000)
    monkeypatch.setattr(bucket_files, "_NEXT_PARTS", 1000)
    monkeypatch.setattr(bucket_files, "_FIRST_PART", 1000)
    place.server.asked.clear()

    assert wanted == read()
    assert len(reads(place.server)) > 5
    written(*waves(7), run="run-2")
    assert [*wanted, *waves(7)] == read()


class Endless:
    """Objects of one size, without end; only what reads of the journal is here."""

    def __init__(self, count: int, size: int) -> None:
        self._names = [f"run-{number}/00000001.jsonl" for number in range(count)]
        self._content = (line_of(carried()) * (size // 100))[:size]
        self.place = objects().place

    def tags(self, folder: str, *, deep: bool) -> dict[str, str]:
        return dict.fromkeys(self._names, "etag")

    def read_part(self, name: str, start: int, length: int, etag: str = "") -> ObjectPart:
        # A copy, as an answer of S3 is.
        content = bytes(bytearray(memoryview(self._content)[start : start + length]))
        return ObjectPart(content, "etag", len(self._content))


@pytest.mark.parametrize(("count", "size"), [(40, 15 << 20), (1000, 1 << 19)])
def test_a_journal_of_half_a_gigabyte_takes_no_more_than_its_share_of_memory(count: int, size: int):
    """Whoever may write to the bucket would otherwise decide what it takes."""
    journal = S3Journal(cast("S3Objects", Endless(count, size)), "run-1")
    tracemalloc.start()
    try:
        firsts = [len(next(segment.lines())) for segment in journal._segments()]
        ends = {len(segment.tail()) for segment in journal._segments()}
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (count, {1 << 16}) == (len(firsts), ends)
    assert most < 100 << 20


def test_an_object_with_a_line_that_is_too_long_is_named(place: BucketPlace):
    written(start())
    place.put("journal/run-0/00000001.jsonl", b" " * (LIMITS.line + 1))
    with pytest.raises(JournalDamaged, match=r"run-0/00000001.jsonl has a line of more than 8 MiB"):
        read()


def test_empty_and_foreign_objects_are_passed_over(place: BucketPlace):
    written(start())
    for name in ("journal/", "journal/notes.txt", "journal/run-1/x.jsonl", "journal/a/b/00000001.jsonl"):
        place.put(name, b"what is this?")
    place.put("journal/empty/00000001.jsonl", b"")

    assert read() == [start()]


def test_a_throttled_journal_is_read_all_the_same(place: BucketPlace):
    written(*waves(*range(30)))
    calls: list[Asked] = []

    def weather(asked: Asked) -> Any:
        calls.append(asked)
        return Refuse("SlowDown", 503) if len(calls) % 3 == 0 else None

    place.server.weather = weather
    assert [record.wave for record in read() if isinstance(record, WaveCarried)] == [
        str(n) for n in range(30)
    ]
