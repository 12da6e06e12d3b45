"""What is asked side by side is there, or has failed, when it is needed."""

from __future__ import annotations

from threading import Event

import pytest

from rollout.awsapi.side_by_side import begun, both, side_by_side


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


def test_answers_come_in_the_order_of_the_items():
    assert [str(number) for number in range(50)] == side_by_side(str, range(50))


def test_after_an_error_no_more_are_begun():
    asked: list[int] = []

    def ask(number: int) -> int:
        asked.append(number)
        return 1 // number

    with pytest.raises(ZeroDivisionError):
        side_by_side(ask, [0] * 8 + list(range(1, 1000)))
    assert len(asked) < 1000


def test_whoever_interrupts_does_not_wait_for_the_other_question():
    answered = Event()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        both(interrupt, answered.wait)  # nobody will ever answer
    assert not answered.is_set()
