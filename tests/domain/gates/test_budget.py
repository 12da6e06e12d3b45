"""How many users may still fail, and so how many changes may be under way (design.md#stages-and-gates)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rollout.domain.gates.budget import Budget


def begun(times: int, limit: int) -> Budget:
    budget = Budget(limit)
    for _ in range(times):
        budget = budget.begin()
    return budget


def test_as_many_changes_as_may_fail_and_one_more_are_under_way():
    assert begun(3, limit=3).may_begin
    assert not begun(4, limit=3).may_begin
    assert Budget(0).may_begin
    assert not begun(1, limit=0).may_begin


def test_each_failure_leaves_room_for_one_less():
    budget = begun(4, limit=3).fail(["a"]).end()
    assert (2, 3, False) == (budget.left, budget.under_way, budget.may_begin)
    assert budget.end().may_begin


def test_it_is_spent_when_one_more_has_failed_than_may():
    assert not Budget(1).fail(["a"]).spent
    spent = Budget(1).fail(["a"]).fail(["b"])
    assert spent.spent
    assert not spent.may_begin


def test_what_is_spent_stays_so_whoever_is_made_good_after():
    """Otherwise the run would begin again what it has reported as stopped."""
    assert Budget(1).fail(["a", "b"]).mend(["a", "b"]).spent


def test_a_user_fails_once_however_often():
    assert 2 == Budget(3).fail(["a"]).fail(["a"]).left


def test_failures_of_earlier_runs_count_until_they_are_made_good():
    before = Budget(1, frozenset({"a"}))
    assert (0, True) == (before.left, before.may_begin)
    assert 1 == before.mend(["a"]).left
    assert Budget(1, frozenset({"a", "b"})).spent


def test_without_a_limit_everything_may_begin():
    budget = Budget().fail([str(number) for number in range(1000)]).begin().begin()
    assert (None, False, True) == (budget.left, budget.spent, budget.may_begin)


def test_nothing_begins_or_ends_that_may_not():
    with pytest.raises(ValueError, match="no change may begin"):
        begun(1, limit=0).begin()
    with pytest.raises(ValueError, match="no change is under way"):
        Budget(3).end()


class OneUserAtATime(RuleBasedStateMachine):
    """Changes of one user each, that begin when they may and end well or badly in any order."""

    @initialize(limit=st.integers(0, 6), before=st.integers(0, 8))
    def start(self, limit: int, before: int) -> None:
        self.limit = limit
        self.earlier = [f"earlier-{number}" for number in range(before)]
        self.budget = Budget(limit, frozenset(self.earlier))
        self.under_way: list[str] = []
        self.users = 0
        self.spent = self.budget.spent

    @precondition(lambda self: self.budget.may_begin)
    @rule(again=st.booleans())
    def begin(self, again: bool) -> None:
        self.budget = self.budget.begin()
        if again and self.earlier:
            self.under_way.append(self.earlier.pop())
            return
        self.users += 1
        self.under_way.append(f"user-{self.users}")

    @precondition(lambda self: self.under_way)
    @rule(place=st.integers(0, 20), good=st.booleans())
    def end(self, place: int, good: bool) -> None:
        user = self.under_way.pop(place % len(self.under_way))
        self.budget = self.budget.mend([user]) if good else self.budget.fail([user])
        self.budget = self.budget.end()

    @rule()
    def wait(self) -> None:
        """Nothing happens: a budget that is spent leaves nothing else to do."""

    @invariant()
    def never_more_than_one_beyond_the_limit_fail(self) -> None:
        if not hasattr(self, "limit"):
            return
        new = {user for user in self.budget.failed if user.startswith("user-")}
        if len(self.budget.failed) - len(new) <= self.limit:
            assert len(self.budget.failed) <= self.limit + 1

    @invariant()
    def no_more_are_under_way_than_may_fail_and_one(self) -> None:
        if not hasattr(self, "limit"):
            return
        if not self.budget.spent and self.budget.left is not None:
            assert self.budget.under_way <= self.budget.left + 1
        assert self.budget.under_way == len(self.under_way)

    @invariant()
    def once_spent_always_spent(self) -> None:
        if hasattr(self, "limit"):
            assert self.budget.spent >= self.spent
            self.spent = self.budget.spent


TestOneUserAtATime = OneUserAtATime.TestCase


@given(st.integers(0, 20), st.lists(st.booleans(), max_size=60))
def test_one_after_the_other_a_wave_stops_right_after_the_failure_that_is_too_much(
    limit: int, goes_well: list[bool]
):
    budget = Budget(limit)
    tried = 0
    for number, good in enumerate(goes_well):
        if not budget.may_begin:
            break
        tried += 1
        budget = budget.begin()
        budget = budget if good else budget.fail([str(number)])
        budget = budget.end()
    failures = [number for number, good in enumerate(goes_well) if not good]
    expected = failures[limit] + 1 if len(failures) > limit else len(goes_well)
    assert expected == tried
