"""Who moved from where to where: everybody is counted once, in whatever order and from whichever side one looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.status.movements import GONE, NEW, Movements, Standing, compared, planned
from rollout.domain.verdicts.verdict import Kind
from tests.builders import an_account_plan, an_entry

Look = Mapping[str, Mapping[str, str]]
places = st.sampled_from(["told", "held", "enforced", "waiting"])
# A user lives in one account: the first sign of the id says which.
looks = st.dictionaries(st.sampled_from(["a1", "a2", "a3", "b1", "b2", "c1"]), places).map(
    lambda users: {
        account: {user: place for user, place in users.items() if user[0] == account}
        for account in sorted({user[0] for user in users})
    }
)


def moves(before: Look, after: Look) -> Movements:
    def accounts(look: Look):
        return (
            (account, [Standing(user, user, place) for user, place in look[account].items()])
            for account in look
        )

    return compared("then", accounts(before), "now", accounts(after))


def everybody(look: Look) -> dict[str, str]:
    return {user: place for users in look.values() for user, place in users.items()}


@given(looks, looks)
def test_those_who_moved_lead_from_one_look_to_the_other(before: Look, after: Look):
    found = moves(before, after)
    then = Counter(everybody(before).values())
    for one in found.moved:
        then.subtract([] if one.was == NEW else [one.was])
        then.update([] if one.now == GONE else [one.now])

    assert +then == Counter(everybody(after).values())
    assert all(one.was != one.now for one in found.moved)
    assert len(everybody(before) | everybody(after)) == len(found.moved) + found.stayed


@given(looks, looks)
def test_seen_from_the_other_side_everybody_comes_back(before: Look, after: Look):
    other = {NEW: GONE, GONE: NEW}
    back = {
        (one.arn, other.get(one.now, one.now), other.get(one.was, one.was))
        for one in moves(after, before).moved
    }
    assert back == {(one.arn, one.was, one.now) for one in moves(before, after).moved}


@given(looks, looks)
def test_the_ways_count_everybody_who_moved_and_the_widest_comes_first(before: Look, after: Look):
    found = moves(before, after)
    numbers = [len(users) for users in found.ways.values()]
    assert numbers == sorted(numbers, reverse=True)
    assert len(found.moved) == sum(numbers)


def test_a_plan_puts_its_users_into_words():
    before = [an_account_plan(an_entry("alice", impact="enrol"), an_entry("bob", Kind.HOLD))]
    after = [an_account_plan(an_entry("alice", impact="cli", wave="canary"), an_entry("bob", Kind.HOLD))]
    found = compared("plan a", planned(before), "plan b", planned(after))

    assert [("enforce enrol, wave rest", "enforce cli, wave canary")] == list(found.ways)
    assert 1 == found.stayed
