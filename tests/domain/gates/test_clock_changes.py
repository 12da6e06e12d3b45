"""A window where clocks are put on or back: an hour that does not come, and one that comes twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.gates import Freeze, Window

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_opening_that_does_not_come_is_the_moment_after_the_gap():
    """On 2027-03-28 it is 03:00 right after 01:59 in Berlin."""
    night = Window(opens=time(2, 30), closes=time(4), zone=BERLIN)
    assert at("2027-03-28T01:30") == night.next_opening(at("2027-03-27T12:00"))
    assert night.is_open(at("2027-03-28T01:30"))


def test_a_window_that_lies_in_the_gap_does_not_open_that_day():
    gap = Window(opens=time(2, 10), closes=time(2, 50), zone=BERLIN)
    assert at("2027-03-29T00:10") == gap.next_opening(at("2027-03-27T12:00"))


def test_the_hour_that_comes_twice_opens_twice():
    """On 2026-10-25 it is 02:00 right after 02:59 in Berlin."""
    twice = Window(opens=time(2), closes=time(2, 30), zone=BERLIN)
    first, second = at("2026-10-25T00:00"), at("2026-10-25T01:00")
    assert first == twice.next_opening(at("2026-10-24T12:00"))
    assert second == twice.next_opening(first)
    assert [True, False, True, False] == [
        twice.is_open(at(f"2026-10-25T0{hour}:{minute}")) for hour in (0, 1) for minute in ("15", "45")
    ]


def test_office_hours_move_with_the_clock():
    office = Window(opens=time(9), closes=time(16), zone=BERLIN)
    assert at("2026-10-24T07:00") == office.next_opening(at("2026-10-24T03:00"))
    assert at("2026-10-26T08:00") == office.next_opening(at("2026-10-26T03:00"))


@pytest.mark.parametrize(
    ("zone", "opens"),
    [
        ("Asia/Kathmandu", "2026-11-24T18:15"),
        ("America/New_York", "2026-11-25T05:00"),
        ("Pacific/Kiritimati", "2026-11-24T10:00"),
    ],
)
def test_days_are_those_of_the_zone(zone: str, opens: str):
    """Wednesday begins at another moment everywhere."""
    assert at(opens) == Window(("wed",), zone=ZoneInfo(zone)).next_opening(at("2026-11-24T09:00"))


def test_frozen_days_are_those_of_the_zone():
    frozen = Window(zone=ZoneInfo("Asia/Kathmandu"), frozen=(Freeze(date(2026, 12, 24), date(2026, 12, 24)),))
    assert not frozen.is_open(at("2026-12-23T18:15"))
    assert not frozen.is_open(at("2026-12-24T18:14"))
    assert frozen.is_open(at("2026-12-24T18:15"))


@given(
    st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago"]
    ),
    st.integers(0, 23),
    st.integers(0, 3),
    st.integers(0, 365 * 24 * 4),
)
def test_between_now_and_the_next_opening_it_does_not_begin_to_be_open(
    zone: str, hour: int, length: int, quarters: int
):
    closes = time(hour + length) if hour + length < 24 and length else None
    when = Window(opens=time(hour), closes=closes, zone=ZoneInfo(zone))
    now = at("2026-06-01T00:00") + timedelta(minutes=15 * quarters)
    opening = when.next_opening(now)
    assert opening is not None
    assert when.is_open(opening)
    moment, was_open = now, when.is_open(now)
    while moment < min(opening, now + timedelta(days=3)):
        is_open = when.is_open(moment)
        assert was_open or not is_open
        was_open = is_open
        moment += timedelta(minutes=15)
