"""The journal of a dry-run: that it ran is on record, what it rehearsed is not."""

from pathlib import Path

from rollout.domain.progress.records import (
    RunEnded,
    RunEnding,
)
from rollout.store.folder.segments import FolderJournal
from rollout.store.rehearsed_journal import RehearsingJournal
from tests.builders import NOW
from tests.store.test_journal import carried, start


def test_only_start_and_end_reach_the_disk(tmp_path: Path):
    real = FolderJournal(tmp_path, "run-1")
    rehearsing = RehearsingJournal(real)
    ended = RunEnded("run-1", NOW, RunEnding.DONE, {"applied": 1})
    rehearsing.append(start(), carried())
    rehearsing.append(carried(wave="rest"))
    rehearsing.append(ended)

    assert [start(), ended] == list(real.records())
    assert (carried(), carried(wave="rest")) == rehearsing.noted


def test_within_the_run_what_was_rehearsed_counts(tmp_path: Path):
    FolderJournal(tmp_path, "run-0").append(start("run-0"))
    rehearsing = RehearsingJournal(FolderJournal(tmp_path, "run-1"))
    rehearsing.append(carried())

    assert [start("run-0"), carried()] == list(rehearsing.records())


def test_a_rehearsal_of_nothing_makes_no_file(tmp_path: Path):
    RehearsingJournal(FolderJournal(tmp_path, "run-1")).append(carried())

    assert list(tmp_path.iterdir()) == []
