"""Room for the policy: live quotas of user and account, both policies counted (DESIGN §5)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.force_mfa.standing import Names, Standing, State, stand
from rollout.domain.force_mfa.via import Via
from rollout.domain.inventory import Quotas
from rollout.domain.verdicts.slots import Room, room_for
from tests.builders import ACCOUNT, a_user, account_facts
from tests.domain.judging import DOCUMENTS, a_managed, ours_in_place

NAMES = Names()


def standing(**facts: Any) -> Standing:
    ours = facts.pop("ours", ())
    return stand(account_facts(**facts), ACCOUNT, "aws", NAMES, DOCUMENTS, frozenset(ours))


def room(
    groups: int = 0,
    policies: int = 0,
    *,
    attach: Via = Via.GROUP,
    enrolment: bool = False,
    quotas: Quotas | None = None,
    there: Standing | None = None,
) -> Room:
    user = a_user(
        groups=tuple(f"g{number}" for number in range(groups)),
        attached=tuple(a_managed(f"p{number}").arn for number in range(policies)),
    )
    return room_for(user, there or standing(), NAMES, quotas or Quotas(), attach, enrolment=enrolment)


def test_a_group_where_there_is_one_free():
    assert Room(Via.GROUP) == room(9, 10)


def test_the_user_where_groups_are_used_up_and_why():
    assert Room(Via.USER, "10 of 10 groups are taken") == room(10, 9)


def test_attach_user_needs_no_excuse():
    assert Room(Via.USER) == room(attach=Via.USER)


def test_nowhere_and_why():
    assert Room(None, "10 of 10 groups are taken; 10 of 10 policies are taken") == room(10, 10)
    assert Room(None, "10 of 10 policies are taken") == room(3, 10, attach=Via.USER)
    two = room(9, 9, enrolment=True)
    assert (
        Room(None, "9 of 10 groups are taken; 9 of 10 policies are taken, and room is needed for two") == two
    )


def test_the_account_itself_may_be_full():
    assert Room(None, "the account can make no more policies") == room(quotas=Quotas(policies_left=0))
    one = room(quotas=Quotas(policies_left=1), enrolment=True)
    assert Room(None, "the account can make 1 more policy, 2 are needed") == one
    assert Room(Via.USER, "the account can make no more groups") == room(quotas=Quotas(groups_left=0))


def test_what_stands_already_needs_no_room_in_the_account():
    full = Quotas(groups_left=0, policies_left=0)
    assert Room(Via.GROUP) == room(quotas=full, there=standing(**ours_in_place()))
    assert None is room(quotas=full, there=standing(**ours_in_place()), enrolment=True).via


@given(
    st.integers(0, 12),
    st.integers(0, 22),
    st.booleans(),
    st.sampled_from(Via),
    st.builds(
        Quotas,
        groups_per_user=st.integers(1, 10),
        policies_per_user=st.integers(1, 20),
        groups_left=st.integers(0, 2),
        policies_left=st.integers(0, 2),
    ),
)
def test_nobody_is_sent_where_there_is_no_room(
    groups: int, policies: int, enrolment: bool, attach: Via, quotas: Quotas
):
    wanted = 2 if enrolment else 1
    found = room(groups, policies, attach=attach, enrolment=enrolment, quotas=quotas)
    if found.via is not None:
        assert quotas.policies_left >= wanted
    if found.via is Via.GROUP:
        assert attach is Via.GROUP
        assert groups + wanted <= quotas.groups_per_user
        assert quotas.groups_left >= wanted
    if found.via is Via.USER:
        assert policies + wanted <= quotas.policies_per_user
    if found.via is None:
        assert found.why


@given(st.integers(0, 12), st.integers(0, 22), st.sampled_from(Via))
def test_needing_less_never_finds_less_room(groups: int, policies: int, attach: Via):
    assert (
        room(groups, policies, attach=attach, enrolment=True).via is None
        or room(groups, policies, attach=attach).via
    )


def test_places_that_are_ours_already_are_not_counted_twice():
    there = standing(**ours_in_place())
    inside = a_user(groups=(*(f"g{number}" for number in range(9)), "ForceMFA"))
    assert Room(Via.GROUP) == room_for(inside, there, NAMES, Quotas(), Via.GROUP, enrolment=False)
    assert State.OURS == there.group
