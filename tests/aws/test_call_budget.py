"""How fast calls may be made: never faster than the budget allows, half as fast after a throttle, slowly more again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.awsapi.call_budget import AT_ONCE, CallBudget

WAITS = st.floats(0, 30)


def budget(rate: float = 50.0, burst: float = 50.0) -> CallBudget:
    return CallBudget.new(rate, burst, 0.5, at=0.0)


def test_the_first_throttle_halves_the_pace():
    assert 25 == budget().throttled(0.0).rate


def test_throttles_of_what_was_under_way_count_once():
    slow = budget().throttled(0.0)
    for moment in (0.1, 0.5, AT_ONCE - 0.01):
        slow = slow.throttled(moment)
    assert slow.rate > 25


def test_half_of_the_pace_comes_back_within_five_seconds_and_not_sooner():
    slow = budget().throttled(0.0)
    assert slow.now(4.9).rate < 50
    assert 50 == slow.now(5.1).rate


def test_a_clock_that_stands_still_or_goes_back_harms_nothing():
    then, _ = budget().take(10.0)
    back, wait = then.take(3.0)
    assert (0.0, 10.0) == (wait, back.at)


@given(st.lists(st.tuples(WAITS, st.booleans()), max_size=60), st.floats(1, 200), st.floats(1, 200))
def test_the_pace_stays_between_its_bounds_whatever_happens(
    events: list[tuple[float, bool]], rate: float, burst: float
):
    now, one = 0.0, budget(rate, burst)
    for wait, throttled in events:
        now += wait
        one = one.throttled(now) if throttled else one.take(now)[0]
        assert 0.5 <= one.rate <= rate
        assert one.tokens <= burst


@given(st.lists(st.floats(0, 2), min_size=1, max_size=80), st.floats(1, 100), st.floats(1, 50))
def test_no_more_calls_go_out_than_burst_and_rate_allow(gaps: list[float], rate: float, burst: float):
    """In whatever span: those who wait for their turn included."""
    now, one = 0.0, budget(rate, burst)
    sent: list[float] = []
    for gap in gaps:
        now += gap
        one, wait = one.take(now)
        sent.append(now + wait)
    for count, moment in enumerate(sent, start=1):
        assert count <= burst + rate * moment + 1 + 1e-6


@given(st.lists(st.floats(0, 10), max_size=40), st.floats(0, 20))
def test_who_was_throttled_more_often_is_never_faster(moments: list[float], later: float):
    calm = throttled = budget()
    for moment in sorted(moments):
        throttled = throttled.throttled(moment)
        calm = calm.now(moment)
        assert throttled.rate <= calm.rate
    assert throttled.now(10 + later).rate == pytest.approx(
        min(50.0, throttled.rate + (10 + later - throttled.at) * 5)
    )
