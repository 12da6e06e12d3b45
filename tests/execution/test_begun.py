"""What is begun at once is there, or has failed, when it is needed."""

from __future__ import annotations

from threading import Event

import pytest

from rollout.execution.begun import begun


def test_it_is_done_before_anybody_asks():
    done = Event()
    begun(done.set)
    assert done.wait(10)


def test_whoever_needs_it_waits_and_all_get_the_same():
    answer = begun(object)
    assert answer() is answer()


def test_an_error_is_raised_where_the_answer_is_needed():
    answer = begun(lambda: 1 / 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            answer()
