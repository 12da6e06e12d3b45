"""On which days and hours, in which zone, and never on a frozen date."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.gates import Freeze, GateAnswer, Result, Window
from rollout.domain.gates.window import WINDOW
from tests.domain.gates.asked import ask

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Window(
    ("mon", "tue", "wed", "thu"), time(9), time(16), BERLIN, (Freeze(date(2026, 12, 18), date(2027, 1, 6)),)
)


def window(when: Window, now: datetime) -> GateAnswer:
    return ask(WINDOW, when, now=now)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-24T09:00", True),
        ("2026-11-24T08:00", True),
        ("2026-11-24T07:59:59", False),
        ("2026-11-24T14:59:59", True),
        ("2026-11-24T15:00", False),
        ("2026-11-27T09:00", False),
        ("2026-12-17T09:00", True),
        ("2026-12-18T09:00", False),
        ("2026-12-21T09:00", False),
        ("2027-01-06T09:00", False),
        ("2027-01-07T09:00", True),
        ("2026-07-07T07:00", True),
        ("2026-07-07T06:59", False),
    ],
)
def test_it_is_open_on_its_days_and_hours_in_its_zone(moment: str, is_open: bool):
    assert is_open == OFFICE.is_open(at(moment))
    assert (Result.PASS if is_open else Result.FAIL) == window(OFFICE, at(moment)).result


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-24T03:00", "2026-11-24T08:00"),
        ("2026-11-24T08:00", "2026-11-25T08:00"),
        ("2026-11-26T16:00", "2026-11-30T08:00"),
        ("2026-12-17T20:00", "2027-01-07T08:00"),
    ],
)
def test_it_says_when_it_opens_next(moment: str, opens: str):
    assert at(opens) == OFFICE.next_opening(at(moment))


def test_an_answer_tells_the_local_time_and_the_next_opening():
    answer = window(OFFICE, at("2026-11-27T09:00"))
    assert "Fri 2026-11-27 10:00 CET is outside the window; opens 2026-11-30 08:00 UTC" == answer.detail
    assert at("2026-11-30T08:00") == answer.opens_at


def test_a_window_without_limits_is_always_open():
    assert Window().is_open(at("2026-11-27T23:59"))


def test_a_window_that_never_opens_says_so():
    never = Window(frozen=(Freeze(date(2026, 1, 1), date(2030, 1, 1)),))
    assert None is never.next_opening(at("2026-11-24T09:00"))
    assert "it never opens" in window(never, at("2026-11-24T09:00")).detail
    assert None is Window(days=()).next_opening(at("2026-11-24T09:00"))


ZONES = st.sampled_from(
    [UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]
)
WINDOWS = st.builds(
    Window,
    days=st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1).map(tuple),
    opens=st.integers(0, 22).map(time),
    closes=st.one_of(st.none(), st.just(time(23))),
    zone=ZONES,
    frozen=st.sampled_from([(), (Freeze(date(2026, 12, 18), date(2027, 1, 6)),)]),
)
MOMENTS = st.integers(0, 400 * 24 * 4).map(
    lambda quarters: at("2026-10-01T00:00") + timedelta(minutes=15 * quarters)
)


@given(WINDOWS, MOMENTS)
def test_it_is_open_when_it_opens_and_at_no_quarter_of_an_hour_before(when: Window, now: datetime):
    opening = when.next_opening(now)
    assert opening
    assert opening > now
    assert when.is_open(opening)
    if not when.is_open(now):
        closed = now
        while closed < min(opening, now + timedelta(days=8)):
            assert not when.is_open(closed)
            closed += timedelta(minutes=15)
