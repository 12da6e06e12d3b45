"""A run that has lost its lock, or failed too often, begins nothing more.

See design.md#stages-and-gates, design.md#apply-journal-store.
"""

from __future__ import annotations

import pytest

from rollout.domain.gates import Tolerance
from rollout.domain.policy.changes import AddMember, CreatePolicy
from rollout.domain.progress.records import RunEnded, UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.errors import LockHeld, Refused
from tests.fakes import Trouble
from tests.workflows.apply.test_killed import keeps_the_promise, undisturbed
from tests.workflows.world import World, a_cli_user, a_copy, a_person, placements

OTHER = "222233334444"
RIVAL = "ben on desktop-3 (process 815)"


def is_an_addition(change: object) -> bool:
    return isinstance(change, AddMember)


# --- The lock ---


@pytest.mark.parametrize("writes", [1, 3, 6, 8])
def test_a_run_that_has_lost_its_lock_finishes_the_change_in_hand_and_stops(writes):
    """Somebody took it over in the belief that we are dead: from here on it is their turn."""
    ripe = World(a_person("alice"), a_person("bob"), a_cli_user("carl", account_id=OTHER)).ripe()
    ideal, world = undisturbed(ripe, Stage.ENFORCE), a_copy(ripe)

    def take_over(_: object) -> None:
        if len(world.attempted) == writes:
            world.lock.holder = RIVAL

    for account in world.accounts.values():
        account.before_write = take_over
    with pytest.raises(LockHeld, match="this run lost its lock and stopped; ben on desktop-3") as ended:
        world.enforce()
    assert 5 == ended.value.exit_code
    assert writes == len(world.attempted)
    assert "lock lost" == world.records(RunEnded)[-1].ending
    assert (Stage.ENFORCE, "rest") not in world.done.carried
    assert world.lock.holder == RIVAL

    world.lock.holder = ""
    world.enforce()
    keeps_the_promise(world, ideal)


def test_nobody_is_told_by_a_run_that_has_lost_its_lock():
    world = World(a_cli_user("ana"), a_cli_user("ben")).planned()
    account = world.account
    account.after_read = lambda: setattr(world.lock, "holder", RIVAL)
    with pytest.raises(LockHeld):
        world.notify()
    assert [] == world.notifier.sent
    assert (Stage.NOTIFY, "rest") not in world.done.carried


# --- The failure budget ---


def five_people(count: int, percent: float = 100) -> World:
    world = World(*(a_person(f"user-{number}") for number in range(5))).planned()
    world.gates = world.gates.changed(failure_tolerance=Tolerance(count, percent))
    return world


@pytest.mark.parametrize("may_fail", [0, 1, 2])
def test_after_one_failure_more_than_may_be_nobody_else_is_tried(may_fail):
    world = five_people(may_fail)
    world.account.fail(Trouble.REFUSED, is_an_addition, times=99)
    answer = world.enforce()
    assert may_fail + 1 == len(placements(world.attempted))
    assert (may_fail + 1, 4 - may_fail) == (answer.tally["failed"], answer.tally["budget"])
    assert ("rest",) == answer.stopped
    assert "stopped by failure_tolerance" == world.records(RunEnded)[-1].ending
    assert (Stage.ENFORCE, "rest") not in world.done.carried


def test_the_next_run_is_refused_with_the_numbers_until_somebody_overrides():
    world = five_people(1)
    world.account.fail(Trouble.REFUSED, is_an_addition, times=2)
    world.enforce()
    with pytest.raises(Refused, match=r"2 of 5 users failed \(limit 1\)") as refusal:
        world.enforce()
    assert 5 == refusal.value.exit_code
    assert 2 == len(placements(world.attempted))
    world.enforce(overrides={"failure_tolerance": "the role was mended"})
    assert 5 == len(world.enforced)
    assert (Stage.ENFORCE, "rest") in world.done.carried


def test_a_failure_that_was_made_good_counts_no_more():
    world = five_people(1)
    world.account.fail(Trouble.REFUSED, is_an_addition)
    world.enforce()
    world.enforce()
    assert 5 == len(world.enforced)
    world.enforce()
    assert 0 == len(world.done.failed_users("rest"))


def test_the_smaller_of_count_and_percentage_counts():
    world = five_people(3, percent=20)
    world.account.fail(Trouble.REFUSED, is_an_addition, times=99)
    world.enforce()
    assert 2 == len(placements(world.attempted))


def test_a_foundation_that_fails_counts_every_user_who_needs_it():
    """Users fail, not writes: one account whose policy is refused may be a whole wave."""
    world = World(
        *(a_person(f"user-{number}") for number in range(3)), a_person("bob", account_id=OTHER)
    ).planned()
    world.gates = world.gates.changed(failure_tolerance=Tolerance(1, 100))
    world.account.fail(Trouble.REFUSED, lambda change: isinstance(change, CreatePolicy))
    answer = world.enforce()
    assert (3, 1) == (answer.tally["failed"], answer.tally["budget"])
    assert [] == world.accounts[OTHER].attempted
    assert "budget" in {passed.code for passed in world.records(UserSkipped)}


def test_a_rehearsal_knows_no_budget():
    """It cannot fail anybody."""
    world = five_people(0)
    rehearsal, _, _ = world.rehearse()
    assert 5 == rehearsal.tally["enforced"]


def test_who_is_gone_is_no_failure():
    world = five_people(0)
    account = world.account

    def delete(change: object) -> None:
        if isinstance(change, AddMember) and change.user.name == "user-0":
            account.remove("user-0")

    account.before_write = delete
    assert 4 == world.enforce().tally["enforced"]
