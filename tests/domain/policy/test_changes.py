"""The name of a change: equal for two attempts at the same effect, different for any two effects."""

from __future__ import annotations

from itertools import combinations

import pytest

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
    is_about_enrolment,
    name,
)
from tests.builders import ACCOUNT, POLICY, a_ref

OTHER = "999988887777"
ALICE, BOB = a_ref("alice"), a_ref("bob")
ENROLMENT = f"{POLICY}Enrolment"
EFFECTS: list[Change] = [
    CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", {}, {}),
    CreatePolicy(ACCOUNT, ENROLMENT, "ForceMFAEnrolment", "/rollout/", {}, {}),
    CreateVersion(ACCOUNT, POLICY, {}),
    SetDefaultVersion(ACCOUNT, POLICY, "v1"),
    SetDefaultVersion(ACCOUNT, POLICY, "v2"),
    DeleteVersion(ACCOUNT, POLICY, "v1"),
    DeleteVersion(ACCOUNT, POLICY, "v2"),
    DeletePolicy(ACCOUNT, POLICY),
    CreateGroup(ACCOUNT, "ForceMFA", "/rollout/"),
    CreateGroup(OTHER, "ForceMFA", "/rollout/"),
    CreateGroup(ACCOUNT, "ForceMFAEnrolment", "/rollout/"),
    DeleteGroup(ACCOUNT, "ForceMFA"),
    AttachToGroup(ACCOUNT, "ForceMFA", POLICY),
    AttachToGroup(ACCOUNT, "ForceMFA", ENROLMENT),
    DetachFromGroup(ACCOUNT, "ForceMFA", POLICY),
    AddMember(ACCOUNT, "ForceMFA", ALICE),
    AddMember(ACCOUNT, "ForceMFA", BOB),
    AddMember(ACCOUNT, "ForceMFAEnrolment", ALICE),
    RemoveMember(ACCOUNT, "ForceMFA", ALICE),
    AttachToUser(ACCOUNT, ALICE, POLICY),
    AttachToUser(ACCOUNT, BOB, POLICY),
    DetachFromUser(ACCOUNT, ALICE, POLICY),
]


def test_no_two_effects_have_one_name():
    for one, other in combinations(EFFECTS, 2):
        assert name(one) != name(other)


@pytest.mark.parametrize("change", EFFECTS, ids=name)
def test_a_name_has_no_gaps(change: Change):
    assert name(change).startswith(f"{change.account_id} {type(change).__name__} ")
    assert "  " not in name(change)


def test_a_user_is_named_by_id_for_a_name_may_be_given_to_somebody_else():
    renamed = UserRef(ACCOUNT, "alice-smith", ALICE.id, f"arn:aws:iam::{ACCOUNT}:user/alice-smith")
    namesake = UserRef(ACCOUNT, "alice", "AIDAANOTHER", ALICE.arn)
    assert name(AddMember(ACCOUNT, "G", ALICE)) == name(AddMember(ACCOUNT, "G", renamed))
    assert name(AddMember(ACCOUNT, "G", ALICE)) != name(AddMember(ACCOUNT, "G", namesake))


def test_what_is_only_told_along_makes_no_other_effect():
    assert name(SetDefaultVersion(ACCOUNT, POLICY, "v1")) == name(
        SetDefaultVersion(ACCOUNT, POLICY, "v1", ("a",))
    )


@pytest.mark.parametrize("change", EFFECTS, ids=name)
def test_enrolment_is_told_from_enforcement(change: Change):
    assert ("Enrolment" in name(change)) == is_about_enrolment(change)
