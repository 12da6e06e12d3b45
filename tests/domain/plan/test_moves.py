"""A re-plan never moves anybody to a later wave without saying so (issue 5)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.plan.comparison import LATER, Move, PlanComparison, about_moves
from rollout.domain.plan.entries import AccountPlan
from rollout.domain.plan.waves import Wave, wave_of
from tests.builders import a_ref, a_user, an_account, an_account_plan, an_entry

ORDER = ("canary", "early", "rest")


def compared(before: AccountPlan, after: AccountPlan) -> PlanComparison:
    comparison = PlanComparison("k3f9", ORDER)
    comparison.see(before, after)
    return comparison


def later(was: str, now: str) -> tuple[Move, ...]:
    return compared(in_wave(was), in_wave(now)).moves


def in_wave(wave: str) -> AccountPlan:
    return an_account_plan(an_entry(wave=wave))


def test_who_goes_later_is_named():
    assert (Move(a_ref("alice").arn, "canary", "rest"),) == later("canary", "rest")


def test_who_goes_earlier_or_as_before_is_not():
    assert () == later("rest", "canary")
    assert () == later("early", "early")


def test_of_a_wave_that_is_there_no_more_nobody_can_tell():
    """So its users are named, too."""
    assert 1 == len(later("pilot", "canary"))


def test_who_is_new_or_not_to_be_enforced_any_more_has_not_moved():
    known, held = in_wave("canary"), an_account_plan(an_entry("alice", "hold"))
    assert () == compared(known, an_account_plan(an_entry("bob", wave="rest"))).moves
    assert () == compared(known, held).moves
    assert () == compared(held, in_wave("rest")).moves


def test_later_moves_come_first_and_all_of_them():
    """However long the list of differences, nobody of these is cut off."""
    names = [f"user-{number:03}" for number in range(60)]
    known = an_account_plan(*(an_entry(name, wave="canary") for name in names))
    lines = list(compared(known, an_account_plan(*(an_entry(name) for name in names))).lines())
    assert "MOVED TO A LATER WAVE since plan k3f9: 60 users" == lines[0]
    assert [f"  {a_ref(name).arn}: wave canary -> wave rest" for name in names] == lines[1:61]
    assert "Since plan k3f9: 60 differences" == lines[61]


def test_the_plan_keeps_them_for_its_review_a_finding_for_each_pair_of_waves():
    moves = [
        Move("arn:b", "canary", "rest"),
        Move("arn:a", "canary", "early"),
        Move("arn:c", "canary", "rest"),
    ]
    found = list(about_moves(moves, "k3f9"))
    assert [LATER, LATER] == [finding.code for finding in found]
    assert [
        "1 user has moved from wave canary to wave early since plan k3f9: arn:a",
        "2 users have moved from wave canary to wave rest since plan k3f9: arn:b, arn:c",
    ] == [finding.text for finding in found]


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.sampled_from(ORDER), st.sampled_from(ORDER)))
)
def test_exactly_those_are_named_whose_wave_comes_later(waves: dict[str, tuple[str, str]]):
    known = an_account_plan(*(an_entry(name, wave=was) for name, (was, _) in waves.items()))
    moves = compared(
        known, an_account_plan(*(an_entry(name, wave=now) for name, (_, now) in waves.items()))
    ).moves
    expected = {name for name, (was, now) in waves.items() if ORDER.index(now) > ORDER.index(was)}
    assert expected == {move.arn.rsplit("/", 1)[-1] for move in moves}


@given(st.integers(0, 10**6), st.floats(0, 100), st.floats(0, 100))
def test_a_larger_first_wave_moves_people_forward_and_nobody_back(number: int, one: float, other: float):
    small, large = sorted((one, other))
    user, account = a_user(f"user-{number}"), an_account()
    before = wave_of(user, account, (Wave("first", percent=small), Wave("rest")))
    after = wave_of(user, account, (Wave("first", percent=large), Wave("rest")))
    assert before is not None
    assert after is not None
    assert ("first", "rest") != (before.name, after.name)
