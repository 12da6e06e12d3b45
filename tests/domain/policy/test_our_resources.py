"""What stands under our names: nothing, ours, the same by somebody else, or a clash (design.md#policy-documents)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.policy.brake import Brake, brake_of, denies_nothing
from rollout.domain.policy.made import Made, tags_of
from rollout.domain.policy.our_resources import Names, OurPolicy, OurResources, State, our_resources
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
    made_by_us,
)

OURS = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
OUR_ENROLMENT = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFAEnrolment"


def ours_with(
    *users: Any, ours: tuple[str, ...] = (), names: Names | None = None, **facts: Any
) -> OurResources:
    there = account_facts(*users, **facts)
    return our_resources(there, ACCOUNT, "aws", names or Names(), DOCUMENTS, made_by_us(there, ours))


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
        account_facts(), ACCOUNT, "aws-cn", Names("MustMfa", "Watched", "/sec/"), DOCUMENTS, Made()
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
@pytest.mark.parametrize(
    "document",
    [DOCUMENTS.full, a_document(allow("s3:*")), DOCUMENTS.brake, "{"],
    ids=["our meaning", "other", "our Allow half", "unreadable"],
)
def test_a_policy_of_our_name_elsewhere_is_a_clash_whatever_it_says(name: str, path: str, document: Any):
    """Its owner can change what it says: whoever may do that would decide what our group may do."""
    foreign = a_managed(name, raw=document, path=path)
    found = ours_with(policies=(foreign,))
    assert (State.CLASH, OURS, None) == (found.policy.state, found.policy.arn, found.policy.found)
    assert f"a policy that rollout did not make has our name: {foreign.arn}" == found.clash
    assert "" == found.unknown == found.other_store


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


# --- At our path: whose it is ---

TAGS = tags_of("1.0.0", "run-1", "k3f9")
OTHERS_TAGS = {"team": "platform"}
WHOSE = [
    (
        "made, with the id of the journal",
        Made(policies={OURS: "ANPA1"}),
        OTHERS_TAGS,
        "ANPA1",
        State.OURS,
        "",
    ),
    (
        "made, and anew by another",
        Made(policies={OURS: "ANPA1"}),
        TAGS,
        "ANPA2",
        State.CLASH,
        "made anew by somebody",
    ),
    ("made by an earlier version, tagged", Made(policies={OURS: ""}), TAGS, "ANPA2", State.OURS, ""),
    (
        "made by an earlier version, untagged",
        Made(policies={OURS: ""}),
        {},
        "ANPA2",
        State.CLASH,
        "none of rollout's",
    ),
    ("made by an earlier version, tags unread", Made(policies={OURS: ""}), None, "ANPA2", State.OURS, ""),
    ("tried, with the tags of that run", Made(tried={OURS: {("r", 1): TAGS}}), TAGS, "ANPA1", State.OURS, ""),
    (
        "tried, with those of another run",
        Made(tried={OURS: {("r", 1): TAGS}}),
        tags_of("1.0.0", "run-2", "k3f9"),
        "ANPA1",
        State.OTHER_STORE,
        "was made by plan k3f9 from another store",
    ),
    (
        "tried, untagged",
        Made(tried={OURS: {("r", 1): TAGS}}),
        {},
        "ANPA1",
        State.CLASH,
        "was not made by rollout",
    ),
    ("unknown, tagged", Made(), TAGS, "ANPA1", State.OTHER_STORE, "was made by plan k3f9 from another store"),
    (
        "unknown, by a repair",
        Made(),
        tags_of("1", "run-7"),
        "",
        State.OTHER_STORE,
        "was made by run run-7 from",
    ),
    ("unknown, tagged by another", Made(), OTHERS_TAGS, "ANPA1", State.CLASH, "was not made by rollout"),
    ("unknown, tags unread", Made(), None, "ANPA1", State.CLASH, "was not made by rollout"),
]


@pytest.mark.parametrize(
    ("says", "made", "tags", "policy_id", "state", "why"), WHOSE, ids=[row[0] for row in WHOSE]
)
def test_a_policy_at_our_path_is_ours_by_journal_id_and_tags(
    says: str, made: Made, tags: Any, policy_id: str, state: State, why: str
):
    policy = replace(a_versioned("ForceMFA", DOCUMENTS.full, default=1), tags=tags, id=policy_id)
    found = our_resources(account_facts(policies=(policy,)), ACCOUNT, "aws", Names(), DOCUMENTS, made)
    assert state == found.policy.state
    assert why in found.policy.why
    assert found.policy.why == found.unknown
    assert bool(why) == (found.policy.found is None)
    assert (state is State.CLASH) == bool(found.clash)
    assert (state is State.OTHER_STORE) == bool(found.other_store)


# --- Adopted by an earlier version ---


def adopting(*arns: str, **more: Any) -> Made:
    more["ever_attached"] = set(arns)
    return Made(
        attached={("hung", ACCOUNT, f"group-{number}", arn): arn for number, arn in enumerate(arns)}, **more
    )


def test_where_an_earlier_version_adopted_a_policy_ours_gets_another_name():
    """Names are unique in an account whatever the path: ours cannot be made beside it under the same."""
    foreign = a_managed("forcemfa", raw=DOCUMENTS.full, path="/dev/")
    facts = account_facts(policies=(foreign,))
    found = our_resources(facts, ACCOUNT, "aws", Names(), DOCUMENTS, adopting(foreign.arn))
    assert (State.ABSENT, f"{OURS}-rollout", frozenset({foreign.arn})) == (
        found.policy.state,
        found.policy.arn,
        found.adopted,
    )
    made = replace(adopting(foreign.arn), policies={f"{OURS}-rollout": ""})
    ours = a_versioned("ForceMFA-rollout", DOCUMENTS.brake, DOCUMENTS.full, default=2)
    found = our_resources(account_facts(policies=(foreign, ours)), ACCOUNT, "aws", Names(), DOCUMENTS, made)
    assert (State.OURS, ours.arn) == (found.policy.state, found.policy.arn)
    still = our_resources(
        account_facts(policies=(foreign, ours)),
        ACCOUNT,
        "aws",
        Names(),
        DOCUMENTS,
        Made(policies={ours.arn: ""}),
    )
    assert (State.OURS, ours.arn) == (still.policy.state, still.policy.arn)


@pytest.mark.parametrize(
    "arn",
    [
        OURS,
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/ForceMFA",
        "arn:aws:iam::999988887777:policy/dev/ForceMFA",
        f"arn:aws:iam::{ACCOUNT}:policy/dev/Other",
        "nonsense",
    ],
)
def test_a_journal_that_claims_to_have_attached_anything_else_is_not_believed(arn: str):
    assert (
        frozenset()
        == our_resources(account_facts(), ACCOUNT, "aws", Names(), DOCUMENTS, adopting(arn)).adopted
    )


@pytest.mark.parametrize("name", ["F", "F" * 119])
def test_the_substitute_names_are_allowed_by_iam(name: str):
    names = Names(name).substitute
    assert len(names.enrolment_policy) <= 128
    assert names.enrolment_policy.endswith("Enrolment")
    assert names.policy != name


# --- Groups ---


MEMBER = a_user(groups=("ForceMFA",))
GROUPS = [
    ("at our path, empty, unknown", a_group("ForceMFA", path="/rollout/"), (), (), State.CLASH),
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


def test_our_group_with_a_policy_of_somebody_else_is_not_used():
    foreign = a_managed("ForceMFA", raw=DOCUMENTS.full)
    found = ours_with(
        policies=(foreign,),
        groups=(a_group("ForceMFA", foreign.arn, path="/rollout/"),),
        ours=("ForceMFA",),
    )
    assert State.CLASH == found.group.state
    assert frozenset() == found.names


@pytest.mark.parametrize(
    ("says", "made", "members", "state"),
    [
        ("the id of the journal", Made(groups={"ForceMFA": "AGPA1"}), True, State.OURS),
        ("another id", Made(groups={"ForceMFA": "AGPA2"}), False, State.CLASH),
        ("an attempt of ours, empty", Made(tried_groups={"ForceMFA": {("r", 1)}}), False, State.OURS),
        ("an attempt of ours, with members", Made(tried_groups={"ForceMFA": {("r", 1)}}), True, State.CLASH),
        ("no attempt any more", Made(tried_groups={"ForceMFA": set()}), False, State.CLASH),
    ],
)
def test_a_group_is_ours_by_path_and_journal(says: str, made: Made, members: bool, state: State):
    group = replace(a_group("ForceMFA", path="/rollout/"), id="AGPA1")
    facts = account_facts(*((MEMBER,) if members else ()), groups=(group,))
    assert state == our_resources(facts, ACCOUNT, "aws", Names(), DOCUMENTS, made).group.state


def test_with_a_policy_of_another_store_the_group_is_that_store_s():
    policy = replace(a_versioned("ForceMFA", DOCUMENTS.full, default=1), tags=TAGS)
    facts = account_facts(MEMBER, policies=(policy,), groups=(a_group("ForceMFA", OURS, path="/rollout/"),))
    found = our_resources(facts, ACCOUNT, "aws", Names(), DOCUMENTS, Made())
    assert (State.OTHER_STORE, frozenset({OURS, "ForceMFA"})) == (found.group.state, found.names)


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
