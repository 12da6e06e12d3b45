"""Room for the policy: live quotas of user and account, both policies counted (design.md#policy-documents)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.observations import Quotas
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.our_resources import Names, OurResources, State, our_resources
from rollout.domain.verdicts.slots import Room, room_for
from tests.builders import ACCOUNT, a_user, account_facts
from tests.domain.judging import DOCUMENTS, a_managed, made_by_us, ours_in_place

NAMES = Names()


def ours_with(**facts: Any) -> OurResources:
    ours = facts.pop("ours", ())
    there = account_facts(**facts)
    return our_resources(there, ACCOUNT, "aws", NAMES, DOCUMENTS, made_by_us(there, ours))


def room(
    groups: int = 0,
    policies: int = 0,
    *,
    attach: Attachment = Attachment.GROUP,
    enrolment: bool = False,
    quotas: Quotas | None = None,
    there: OurResources | None = None,
) -> Room:
    user = a_user(
        groups=tuple(f"g{number}" for number in range(groups)),
        attached=tuple(a_managed(f"p{number}").arn for number in range(policies)),
    )
    return room_for(user, there or ours_with(), NAMES, quotas or Quotas(), attach, enrolment=enrolment)


def test_a_group_where_there_is_one_free():
    assert Room(Attachment.GROUP) == room(9, 10)


def test_the_user_where_groups_are_used_up_and_why():
    assert Room(Attachment.USER, "the user is in 10 of 10 groups") == room(10, 9)


def test_attach_user_needs_no_excuse():
    assert Room(Attachment.USER) == room(attach=Attachment.USER)


def test_nowhere_and_why():
    assert Room(None, "the user is in 10 of 10 groups; 10 of 10 policies are attached to the user") == room(
        10, 10
    )
    assert Room(None, "10 of 10 policies are attached to the user") == room(3, 10, attach=Attachment.USER)
    two = room(9, 9, enrolment=True)
    assert (
        Room(
            None,
            "the user is in 9 of 10 groups; 9 of 10 policies are attached to the user, and two more are needed",
        )
        == two
    )


def test_the_account_itself_may_be_full():
    assert Room(None, "the account's quota of policies is used up") == room(quotas=Quotas(policies_left=0))
    one = room(quotas=Quotas(policies_left=1), enrolment=True)
    assert Room(None, "the account has room for 1 more policy, but 2 are needed") == one
    assert Room(Attachment.USER, "the account's quota of groups is used up") == room(
        quotas=Quotas(groups_left=0)
    )


def test_what_stands_already_needs_no_room_in_the_account():
    full = Quotas(groups_left=0, policies_left=0)
    assert Room(Attachment.GROUP) == room(quotas=full, there=ours_with(**ours_in_place()))
    assert None is room(quotas=full, there=ours_with(**ours_in_place()), enrolment=True).attachment


@given(
    st.integers(0, 12),
    st.integers(0, 22),
    st.booleans(),
    st.sampled_from(Attachment),
    st.builds(
        Quotas,
        groups_per_user=st.integers(1, 10),
        policies_per_user=st.integers(1, 20),
        groups_left=st.integers(0, 2),
        policies_left=st.integers(0, 2),
    ),
)
def test_nobody_is_sent_where_there_is_no_room(
    groups: int, policies: int, enrolment: bool, attach: Attachment, quotas: Quotas
):
    wanted = 2 if enrolment else 1
    found = room(groups, policies, attach=attach, enrolment=enrolment, quotas=quotas)
    if found.attachment is not None:
        assert quotas.policies_left >= wanted
    if found.attachment is Attachment.GROUP:
        assert attach is Attachment.GROUP
        assert groups + wanted <= quotas.groups_per_user
        assert quotas.groups_left >= wanted
    if found.attachment is Attachment.USER:
        assert policies + wanted <= quotas.policies_per_user
    if found.attachment is None:
        assert found.why


@given(st.integers(0, 12), st.integers(0, 22), st.sampled_from(Attachment))
def test_needing_less_never_finds_less_room(groups: int, policies: int, attach: Attachment):
    assert (
        room(groups, policies, attach=attach, enrolment=True).attachment is None
        or room(groups, policies, attach=attach).attachment
    )


def test_places_that_are_ours_already_are_not_counted_twice():
    there = ours_with(**ours_in_place())
    inside = a_user(groups=(*(f"g{number}" for number in range(9)), "ForceMFA"))
    assert Room(Attachment.GROUP) == room_for(
        inside, there, NAMES, Quotas(), Attachment.GROUP, enrolment=False
    )
    assert State.OURS == there.group.state
