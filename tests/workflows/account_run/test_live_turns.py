"""Users of a large account are read anew page by page: by few calls, and none of them is older than the limit."""

from __future__ import annotations

from datetime import datetime, timedelta

from rollout.domain.people.users import FRESH_FOR, User
from rollout.domain.policy.changes import AddMember, Change
from rollout.domain.progress.records import UserSkipped
from tests.fakes import FakeAccount, Trouble
from tests.workflows.apply.test_drift import FORCES_MFA
from tests.workflows.world import World, a_person

ONE_BY_ONE = "credentials_now"


def a_world(users: int) -> World:
    world = World(*(a_person(f"user-{number:03}") for number in range(users))).planned()
    world.account.asked.clear()
    return world


def slow(world: World, seconds: float) -> list[timedelta]:
    """Let each question about a password take so long; collect how old what is known is at each write."""
    asked: dict[str, datetime] = {}
    ages: list[timedelta] = []

    def after_asking(user: User) -> None:
        asked[user.id] = min(user.facts_at, user.rights_at)
        world.clock.advance(timedelta(seconds=seconds))

    def before_write(change: Change) -> None:
        if isinstance(change, AddMember):
            ages.append(world.clock.now() - asked[change.user.id])

    world.account.after_asking, world.account.before_write = after_asking, before_write
    return ages


def test_an_account_takes_two_pages_for_each_fifty():
    world = a_world(100)
    world.enforce()
    assert 100 == len(world.enforced)
    assert (4, 0) == (world.account.asked.count("page_now"), world.account.asked.count(ONE_BY_ONE))


def test_where_aws_is_slow_pages_become_as_small_as_can_be_written_in_time():
    world = a_world(60)
    ages = slow(world, seconds=1)
    world.enforce()
    assert 60 == len(world.enforced)
    assert max(ages) <= FRESH_FOR
    assert 0 == world.account.asked.count(ONE_BY_ONE)
    assert world.account.asked.count("page_now") <= 60, (
        "three questions a user leave time for two users a page"
    )


def test_where_aws_is_slower_than_any_page_lasts_everybody_is_still_asked_in_time():
    world = a_world(8)
    ages = slow(world, seconds=8)
    world.enforce()
    assert (8, 8) == (len(world.enforced), len(ages))
    assert max(ages) <= FRESH_FOR


def test_few_among_many_are_read_by_one_large_page():
    users = [a_person(f"user-{number:03}") for number in range(300)]
    world = World(*users, canary=[f"user-{number:03}" for number in range(0, 300, 30)]).planned()
    world.account.asked.clear()
    world.enforce()
    assert 10 == len(world.enforced)
    assert (2, 0) == (world.account.asked.count("page_now"), world.account.asked.count(ONE_BY_ONE))


def test_whoever_no_page_shows_is_asked_alone():
    """Somebody was created or renamed between two pages, and the marker passed them by."""
    world = a_world(20)
    page_now = world.account.page_now

    def without_the_first(users, after, size, *, devices=True):
        return page_now({key: one for key, one in users.items() if one.name != "user-000"}, after, size)

    world.account.page_now = without_the_first  # type: ignore[method-assign]  # replaced for this test
    world.enforce()
    assert 20 == len(world.enforced)
    assert 1 == world.account.asked.count(ONE_BY_ONE)


def test_whoever_is_forbidden_more_after_the_page_was_read_is_taken_out_again():
    world = a_world(20)

    def forbid(change: Change) -> None:
        if isinstance(change, AddMember):
            world.change("user-007", inline=(FORCES_MFA,))

    world.account.before_write = forbid
    world.enforce()
    assert 19 == len(world.enforced)
    (skipped,) = world.records(UserSkipped)
    assert ("user-007", "drift") == (skipped.user.name, skipped.code)
    assert "user-007" not in {placed.user.name for placed in world.done.placed.values()}


def test_what_was_placed_is_settled_also_where_the_account_is_lost_midway():
    world = a_world(20)

    def lost(account: FakeAccount) -> None:
        account.fail(Trouble.REFUSED, when=lambda change: isinstance(change, AddMember), times=5)

    lost(world.account)
    world.enforce()
    assert not world.done.open
    assert 15 == len(world.enforced)
