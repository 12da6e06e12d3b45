"""One evaluation may serve several people only where no policy can tell them apart: else somebody is locked out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.iam import Policies, parse_document
from rollout.domain.policy.force_mfa import PolicyAmendments
from rollout.domain.verdicts.requests import Asker, RequestEnvironment
from rollout.domain.verdicts.same_for_all import says_same_for_all
from tests.builders import ACCOUNT, NOW, ORGANIZATION
from tests.domain.judging import (
    DENY_WITHOUT_MFA,
    NO_MFA,
    SELF,
    a_document,
    a_person,
    allow,
    deny,
    deny_all_but,
    the_documents,
)

WORLD = RequestEnvironment("aws", ORGANIZATION, NOW, {"aws:SourceIp": "192.0.2.7"})
PEOPLE = (
    [a_person(name) for name in ("alice", "bob", "ALICE")],
    [a_person(name, path=path) for name, path in (("alice", "/team/"), ("bob", "/a/b/"), ("alice", "/x/"))],
)


def alike(*statements: Any) -> bool:
    return says_same_for_all(parse_document(a_document(*statements), "P"))


@pytest.mark.parametrize(
    "statement",
    [
        allow("*"),
        allow("s3:*", on=["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]),
        allow("iam:*", on=SELF),
        allow(
            "iam:CreateVirtualMFADevice", on=["arn:aws:iam::*:mfa/*", "arn:aws:iam::*:mfa/${aws:username}"]
        ),
        allow("iam:PassRole", on=f"arn:aws:iam::{ACCOUNT}:role/app-*"),
        DENY_WITHOUT_MFA,
        deny("*", when={"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}}),
        deny("*", when={"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
    ],
    ids=range(8),
)
def test_what_real_accounts_have_treats_everybody_alike(statement: Any):
    assert alike(statement)


def test_our_own_documents_treat_everybody_alike():
    """Answers are remembered whatever ours say: this is why they may be."""
    for amendments in (
        PolicyAmendments(),
        PolicyAmendments(False, False),
        PolicyAmendments(first_password_change=True, via_aws_service=True),
    ):
        documents = the_documents(amendments)
        for document in (documents.full, documents.brake, documents.enrolment):
            assert says_same_for_all(parse_document(document, "P"))


@pytest.mark.parametrize(
    "statement",
    [
        deny("*", on=f"arn:aws:iam::{ACCOUNT}:user/alice"),
        deny("*", on="arn:aws:iam::*:user/a*"),
        deny("*", on="arn:aws:iam::*:user/team/*"),
        deny("*", on="arn:aws:iam::*:mfa/alice"),
        deny("*", on="*alice"),
        deny("*", on=f"arn:*:{ACCOUNT}:user/alice"),
        deny("*", on="arn:aws:*:*:*:user/alice"),
        deny("*", on="arn:aws:i*:*:*:user/alice"),
        allow("s3:*", on="arn:aws:s3:::home/${aws:username}/*"),
        deny("*", when={"StringEquals": {"aws:username": "alice"}}),
        deny("*", when={"StringEquals": {"aws:PrincipalTag/team": "a"}}),
        deny("*", when={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a*"}}),
        deny("*", when={"StringEquals": {"aws:RequestedRegion": "${aws:PrincipalTag/home}"}}),
        deny("*", when={"StringEquals": {"aws:userid": "AIDA"}}),
    ],
    ids=range(14),
)
def test_what_can_tell_people_apart_is_asked_for_each(statement: Any):
    assert not alike(statement)


PARTITIONS = ["aws", "*", "a*s"]
SERVICES = ["iam", "s3", "*", "i*m", "sts", ACCOUNT, ""]
ACCOUNTS = [ACCOUNT, "*", "0*", ""]
NAMES = [
    "${aws:username}",
    "*",
    "*/${aws:username}",
    "alice",
    "a*",
    "?lice",
    "team/*",
    "*/alice",
    "rollout-probe*",
    "b?b",
]
KINDS = ["user/", "mfa/", "role/", "", "*", "us*r/"]
RESOURCES = st.one_of(
    st.builds(
        lambda partition, service, account, kind, name: f"arn:{partition}:{service}::{account}:{kind}{name}",
        *(st.sampled_from(pool) for pool in (PARTITIONS, SERVICES, ACCOUNTS, KINDS, NAMES)),
    ),
    st.builds(
        lambda first, last: f"arn:{first}:{last}",
        st.sampled_from(["*", "aws", "aws:iam"]),
        st.sampled_from([f"{ACCOUNT}:user/alice", "user/alice", "*alice", ":*:user/${aws:username}"]),
    ),
    st.sampled_from(["*", "*alice", "arn:*", "${aws:username}"]),
)
CONDITIONS = st.sampled_from(
    [
        None,
        None,
        NO_MFA,
        {"StringLike": {"aws:username": "a*"}},
        {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"StringNotEquals": {"aws:RequestedRegion": "${aws:username}"}},
    ]
)
STATEMENTS = st.builds(
    lambda make, actions, on, when, excluding: (
        _excluding(make(*actions, on=on, when=when)) if excluding else make(*actions, on=on, when=when)
    ),
    st.sampled_from([allow, deny, deny_all_but]),
    st.sampled_from([["*"], ["iam:*"], ["iam:EnableMFADevice"], ["iam:Create*"]]),
    st.lists(RESOURCES, min_size=1, max_size=2),
    CONDITIONS,
    st.booleans(),
)


def _excluding(statement: dict[str, Any]) -> dict[str, Any]:
    return {("NotResource" if key == "Resource" else key): value for key, value in statement.items()}


@settings(max_examples=120)
@given(st.lists(STATEMENTS, min_size=1, max_size=2), st.sampled_from([None, "2012-10-17"]))
def test_a_document_that_treats_people_alike_answers_all_of_them_the_same(
    statements: list[Any], version: str | None
):
    document = parse_document(a_document(*statements, version=version), "P")
    if document.problem is not None or not says_same_for_all(document):
        return
    policies = Policies((document,))
    for people in PEOPLE:
        answers = [
            [
                (one.action, one.mfa, type(one.decision))
                for one in (
                    *asker.enrolment(policies),
                    *asker.denials(policies),
                    *asker.password_change(policies),
                )
            ]
            for asker in (Asker(user, WORLD) for user in people)
        ]
        assert all(answer == answers[0] for answer in answers)
