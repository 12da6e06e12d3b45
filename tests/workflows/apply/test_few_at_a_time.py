"""A few changes at a time, never more than may still fail and one; what threads do, one after the other does too."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.gates import Tolerance
from rollout.domain.gates.budget import Budget
from rollout.domain.policy.changes import AddMember, Applied, Change, Failed, name
from rollout.domain.progress.records import Intent, Settled, UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.execution.threads import ThreadEngine
from rollout.workflows.account_run.failure_budgets import Budgets
from rollout.workflows.ports import Refusal
from tests.fakes import FakeAccount
from tests.workflows.world import World, a_copy, a_person, placements

ACCOUNTS = [f"{number:012d}" for number in range(1, 5)]


def crowd(each: int = 10, accounts: int = 4) -> World:
    """Accounts full of people who can go at once."""
    return World(
        *(
            a_person(f"user-{account_id[-1]}-{number:02}", account_id=account_id)
            for account_id in ACCOUNTS[:accounts]
            for number in range(each)
        )
    ).planned()


@dataclass
class Crossing:
    """Keeps changes under way until as many as can be have come together; says how many that were at most."""

    meet: int
    fails: Callable[[Change], bool] = lambda _: False
    under_way: int = 0
    most: int = 0
    together: list[int] = field(default_factory=list)
    _all_there: threading.Condition = field(default_factory=threading.Condition)

    def cross(self, change: Change) -> None:
        if not isinstance(change, AddMember):
            return
        with self._all_there:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self._all_there.notify_all()
            # Whoever may come, comes; a moment is enough, for nothing else is waited for.
            self._all_there.wait_for(lambda: self.most >= self.meet, timeout=0.2)
            self.together.append(self.under_way)
            self.under_way -= 1
        if self.fails(change):
            raise Refusal("AccessDenied: refused by the test")


def through(world: World, crossing: Crossing) -> None:
    """Let every addition in every account go through the crossing, without the account's own lock."""
    for account in world.accounts.values():
        make = account.make

        def cross_first(change: Change, make=make):
            crossing.cross(change)
            return make(change)

        account.make = cross_first  # type: ignore[method-assign]  # replaced for this test


def enforce(world: World, *, accounts: int = 4, within: int = 4, stop: threading.Event | None = None):
    run = world.run(engine=ThreadEngine(accounts, stop), within=ThreadEngine(within, stop))
    return world.apply(Stage.ENFORCE, run)


def test_inside_one_account_as_many_are_under_way_as_the_engine_takes():
    world, crossing = crowd(accounts=1), Crossing(meet=4)
    through(world, crossing)
    enforce(world)
    assert 4 == crossing.most
    assert 10 == len(world.enforced)


def test_foundations_come_first_and_one_after_the_other():
    world = crowd(accounts=1)
    enforce(world)
    kinds = [type(change).__name__ for change in world.written]
    assert ["CreatePolicy", "CreateVersion", "CreateGroup", "AttachToGroup"] == kinds[:4]
    assert {"AddMember"} == set(kinds[4:])


@pytest.mark.parametrize("may_fail", [0, 1, 2, 5])
def test_over_all_accounts_no_more_are_under_way_than_may_fail_and_one(may_fail):
    world, crossing = crowd(), Crossing(meet=may_fail + 1)
    world.gates = world.gates.changed(failure_tolerance=Tolerance(may_fail, 100))
    through(world, crossing)
    enforce(world)
    assert may_fail + 1 == crossing.most
    assert 40 == len(world.enforced)


@pytest.mark.parametrize("may_fail", [0, 1, 2, 5])
def test_however_threads_run_one_more_fails_than_may_and_no_other_is_tried(may_fail):
    world, crossing = crowd(), Crossing(meet=may_fail + 1, fails=lambda _: True)
    world.gates = world.gates.changed(failure_tolerance=Tolerance(may_fail, 100))
    through(world, crossing)
    answer = enforce(world)
    assert may_fail + 1 == len(crossing.together) == answer.tally["failed"]
    assert 40 - may_fail - 1 == answer.tally["budget"]
    assert ("rest",) == answer.stopped
    left = Counter(skipped.code for skipped in world.records(UserSkipped))
    failed = [settled for settled in world.records(Settled) if isinstance(settled.outcome, Failed)]
    assert ({"budget": 40 - may_fail - 1}, may_fail + 1) == (left, len(failed))


def test_as_failures_come_fewer_are_under_way():
    """Three may fail: four together at first, then one less for each failure, and in the end one after the other."""
    world = crowd()
    world.gates = world.gates.changed(failure_tolerance=Tolerance(3, 100))
    failed: list[str] = []
    seen: list[tuple[int, int]] = []
    lock, under_way = threading.Lock(), [0]

    def make_slowly(account: FakeAccount, make: Callable[[Change], object]) -> Callable[[Change], object]:
        def slowly(change: Change) -> object:
            if not isinstance(change, AddMember):
                return make(change)
            with lock:
                under_way[0] += 1
                seen.append((len(failed), under_way[0]))
            try:
                if change.user.name.endswith(("-03", "-06")):
                    with lock:
                        failed.append(change.user.name)
                    raise Refusal("AccessDenied")
                return make(change)
            finally:
                with lock:
                    under_way[0] -= 1

        return slowly

    for account in world.accounts.values():
        account.make = make_slowly(account, account.make)  # type: ignore[assignment,method-assign]  # replaced for this test
    answer = enforce(world)
    assert 4 == answer.tally["failed"]
    assert all(together <= 4 for _, together in seen)
    assert ("rest",) == answer.stopped


