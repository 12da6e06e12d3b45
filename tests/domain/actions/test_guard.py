"""Whom changes would put under the policy, and which changes enforce at all."""

from __future__ import annotations

import pytest

from rollout.domain.actions.guard import enforces, lets_go, unfit
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
    SetDefaultVersion,
)
from tests.builders import ACCOUNT, GROUP, a_ref, a_user
from tests.domain.contexts import TAGS, a_context
from tests.domain.judging import DOCUMENTS, ENROLMENT_GROUP, ENROLMENT_POLICY, OURS_ARN, ours_in_place

ALICE, BOB = a_user("alice"), a_user("bob", groups=(GROUP,))
IN_PLACE = a_context(ALICE, BOB, **ours_in_place())
OF_ALICE = AddMember(ACCOUNT, GROUP, a_ref("alice"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (OF_ALICE, True),
        (AttachToUser(ACCOUNT, a_ref(), OURS_ARN), True),
        (AttachToGroup(ACCOUNT, GROUP, OURS_ARN), True),
        (CreateGroup(ACCOUNT, GROUP, "/rollout/"), True),
        (CreatePolicy(ACCOUNT, OURS_ARN, "ForceMFA", "/rollout/", DOCUMENTS.brake, TAGS), True),
        (CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.full), True),
        (CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.brake), False),
        (SetDefaultVersion(ACCOUNT, OURS_ARN, "v2"), True),
        (SetDefaultVersion(ACCOUNT, OURS_ARN, "v1"), False),
        (SetDefaultVersion(ACCOUNT, OURS_ARN, "v9"), True),
        (DeleteVersion(ACCOUNT, OURS_ARN, "v2"), False),
        (RemoveMember(ACCOUNT, GROUP, a_ref()), False),
        (DetachFromUser(ACCOUNT, a_ref(), OURS_ARN), False),
        (AddMember(ACCOUNT, ENROLMENT_GROUP, a_ref()), False),
        (AttachToUser(ACCOUNT, a_ref(), ENROLMENT_POLICY), False),
    ],
)
def test_what_enforces(change: Change, says: bool):
    """What is about enrolment, what lets people go, and the brake itself do not."""
    assert says is enforces(change, IN_PLACE.facts)
    assert not (lets_go(change) and enforces(change, IN_PLACE.facts))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (OF_ALICE, ("alice",)),
        (AttachToUser(ACCOUNT, a_ref("alice"), OURS_ARN), ("alice",)),
        (AttachToGroup(ACCOUNT, GROUP, OURS_ARN), ("bob",)),
        (CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.full, ("alice", "bob")), ("alice", "bob")),
        (SetDefaultVersion(ACCOUNT, OURS_ARN, "v2", ("bob",)), ("bob",)),
        (SetDefaultVersion(ACCOUNT, OURS_ARN, "v1", ("bob",)), ()),
        (CreateGroup(ACCOUNT, GROUP, "/rollout/"), ()),
        (RemoveMember(ACCOUNT, GROUP, a_ref("bob")), ()),
    ],
)
def test_whom_a_change_reaches(change: Change, names: tuple[str, ...]):
    assert names == unfit(IN_PLACE, [change], fit=())
    assert () == unfit(IN_PLACE, [change], fit={ALICE.id, BOB.id})


def test_one_who_is_unfit_is_named_among_many():
    changes: list[Change] = [OF_ALICE, AttachToGroup(ACCOUNT, GROUP, OURS_ARN)]
    assert ("bob",) == unfit(IN_PLACE, changes, fit={ALICE.id})
