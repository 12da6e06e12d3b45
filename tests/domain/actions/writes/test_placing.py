"""The writes that bring an account from what stands there to what should, in order, and no write too many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.actions import writes
from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.writes import renewing, taking_out
from rollout.domain.people.observations import AccountFacts, ManagedPolicy, PolicyVersion
from rollout.domain.people.users import User
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteVersion,
    DetachFromUser,
    RemoveMember,
)
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_resources import Names, OurResources, our_resources
from tests.builders import ACCOUNT, a_ref, a_user
from tests.domain.contexts import TAGS, a_context, with_places
from tests.domain.judging import (
    DOCUMENTS,
    ENROLMENT_GROUP,
    ENROLMENT_POLICY,
    EVERYTHING,
    SEED_DOCUMENTS,
    a_group,
    a_managed,
    a_versioned,
    allow,
    ours_in_place,
)

OURS = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
ALICE, BOB = a_user("alice"), a_user("bob")
FOREIGN = a_managed("ForceMFA", raw=DOCUMENTS.full)


Targets = tuple[tuple[User, Attachment], ...]


def targets(*users: User, attachment: Attachment = Attachment.GROUP) -> Targets:
    return tuple((user, attachment) for user in users)


def enforcing(there: AccountContext, whom: Targets) -> tuple[Change, ...]:
    return writes.enforcing(_judged(there, whom), [user for user, _ in whom])


def enrolling(there: AccountContext, whom: Targets) -> tuple[Change, ...]:
    return writes.enrolling(_judged(there, whom), [user for user, _ in whom])


def _judged(there: AccountContext, whom: Targets) -> AccountContext:
    for user, attachment in whom:
        there = with_places(there, [user], attachment)
    return there


def policy_of(*versions: tuple[str, Any], default: str) -> ManagedPolicy:
    return ManagedPolicy(
        OURS,
        "ForceMFA",
        "/rollout/",
        tuple(PolicyVersion(number, document, is_default=number == default) for number, document in versions),
    )


# --- Enforcing ---


def test_into_an_untouched_account_the_brake_comes_first_then_the_policy_the_group_and_the_members():
    assert (
        CreatePolicy(ACCOUNT, OURS, "ForceMFA", "/rollout/", DOCUMENTS.brake, TAGS),
        CreateVersion(ACCOUNT, OURS, DOCUMENTS.full),
        CreateGroup(ACCOUNT, "ForceMFA", "/rollout/"),
        AttachToGroup(ACCOUNT, "ForceMFA", OURS),
        AddMember(ACCOUNT, "ForceMFA", a_ref("alice")),
        AddMember(ACCOUNT, "ForceMFA", a_ref("bob")),
    ) == enforcing(a_context(ALICE, BOB), targets(BOB, ALICE))


def test_nobody_to_place_is_nothing_to_write():
    assert () == enforcing(a_context(), ())
    assert () == enrolling(a_context(), ())
    assert () == taking_out(a_context(), ())


def test_what_is_in_place_is_not_written_again():
    placed = a_user(groups=("ForceMFA",))
    assert () == enforcing(a_context(placed, **ours_in_place()), targets(placed))


def test_only_the_newcomer_is_added():
    old = a_user("old", groups=("ForceMFA",))
    expected = (AddMember(ACCOUNT, "ForceMFA", a_ref("alice")),)
    assert expected == enforcing(a_context(old, ALICE, **ours_in_place()), targets(old, ALICE))


def test_without_anybody_through_the_group_there_is_no_group():
    assert (
        CreatePolicy(ACCOUNT, OURS, "ForceMFA", "/rollout/", DOCUMENTS.brake, TAGS),
        CreateVersion(ACCOUNT, OURS, DOCUMENTS.full),
        AttachToUser(ACCOUNT, a_ref("alice"), OURS),
    ) == enforcing(a_context(ALICE), targets(ALICE, attachment=Attachment.USER))


def test_both_ways_in_one_account():
    there = a_context(ALICE, BOB, **ours_in_place())
    both = (*targets(ALICE), *targets(BOB, attachment=Attachment.USER))
    assert (
        AddMember(ACCOUNT, "ForceMFA", a_ref("alice")),
        AttachToUser(ACCOUNT, a_ref("bob"), OURS),
    ) == enforcing(there, both)


def test_a_policy_attached_already_is_not_attached_again():
    placed = a_user(attached=(OURS,))
    assert () == enforcing(a_context(placed, **ours_in_place()), targets(placed, attachment=Attachment.USER))


def test_an_empty_group_of_ours_is_taken():
    there = a_context(ALICE, groups=(a_group("ForceMFA", path="/rollout/"),))
    kinds = [type(change) for change in enforcing(there, targets(ALICE))]
    assert [CreatePolicy, CreateVersion, AttachToGroup, AddMember] == kinds


@pytest.mark.parametrize("attachment", Attachment)
def test_what_is_not_ours_is_not_used_even_where_a_verdict_says_so(attachment: Attachment):
    people = targets(ALICE, attachment=attachment)
    for theirs in (FOREIGN, a_versioned("ForceMFA", DOCUMENTS.full, default=1)):
        there = a_context(ALICE, policies=(theirs,))
        assert () == enforcing(replace(there, ours=unknown(there.facts)), people)
    placed = enforcing(a_context(ALICE, groups=(a_group("ForceMFA"),)), people)
    assert (attachment is Attachment.USER) == bool(placed)


def unknown(facts: AccountFacts) -> OurResources:
    """What stands there for a journal that knows nothing of it."""
    return our_resources(facts, ACCOUNT, "aws", Names(), DOCUMENTS, Made())


def test_an_unfinished_beginning_is_finished():
    there = a_context(ALICE, policies=(a_versioned("ForceMFA", DOCUMENTS.brake, default=1),))
    kinds = [type(change) for change in enforcing(there, targets(ALICE))]
    assert [CreateVersion, CreateGroup, AttachToGroup, AddMember] == kinds


def test_a_new_text_names_everybody_whom_it_reaches():
    there = a_context(
        ALICE,
        **ours_in_place()
        | {"policies": (a_versioned("ForceMFA", DOCUMENTS.brake, SEED_DOCUMENTS.full, default=2),)},
        attached=("alice", "zoe"),
    )
    assert (
        CreateVersion(ACCOUNT, OURS, DOCUMENTS.full, ("alice", "zoe")) == enforcing(there, targets(ALICE))[0]
    )


# --- Versions ---

OLD = SEED_DOCUMENTS.full
FIVE = [("v1", DOCUMENTS.brake), ("v2", OLD), ("v3", OLD), ("v4", OLD), ("v5", OLD)]


def deleted(*versions: tuple[str, Any], default: str) -> list[str]:
    there = a_context(ALICE, policies=(policy_of(*versions, default=default),))
    changes = enforcing(there, targets(ALICE))
    created = [place for place, change in enumerate(changes) if isinstance(change, CreateVersion)]
    found = [place for place, change in enumerate(changes) if isinstance(change, DeleteVersion)]
    assert not found or found[0] < created[0]
    return [change.version_id for change in changes if isinstance(change, DeleteVersion)]


def test_four_versions_leave_room():
    assert [] == deleted(*FIVE[:4], default="v4")


def test_of_five_versions_the_oldest_goes_that_is_neither_brake_nor_in_force():
    assert ["v2"] == deleted(*FIVE, default="v5")
    assert ["v3"] == deleted(*FIVE, default="v2")


def test_the_oldest_is_the_oldest_by_number_not_by_spelling():
    versions = [("v1", DOCUMENTS.brake), ("v10", OLD), ("v11", OLD), ("v9", OLD), ("v12", OLD)]
    assert ["v9"] == deleted(*versions, default="v12")


def test_the_allow_half_of_an_earlier_text_is_a_brake_too_and_stays():
    assert ["v2"] == deleted(("v1", SEED_DOCUMENTS.brake), *FIVE[1:], default="v5")


def test_where_nothing_may_go_nothing_goes():
    brakes = [(f"v{number}", DOCUMENTS.brake) for number in range(1, 5)]
    assert [] == deleted(*brakes, ("v5", OLD), default="v5")


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from([DOCUMENTS.brake, SEED_DOCUMENTS.brake, OLD, EVERYTHING]), min_size=1, max_size=5
    ),
    st.data(),
)
def test_the_brake_and_the_version_in_force_are_never_pruned(documents: list[Any], data: st.DataObject):
    versions = [(f"v{number}", document) for number, document in enumerate(documents, start=1)]
    default = data.draw(st.sampled_from([number for number, _ in versions]))
    gone = deleted(*versions, default=default)
    assert len(gone) <= 1
    for number, document in versions:
        if number in gone:
            assert document is OLD
            assert default != number


def test_the_enrolment_policy_gets_room_for_a_new_text():
    versions = tuple(
        PolicyVersion(f"v{number}", EVERYTHING, is_default=number == 5) for number in range(1, 6)
    )
    there = a_context(
        ALICE, policies=(ManagedPolicy(ENROLMENT_POLICY, "ForceMFAEnrolment", "/rollout/", versions),)
    )
    first, second, *_ = enrolling(there, targets(ALICE))
    assert DeleteVersion(ACCOUNT, ENROLMENT_POLICY, "v1") == first
    assert CreateVersion(ACCOUNT, ENROLMENT_POLICY, DOCUMENTS.enrolment) == second


# --- Renewing: today's documents for those who are placed already ---


def test_a_current_policy_needs_no_renewal():
    assert () == renewing(a_context(ALICE, **ours_in_place(), attached=("alice",)))


def test_an_older_text_is_renewed():
    there = a_context(
        ALICE, policies=(a_versioned("ForceMFA", DOCUMENTS.brake, OLD, default=2),), attached=("alice",)
    )
    assert (CreateVersion(ACCOUNT, OURS, DOCUMENTS.full, ("alice",)),) == renewing(there)


@pytest.mark.parametrize("brake", [DOCUMENTS.brake, SEED_DOCUMENTS.brake], ids=["today's", "earlier"])
def test_a_pulled_brake_is_left_alone(brake: Any):
    there = a_context(ALICE, policies=(a_versioned("ForceMFA", brake, OLD, default=1),), attached=("alice",))
    assert there.is_braked
    assert () == renewing(there)


def test_an_unfinished_beginning_without_members_is_no_brake():
    assert not a_context(ALICE, policies=(a_versioned("ForceMFA", DOCUMENTS.brake, default=1),)).is_braked


# --- Enrolling ---


def test_the_enrolment_policy_has_one_version_and_a_group_of_its_own():
    assert (
        CreatePolicy(ACCOUNT, ENROLMENT_POLICY, "ForceMFAEnrolment", "/rollout/", DOCUMENTS.enrolment, TAGS),
        CreateGroup(ACCOUNT, ENROLMENT_GROUP, "/rollout/"),
        AttachToGroup(ACCOUNT, ENROLMENT_GROUP, ENROLMENT_POLICY),
        AddMember(ACCOUNT, ENROLMENT_GROUP, a_ref("alice")),
    ) == enrolling(a_context(ALICE), targets(ALICE))


def test_enrolling_never_touches_what_enforces():
    there = a_context(ALICE, **ours_in_place(default=1))
    assert not any(
        getattr(change, "policy_arn", "") == OURS or getattr(change, "group", "") == "ForceMFA"
        for change in enrolling(there, targets(ALICE))
    )


def test_enrolling_by_the_user_itself():
    kinds = [
        type(change) for change in enrolling(a_context(ALICE), targets(ALICE, attachment=Attachment.USER))
    ]
    assert [CreatePolicy, AttachToUser] == kinds


# --- Letting out ---


def test_a_member_is_let_out_of_our_group():
    placed = a_user(groups=("ForceMFA", "Staff"))
    expected = (RemoveMember(ACCOUNT, "ForceMFA", a_ref("alice")),)
    assert expected == taking_out(a_context(placed, **ours_in_place()), (placed,))


def test_who_has_it_both_ways_is_let_out_both_ways():
    placed = a_user(groups=("ForceMFA",), attached=(OURS,))
    assert (
        RemoveMember(ACCOUNT, "ForceMFA", a_ref("alice")),
        DetachFromUser(ACCOUNT, a_ref("alice"), OURS),
    ) == taking_out(a_context(placed, **ours_in_place()), (placed,))


def test_nobody_is_let_out_of_a_group_that_is_not_ours():
    placed = a_user(groups=("ForceMFA",))
    assert () == taking_out(a_context(placed, groups=(a_group("ForceMFA"),)), (placed,))


def test_a_foreign_policy_on_the_user_is_not_ours_to_detach():
    placed = a_user(attached=(FOREIGN.arn,))
    assert () == taking_out(a_context(placed, policies=(FOREIGN,)), (placed,))


def test_who_is_not_placed_is_not_let_out():
    assert () == taking_out(a_context(ALICE, **ours_in_place()), (ALICE,))


@pytest.mark.parametrize(
    ("says", "user", "facts", "placed"),
    [
        ("in our group with our policy", a_user(groups=("ForceMFA",)), ours_in_place(), True),
        ("our policy on the user", a_user(attached=(OURS,)), ours_in_place(), True),
        ("braked, and still in place", a_user(groups=("ForceMFA",)), ours_in_place(default=1), True),
        ("beside our group", ALICE, ours_in_place(), False),
        (
            "in our group without the policy",
            a_user(groups=("ForceMFA",)),
            {"groups": (a_group("ForceMFA", path="/rollout/"),)},
            False,
        ),
        ("in a foreign group", a_user(groups=("ForceMFA",)), {"groups": (a_group("ForceMFA", OURS),)}, False),
        ("in our enrolment group", a_user(groups=(ENROLMENT_GROUP,)), ours_in_place(), False),
        (
            "in our group with its foreign equal",
            a_user(groups=("ForceMFA",)),
            {"policies": (FOREIGN,), "groups": (a_group("ForceMFA", FOREIGN.arn, path="/rollout/"),)},
            False,
        ),
        (
            "a clashing policy on the user",
            a_user(attached=(a_managed("ForceMFA").arn,)),
            {"policies": (a_managed("ForceMFA", allow("*")),)},
            False,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_is_under_the_policy(says: str, user: User, facts: dict[str, Any], placed: bool):
    assert placed == a_context(user, **{"ours": ("ForceMFA",), **facts}).is_under_policy(user)
