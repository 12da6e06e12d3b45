"""What stands under our names: nothing, ours, the same by somebody else, or a clash (design.md#policy-documents)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.people.inventory import ManagedPolicy
from rollout.domain.policy.our_resources import (
    Brake,
    Names,
    OurPolicy,
    OurResources,
    State,
    brake_of,
    denies_nothing,
    our_resources,
)
from tests.builders import ACCOUNT, a_user, account_facts
from tests.domain.judging import (
    DOCUMENTS,
    EVERYTHING,
    SEED_DOCUMENTS,
    a_document,
    a_group,
    a_managed,
    a_versioned,
    allow,
    deny,
    inline,
)

OURS = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
OUR_ENROLMENT = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFAEnrolment"


def ours_with(
    *users: Any, ours: tuple[str, ...] = (), names: Names | None = None, **facts: Any
) -> OurResources:
    return our_resources(
        account_facts(*users, **facts), ACCOUNT, "aws", names or Names(), DOCUMENTS, frozenset(ours)
    )


def is_braked(policy: OurPolicy) -> bool:
    return policy.state is State.OURS and brake_of(policy.found) is Brake.PULLED


def test_an_account_that_we_never_saw_holds_nothing_of_ours():
    found = ours_with(a_user())
    assert (
        State.ABSENT
        == found.policy.state
        == found.enrolment.state
        == found.group.state
        == found.enrolment_group.state
    )
    assert (OURS, OUR_ENROLMENT) == (found.policy.arn, found.enrolment.arn)
    assert "" == found.clash
    assert frozenset() == found.names


def test_the_arns_are_of_the_partition_and_the_names():
    found = our_resources(
        account_facts(), ACCOUNT, "aws-cn", Names("MustMfa", "Watched", "/sec/"), DOCUMENTS, frozenset()
    )
    assert f"arn:aws-cn:iam::{ACCOUNT}:policy/sec/MustMfa" == found.policy.arn
    assert f"arn:aws-cn:iam::{ACCOUNT}:policy/sec/MustMfaEnrolment" == found.enrolment.arn
    assert ("Watched", "WatchedEnrolment") == (found.group.name, found.enrolment_group.name)


def test_a_policy_at_our_path_is_ours_and_current_when_it_means_today_s_document():
    reordered = {**DOCUMENTS.full, "Statement": list(reversed(DOCUMENTS.full["Statement"]))}
    policy = ours_with(policies=(a_versioned("ForceMFA", DOCUMENTS.brake, reordered, default=2),)).policy
    assert (State.OURS, True, False) == (policy.state, policy.current, is_braked(policy))


@pytest.mark.parametrize(
    ("brake", "says"),
    [(DOCUMENTS.brake, "today's"), (SEED_DOCUMENTS.brake, "an earlier text's"), (EVERYTHING, "somebody's")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_default_version_that_denies_nothing_is_the_brake(brake: Any, says: str):
    """Also one of an earlier text: to push the full document over it would undo a release."""
    policy = ours_with(policies=(a_versioned("ForceMFA", brake, DOCUMENTS.full, default=1),)).policy
    assert (State.OURS, False, True) == (policy.state, policy.current, is_braked(policy))


@pytest.mark.parametrize(
    "document", ["{", a_document(deny("s3:*")), SEED_DOCUMENTS.full], ids=["unreadable", "weak", "older"]
)
def test_another_text_of_ours_is_neither_current_nor_braked(document: Any):
    policy = ours_with(policies=(a_versioned("ForceMFA", DOCUMENTS.brake, document, default=2),)).policy
    assert (State.OURS, False, False) == (policy.state, policy.current, is_braked(policy))


def test_ours_without_a_version_in_force_is_neither_current_nor_braked():
    policy = ours_with(policies=(ManagedPolicy(OURS, "ForceMFA", "/rollout/", ()),)).policy
    assert (State.OURS, False, False) == (policy.state, policy.current, is_braked(policy))


@pytest.mark.parametrize("name", ["ForceMFA", "forcemfa", "FORCEMFA"])
@pytest.mark.parametrize("path", ["/", "/security/"])
def test_a_foreign_policy_of_our_meaning_is_the_one_to_attach(name: str, path: str):
    foreign = a_managed(name, raw=DOCUMENTS.full, path=path)
    found = ours_with(policies=(foreign,))
    assert (State.FOREIGN_SAME, foreign.arn, True) == (
        found.policy.state,
        found.policy.arn,
        found.policy.current,
    )
    assert not is_braked(found.policy)
    assert "" == found.clash


@pytest.mark.parametrize(
    "document",
    [a_document(allow("s3:*")), DOCUMENTS.brake, SEED_DOCUMENTS.full, "{"],
    ids=["other", "our Allow half", "the seed, where ours is amended", "unreadable"],
)
def test_a_foreign_policy_of_another_meaning_is_a_clash(document: Any):
    foreign = a_managed("ForceMFA", raw=document)
    found = ours_with(policies=(foreign,))
    assert State.CLASH == found.policy.state
    assert foreign.arn in found.clash


def test_a_foreign_policy_without_a_version_in_force_is_a_clash():
    foreign = replace(a_managed("ForceMFA", raw=DOCUMENTS.full), versions=())
    assert State.CLASH == ours_with(policies=(foreign,)).policy.state


def test_aws_s_own_policies_are_no_namesakes():
    aws = replace(a_managed("ForceMFA", allow("*")), arn="arn:aws:iam::aws:policy/ForceMFA")
    assert State.ABSENT == ours_with(policies=(aws,)).policy.state


def test_our_own_goes_before_a_namesake():
    """IAM allows no two policies of one name; if it should, ours is ours."""
    both = (a_managed("ForceMFA", allow("s3:*")), a_versioned("ForceMFA", DOCUMENTS.full, default=1))
    assert (State.OURS, OURS) == ((found := ours_with(policies=both).policy).state, found.arn)


def test_a_foreign_enrolment_policy_is_no_clash_for_the_account():
    found = ours_with(policies=(a_managed("ForceMFAEnrolment", allow("*")),))
    assert State.CLASH == found.enrolment.state
    assert "" == found.clash


# --- Groups ---


MEMBER = a_user(groups=("ForceMFA",))
GROUPS = [
    ("at our path, empty", a_group("ForceMFA", path="/rollout/"), (), (), State.OURS),
    ("at our path, empty, known", a_group("ForceMFA", path="/rollout/"), (), ("ForceMFA",), State.OURS),
    (
        "with our policy, known",
        a_group("ForceMFA", OURS, path="/rollout/"),
        (MEMBER,),
        ("ForceMFA",),
        State.OURS,
    ),
    ("with members, known", a_group("ForceMFA", path="/rollout/"), (MEMBER,), ("ForceMFA",), State.OURS),
    ("with our policy, unknown", a_group("ForceMFA", OURS, path="/rollout/"), (), (), State.CLASH),
    ("with members, unknown", a_group("ForceMFA", path="/rollout/"), (MEMBER,), (), State.CLASH),
    ("another one is known", a_group("ForceMFA", path="/rollout/"), (MEMBER,), ("Other",), State.CLASH),
    ("at another path", a_group("ForceMFA"), (), (), State.CLASH),
    ("at another path, though known", a_group("ForceMFA"), (), ("ForceMFA",), State.CLASH),
    ("at a path below ours", a_group("ForceMFA", path="/rollout/x/"), (), (), State.CLASH),
    (
        "with another policy beside ours",
        a_group("ForceMFA", OURS, "arn:x", path="/rollout/"),
        (),
        ("ForceMFA",),
        State.CLASH,
    ),
    (
        "with an inline policy",
        a_group("ForceMFA", path="/rollout/", inline=[inline("x", allow("s3:*"))]),
        (),
        ("ForceMFA",),
        State.CLASH,
    ),
    ("in other letters", a_group("forcemfa", path="/rollout/"), (), (), State.CLASH),
    ("in other letters, though known", a_group("forcemfa", path="/rollout/"), (), ("forcemfa",), State.CLASH),
    ("by another name", a_group("ForceMFAs", path="/rollout/"), (), (), State.ABSENT),
]


@pytest.mark.parametrize(
    ("says", "group", "users", "ours", "state"),
    GROUPS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_group(says: str, group: Any, users: Any, ours: tuple[str, ...], state: State):
    assert state == ours_with(*users, groups=(group,), ours=ours).group.state


def test_a_foreign_policy_of_our_meaning_may_hang_on_our_group():
    foreign = a_managed("ForceMFA", raw=DOCUMENTS.full)
    found = ours_with(
        policies=(foreign,),
        groups=(a_group("ForceMFA", foreign.arn, path="/rollout/"),),
        ours=("ForceMFA",),
    )
    assert State.OURS == found.group.state
    assert {"ForceMFA"} == found.names
    assert (foreign.arn,) == found.group.attached


def test_the_enrolment_group_is_looked_at_in_the_same_way():
    found = ours_with(
        groups=(a_group("ForceMFAEnrolment", OUR_ENROLMENT, path="/rollout/"),), ours=("ForceMFAEnrolment",)
    )
    assert (State.ABSENT, State.OURS) == (found.group.state, found.enrolment_group.state)
    assert (OUR_ENROLMENT,) == found.enrolment_group.attached


def test_what_is_ours_is_named_policies_and_groups():
    found = ours_with(
        policies=(
            a_versioned("ForceMFA", DOCUMENTS.full, default=1),
            a_versioned("ForceMFAEnrolment", DOCUMENTS.enrolment, default=1),
        ),
        groups=(
            a_group("ForceMFA", OURS, path="/rollout/"),
            a_group("ForceMFAEnrolment", OUR_ENROLMENT, path="/rollout/"),
        ),
        ours=("ForceMFA", "ForceMFAEnrolment"),
    )
    assert {OURS, OUR_ENROLMENT, "ForceMFA", "ForceMFAEnrolment"} == found.names


@pytest.mark.parametrize(
    ("document", "nothing"),
    [
        (DOCUMENTS.brake, True),
        (DOCUMENTS.enrolment, True),
        (EVERYTHING, True),
        ('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}', True),
        (DOCUMENTS.full, False),
        (a_document(deny("madeup:Any")), False),
        ("{", False),
        (None, False),
        (a_document({"Effect": "Permit", "Action": "*", "Resource": "*"}), False),
    ],
    ids=range(9),
)
def test_a_document_that_denies_nothing_is_one_that_can_be_read(document: Any, nothing: bool):
    assert nothing == denies_nothing(document)