def test_threads_make_no_difference_to_what_comes_of_it():
    ready = crowd()
    ideal = a_copy(ready)
    ideal.enforce()
    world = a_copy(ready)
    enforce(world)
    assert ideal.state == world.state
    assert Counter(map(name, ideal.written)) == Counter(map(name, world.written))
    assert ideal.done.placed.keys() == world.done.placed.keys()
    assert (Stage.ENFORCE, "rest") in world.done.carried


def test_every_intent_has_its_number_and_its_outcome():
    world = crowd()
    enforce(world)
    numbers = [intent.number for intent in world.records(Intent)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert sorted(numbers) == sorted(record.number for record in world.records(Settled))
    assert all(isinstance(done.outcome, Applied) for done in world.done.changes)


def test_every_user_is_counted_as_progress_once():
    world = crowd()
    world.progress.counted = 0
    enforce(world)
    assert 40 == world.progress.counted
    assert "Enforcing: 40" == world.progress.said[-1]


def test_asked_to_stop_the_changes_in_hand_are_finished_and_no_other_begun():
    world, stop = crowd(accounts=1), threading.Event()
    world.stopping = stop.is_set
    crossing = Crossing(meet=4)
    through(world, crossing)
    world.account.before_write = lambda change: stop.set() if isinstance(change, AddMember) else None
    answer = enforce(world, stop=stop)
    assert answer.interrupted
    assert 1 <= len(placements(world.written)) <= 4
    assert all(done.outcome is not None for done in world.done.changes)
    assert [] == world.records(UserSkipped)
    stop.clear()
    world.account.before_write = lambda _: None
    enforce(world)
    assert 10 == len(world.enforced)


def test_a_lock_lost_in_the_middle_is_seen_by_every_thread():
    world = crowd()
    lost = threading.Event()

    def take_over(change: Change) -> None:
        if isinstance(change, AddMember):
            lost.set()
            world.lock.holder = "ben on desktop-3"

    for account in world.accounts.values():
        account.before_write = take_over
    with pytest.raises(Exception, match="ben on desktop-3"):
        enforce(world)
    assert len(placements(world.written)) <= 16  # those in hand
    assert all(done.outcome is not None for done in world.done.changes)


# --- The budgets that threads share ---


def test_who_waits_for_the_budget_is_let_go_when_it_is_spent():
    budgets = Budgets({"rest": Budget(0)}, {"rest": 9})
    answers: list[bool] = []
    started = threading.Barrier(3)

    def wait_for_one() -> None:
        started.wait()
        with budgets.change("rest") as begun:
            answers.append(begun)

    with budgets.change("rest") as begun:
        assert begun
        waiting = [threading.Thread(target=wait_for_one) for _ in range(2)]
        for thread in waiting:
            thread.start()
        started.wait()
        budgets.fail("rest", "AIDA-1")
    for thread in waiting:
        thread.join(5)
    assert [False, False] == answers
    assert {"rest"} == budgets.stopped
    assert '1 of 9 users of wave "rest" failed (limit 0)' == budgets.describe("rest")


def test_a_wave_without_a_budget_has_no_limit():
    budgets = Budgets()
    budgets.fail("rest", "AIDA-1")
    with budgets.change("rest") as one, budgets.change("rest") as other:
        assert one
        assert other
    assert not budgets.spent("rest")
    assert frozenset() == budgets.stopped


def test_waves_do_not_pay_for_each_other():
    budgets = Budgets({"canary": Budget(0), "rest": Budget(0)})
    budgets.fail("canary", "AIDA-1")
    with budgets.change("rest") as begun:
        assert begun
    with budgets.change("canary") as begun:
        assert not begun
    assert {"canary"} == budgets.stopped


def test_a_change_that_raises_has_ended():
    budgets = Budgets({"rest": Budget(0)})
    for _ in range(3):
        with pytest.raises(KeyError), budgets.change("rest"):
            raise KeyError
    with budgets.change("rest") as begun:
        assert begun


@settings(max_examples=20)
@given(st.integers(0, 4), st.lists(st.booleans(), max_size=30), st.integers(1, 6))
def test_whatever_fails_in_whatever_thread_no_more_than_one_too_many_fail(limit, outcomes, workers):
    budgets = Budgets({"rest": Budget(limit)}, {"rest": len(outcomes)})
    tried: list[int] = []

    def work(number: int) -> bool:
        with budgets.change("rest") as begun:
            if begun:
                tried.append(number)
                if not outcomes[number]:
                    budgets.fail("rest", f"AIDA-{number}")
            return begun

    answers = list(ThreadEngine(workers).map(work, range(len(outcomes))))
    failed = sum(not outcomes[number] for number in tried)
    assert failed <= limit + 1
    if outcomes.count(False) > limit:
        assert limit + 1 == failed
    else:
        assert len(outcomes) == len(tried) == sum(begun for _, begun in answers)
