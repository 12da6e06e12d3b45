"""Several processes: everything is answered once, whatever becomes of one of them."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event

import pytest

from rollout.errors import NoCredentials
from rollout.execution.measured import MeasuredEngine
from rollout.execution.threads import ThreadEngine
from rollout.execution.worker_processes import ProcessEngine
from tests.execution.tasks import DiesOnce, process_of, refuses_three


def test_every_item_is_answered_once_and_in_other_processes():
    answers = list(ProcessEngine(2, 2).map(process_of, range(40)))

    assert sorted(item for item, _ in answers) == list(range(40))
    assert all(item == said for item, (said, _) in answers)
    assert os.getpid() not in {process for _, (_, process) in answers}


def test_an_error_is_raised_with_its_cure_when_those_in_hand_have_been_answered():
    answered = []
    with pytest.raises(NoCredentials, match="no credentials\nnone at all") as refused:
        answered += [item for item, _ in ProcessEngine(1, 1).map(refuses_three, range(100))]
    assert "get some" == refused.value.cure


def test_after_a_stop_no_item_is_begun():
    stop = Event()
    stop.set()

    assert list(ProcessEngine(1, 1, stop).map(process_of, range(10))) == []


def test_what_a_process_had_in_hand_that_was_killed_is_begun_again(tmp_path: Path):
    """A machine short of memory kills the largest process; its accounts are not lost."""
    answers = [item for item, _ in ProcessEngine(1, 2).map(DiesOnce(tmp_path / "died"), range(10))]

    assert sorted(answers) == list(range(10))


def test_processes_are_begun_only_where_what_is_left_is_worth_them(monkeypatch: pytest.MonkeyPatch):
    chosen: list[int] = []

    def noted(self: ProcessEngine, task, items):
        chosen.append(len(items))
        return ThreadEngine(1).map(task, items)

    monkeypatch.setattr(ProcessEngine, "map", noted)
    monkeypatch.setattr("rollout.execution.measured.WORTH_A_PROCESS", 1e9)
    assert 10 == len(list(MeasuredEngine(4, cores=2).map(process_of, range(10))))
    assert [] == chosen

    monkeypatch.setattr("rollout.execution.measured.WORTH_A_PROCESS", 0.0)
    assert 10 == len(list(MeasuredEngine(4, cores=1).map(process_of, range(10))))
    assert [] == chosen
    assert 10 == len(list(MeasuredEngine(4, cores=2).map(process_of, range(10))))
    assert [6] == chosen
