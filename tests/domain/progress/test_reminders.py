"""Once for each mark before the day told, and never of another day (design.md#stages-and-gates)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.progress.records import Reminded
from rollout.domain.progress.reminders import mark_due
from tests.builders import NOW, a_reminder, a_told

WEEK, DAY = timedelta(days=7), timedelta(days=1)
MARKS = (WEEK, DAY)
TOLD = a_told()
DUE = TOLD.due


def due(at: datetime, *reminded: Reminded, marks: tuple[timedelta, ...] = MARKS) -> timedelta | None:
    return mark_due(TOLD, marks, reminded, at)


@pytest.mark.parametrize(
    ("at", "mark"),
    [
        (NOW, None),
        (DUE - WEEK - timedelta(seconds=1), None),
        (DUE - WEEK, WEEK),
        (DUE - DAY - timedelta(seconds=1), WEEK),
        (DUE - DAY, DAY),
        (DUE - timedelta(seconds=1), DAY),
        (DUE, None),
        (DUE + DAY, None),
    ],
)
def test_a_mark_is_due_from_its_moment_until_the_day_told(at, mark):
    assert mark == due(at)


def test_each_mark_is_due_once():
    sent = a_reminder(at=DUE - WEEK)
    assert None is due(DUE - WEEK + DAY, sent)
    assert DAY == due(DUE - DAY, sent)
    assert None is due(DUE - DAY, sent, a_reminder(at=DUE - DAY, mark=DAY))


def test_one_reminder_stands_for_all_marks_that_have_passed():
    """Nobody ran the command for a week: the person is not reminded twice on one day."""
    late = a_reminder(at=DUE - DAY, mark=DAY)
    assert DAY == due(DUE - DAY)
    assert None is due(DUE - DAY, late)


def test_a_mark_that_had_passed_when_the_notice_went_out_asks_for_nothing():
    """With a lead time of five days, a notice is reminder enough for the week before."""
    told = a_told(due=(NOW + timedelta(days=5)).date())
    assert None is mark_due(told, MARKS, (), NOW + timedelta(hours=1))
    day = told.due
    assert DAY == mark_due(told, MARKS, (), day - DAY)


def test_a_reminder_that_could_not_be_sent_is_tried_again():
    assert WEEK == due(DUE - WEEK + DAY, a_reminder(at=DUE - WEEK, delivery="refused"))


def test_reminders_of_an_earlier_notice_say_nothing_of_this_one():
    assert WEEK == due(DUE - WEEK, a_reminder(at=NOW - DAY))
    assert WEEK == due(DUE - WEEK, a_reminder(due=TOLD.due - DAY))


def test_without_marks_nobody_is_reminded():
    assert None is due(DUE - DAY, marks=())


spans = st.integers(1, 30 * 24).map(lambda hours: timedelta(hours=hours))


@given(st.lists(spans, max_size=5), st.lists(st.integers(0, 16 * 24), max_size=60))
def test_whenever_the_command_runs_nobody_is_reminded_more_than_once_a_mark(marks, hours):
    sent: list[Reminded] = []
    for hour in sorted(hours):
        now = NOW + timedelta(hours=hour)
        mark = mark_due(TOLD, marks, sent, now)
        if mark is not None:
            assert mark in marks
            assert DUE - mark <= now < DUE
            sent.append(a_reminder(at=now, due=TOLD.due, mark=mark))
    assert len({one.mark for one in sent}) == len(sent)
    assert sorted((one.mark for one in sent), reverse=True) == [one.mark for one in sent]
