"""The journal: durable before it answers, read oldest run first, patient with torn ends and with nothing else."""

import os
import stat
import threading
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from rollout.domain.progress.records import Record, RunStarted, WaveCarried
from rollout.domain.progress.stages import Stage
from rollout.errors import JournalDamaged, Unwritable
from rollout.store.folder import segments as journal_module
from rollout.store.folder.segments import FolderJournal, new_run_id
from rollout.store.formats.journal_lines import line_of
from tests.builders import NOW, ORGANIZATION


def start(run: str = "run-1", at: datetime = NOW) -> RunStarted:
    return RunStarted(run, at, ORGANIZATION, "k3f9", "sha256:0", Stage.ENFORCE, "ana", "1.0")


def carried(run: str = "run-1", wave: str = "canary") -> WaveCarried:
    return WaveCarried(run, NOW, wave, Stage.ENFORCE)


def segment(root: Path, run: str = "run-1") -> Path:
    return root / "journal" / f"{run}.jsonl"


def written(root: Path, *records: Record, run: str = "run-1") -> Path:
    FolderJournal(root, run).append(*records)
    return segment(root, run)


def test_only_the_owner_may_read(tmp_path):
    path = written(tmp_path, start())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_every_torn_end_is_passed_over(tmp_path):
    before = start("run-0")
    other = written(tmp_path, before, run="run-0").read_bytes()
    path = written(tmp_path, start(), carried())
    whole = path.read_bytes()
    first = len(whole[: whole.index(b'"WaveCarried"')].rpartition(b"\n")[0])

    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        expected = [start(), carried()][: 0 if cut < first else 1 if cut < len(whole) - 1 else 2]
        assert [before, *expected] == list(FolderJournal(tmp_path, "x").records()), cut
    assert segment(tmp_path, "run-0").read_bytes() == other


def test_a_tail_of_zeros_after_a_power_cut_is_passed_over(tmp_path):
    path = written(tmp_path, start())
    path.write_bytes(path.read_bytes() + bytes(100))

    assert [start()] == list(FolderJournal(tmp_path, "x").records())


def test_a_segment_that_may_not_be_read_is_no_riddle(tmp_path, monkeypatch):
    path = written(tmp_path, start())

    def closed(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(JournalDamaged, match=rf"{path} cannot be read: Permission denied"):
        list(FolderJournal(tmp_path, "x").records())


def test_a_journal_that_was_copied_from_a_bucket_is_not_taken_for_an_empty_one(tmp_path):
    (tmp_path / "journal/run-1").mkdir(parents=True)
    assert list(FolderJournal(tmp_path, "x").records()) == []
    (tmp_path / "journal/run-1/00000001.jsonl").write_bytes(line_of(start()))

    with pytest.raises(JournalDamaged, match=r"run-1 holds journal batches from a bucket"):
        list(FolderJournal(tmp_path, "x").records())


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "journal").write_text("in the way")

    with pytest.raises(Unwritable, match=str(tmp_path / "journal")):
        written(tmp_path, start())


# --- Durability ---


def test_records_are_flushed_before_append_returns(tmp_path, monkeypatch):
    flushed: list[int] = []
    monkeypatch.setattr(journal_module, "sync_folder", lambda _folder: None)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: flushed.append(segment(tmp_path).stat().st_size))
    journal = FolderJournal(tmp_path, "run-1")
    journal.append(start())
    journal.append(carried())

    lines = segment(tmp_path).read_bytes().splitlines(keepends=True)
    assert [len(b"".join(lines[:count])) for count in (2, 3)] == flushed


def test_threads_share_a_flush(tmp_path, monkeypatch):
    """While one flush is under way, all that comes waits for one more, not for one each."""
    flushes = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(_descriptor):
        flushes.append(1)
        if len(flushes) == 1:
            begun.set()
            assert go_on.wait(10)

    monkeypatch.setattr(os, "fsync", slow)
    monkeypatch.setattr(journal_module, "sync_folder", lambda _folder: None)
    journal = FolderJournal(tmp_path, "run-1")
    first = threading.Thread(target=journal.append, args=(start(),))
    first.start()
    assert begun.wait(10)
    others = [
        threading.Thread(target=journal.append, args=(carried(wave=str(number)),)) for number in range(20)
    ]
    for thread in others:
        thread.start()
    while journal._commit.taken < 21:
        pass
    go_on.set()
    for thread in (first, *others):
        thread.join(10)

    assert len(flushes) == 2
    assert {str(number) for number in range(20)} == {
        record.wave for record in journal.records() if isinstance(record, WaveCarried)
    }


def test_after_a_failed_flush_the_segment_takes_no_more(tmp_path, monkeypatch):
    """The disk may hold anything then; a record after it could stand behind half a line."""
    journal = FolderJournal(tmp_path, "run-1")
    journal.append(start())

    def broken(_descriptor):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(Unwritable, match="Input/output error"):
            journal.append(carried())
    with pytest.raises(Unwritable, match="Input/output error"):
        journal.append(carried())


def test_after_an_interrupted_write_the_segment_takes_no_more(tmp_path, monkeypatch):
    journal = FolderJournal(tmp_path, "run-1")

    def interrupted(_descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append(start())
    with pytest.raises(Unwritable, match="interrupted"):
        journal.append(carried())


def test_a_short_write_is_finished(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    journal = FolderJournal(tmp_path, "run-1")
    journal.append(start())

    assert [start()] == list(journal.records())


def test_a_closed_journal_refuses_records(tmp_path):
    journal = FolderJournal(tmp_path, "run-1")
    journal.append(start())
    journal.close()
    journal.close()

    with pytest.raises(Unwritable, match="closed"):
        journal.append(carried())
    assert [start()] == list(journal.records())


# --- Run ids ---


def test_run_ids_sort_by_time():
    moments = [NOW + timedelta(seconds=step) for step in (-86400 * 400, -1, 0, 1, 3600, 86400 * 40)]
    ids = [new_run_id(moment, Random(7)) for moment in moments]

    assert ids == sorted(ids)
    assert ids[2].startswith("20261124T090000Z-")


def test_run_ids_are_in_utc_and_differ_within_a_second():
    assert new_run_id(NOW, Random(1)) == new_run_id(NOW.astimezone(ZoneInfo("Asia/Kathmandu")), Random(1))
    assert len({new_run_id(NOW, Random(seed)) for seed in range(50)}) > 45


def test_a_file_in_place_of_the_folder_is_no_empty_journal(tmp_path: Path):
    """Taken for empty, a run would not know its own work."""
    (tmp_path / "journal").touch()
    with pytest.raises(JournalDamaged, match=r"journal cannot be read: Not a directory"):
        list(FolderJournal(tmp_path, "run").records())
