"""One number and one unit: what is written is what is meant."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.settings import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("14d", timedelta(days=14)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("0d", timedelta(0)),
        ("007d", timedelta(days=7)),
    ],
)
def test_a_duration_is_read(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "d", "14", "14 d", "14D", "1d12h", "-1d", "1.5d", "2w", "10s", "\u0661d", "14d\n", "1e3d"]
)
def test_everything_else_is_refused(text):
    with pytest.raises(ValueError, match="is not a duration; write a number and a unit: 14d, 12h or 30m"):
        parse_duration(text)


def test_ten_years_is_enough():
    assert parse_duration("3650d") == timedelta(days=3650)
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration("3651d")


@pytest.mark.parametrize(
    ("text", "short"), [("48h", "2d"), ("36h", "36h"), ("90m", "90m"), ("120m", "2h"), ("0m", "0d")]
)
def test_a_duration_is_written_in_the_largest_unit_that_holds_it(text, short):
    assert duration_text(parse_duration(text)) == short


@given(
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=690)).map(
        lambda span: span // timedelta(minutes=1)
    )
)
def test_what_is_written_reads_back_as_the_same(minutes):
    duration = timedelta(minutes=minutes)
    assert parse_duration(duration_text(duration)) == duration
