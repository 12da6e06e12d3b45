"""What looks like MFA enforcement and is not is named: by what it says, never by what it is called.

See aws-facts.md#operators.
"""

from __future__ import annotations

from typing import Any

import pytest

from rollout.domain.iam import parse_document
from rollout.domain.people.users import User
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.lookalikes import lookalikes, weakness
from rollout.domain.verdicts.rules import COVERED_MAY_LEAVE_OPEN
from tests.builders import ACCOUNT, an_exemption
from tests.domain.judging import (
    DENY_WITHOUT_MFA,
    DOCUMENTS,
    LEFT_OPEN,
    NO_MFA,
    SELF,
    a_document,
    a_group,
    a_managed,
    a_person,
    allow,
    around,
    deny,
    deny_all_but,
    inline,
    ours_in_place,
    the_rules,
)

PRESENT = "aws:MultiFactorAuthPresent"
BOOL = deny_all_but(*LEFT_OPEN, when={"Bool": {PRESENT: "false"}})


def weak(*statements: Any) -> str:
    return weakness(parse_document(a_document(*statements), "P"), COVERED_MAY_LEAVE_OPEN)


def names(*users: User, rules: Any = None, **account: Any) -> list[str]:
    rules = rules or the_rules()
    there = around(*users, rules=rules, **account)
    verdicts = {user.id: judge(user, there) for user in users}
    return [finding.text for finding in lookalikes(there, verdicts)]


def with_test(operator: str, value: Any = "false") -> dict[str, Any]:
    return deny_all_but(*LEFT_OPEN, when={operator: {PRESENT: value}})


@pytest.mark.parametrize(
    ("says", "statement", "expected"),
    [
        ("Bool", BOOL, "uses Bool, so access keys are not denied"),
        ("Bool on a truth", with_test("Bool", value=False), "uses Bool, so access keys are not denied"),
        ("Bool by set", with_test("ForAnyValue:Bool"), "uses Bool, so access keys are not denied"),
        ("a text operator", with_test("StringEquals"), "uses StringEquals, so access keys are not denied"),
        ("Null", with_test("Null", "true"), "console sessions without MFA are not denied"),
        ("the flag is true", with_test("BoolIfExists", "true"), "denies only users who signed in with MFA"),
        ("the flag is true, Bool", with_test("Bool", ["true"]), "denies only users who signed in with MFA"),
        (
            "the flag is not false",
            with_test("StringNotEquals", "false"),
            "denies only users who signed in with MFA",
        ),
        (
            "this very Sid, with Action for NotAction",
            deny(*LEFT_OPEN, when=NO_MFA),
            "is inverted: it denies only what enrolment needs",
        ),
        ("a few services", deny("ec2:*", when=NO_MFA), "applies to some actions only"),
        (
            "a few actions",
            deny("ec2:StopInstances", "ec2:TerminateInstances", when=NO_MFA),
            "applies to some actions only",
        ),
        (
            "all of IAM spared",
            deny_all_but("iam:*", "sts:GetSessionToken", when=NO_MFA),
            "does not deny iam:CreateUser, iam:AttachUserPolicy, iam:CreateAccessKey",
        ),
        ("roles spared", deny_all_but(*LEFT_OPEN, "STS:*", when=NO_MFA), "does not deny sts:AssumeRole"),
        ("some resources", deny_all_but(*LEFT_OPEN, on=SELF, when=NO_MFA), "applies to some resources only"),
        (
            "some places",
            deny_all_but(*LEFT_OPEN, when={**NO_MFA, "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
            "denies only if further conditions hold: aws:sourceip",
        ),
        (
            "some people",
            deny_all_but(*LEFT_OPEN, when={"BoolIfExists": {PRESENT: "false", "aws:Extra": "x"}}),
            "aws:extra",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_weakness_is_named(says: str, statement: Any, expected: str):
    assert expected in weak(statement)


@pytest.mark.parametrize(
    ("says", "statements"),
    [
        ("the seed's own Deny", [DENY_WITHOUT_MFA]),
        ("Deny of everything", [deny("*", when=NO_MFA)]),
        ("Deny of *:*", [deny("*:*", when=NO_MFA)]),
        (
            "direct calls only",
            [
                deny_all_but(
                    *LEFT_OPEN, when={"BoolIfExists": {PRESENT: "false", "aws:ViaAWSService": "false"}}
                )
            ],
        ),
        ("not equal to true, which a missing flag is not", [with_test("StringNotEquals", "true")]),
        ("a sound one beside a weak one", [BOOL, DENY_WITHOUT_MFA]),
        (
            "a Deny that has nothing to do with MFA",
            [deny("s3:*", when={"Bool": {"aws:SecureTransport": "false"}})],
        ),
        ("a plain Deny", [deny("s3:*")]),
        (
            "Allow with MFA: it grants, and claims to stop nobody",
            [allow("*", when={"Bool": {PRESENT: "true"}})],
        ),
        ("nothing at all", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_look_like_enforcement_or_is_sound_is_not_named(says: str, statements: list[Any]):
    assert "" == weak(*statements)


def test_our_own_documents_are_sound():
    there = around(a_person(), rules=the_rules())
    for document in (DOCUMENTS.full, DOCUMENTS.brake):
        assert "" == weakness(parse_document(document, "P"), there.examiner.may_leave_open)


@pytest.mark.parametrize("more", ["sts:GetFederationToken", "iam:PutUserPolicy", "secretsmanager:*"])
def test_what_a_policy_leaves_open_beyond_what_is_accepted_is_named(more: str):
    """Each of these lets somebody with a stolen key get rights or secrets without MFA."""
    open_too = deny_all_but(*LEFT_OPEN, "iam:ChangePassword", more, when=NO_MFA)
    (text,) = names(a_person(inline=(inline("Mfa", open_too),)))
    assert f'"inline policy Mfa" leaves open without MFA: {more.lower()} (on alice)' in text


def test_a_hole_in_the_resources_is_named():
    hole = deny_all_but(*LEFT_OPEN, when=NO_MFA)
    del hole["Resource"]
    secrets = "arn:aws:secretsmanager:*:*:secret:*"
    (text,) = names(a_person(inline=(inline("Mfa", {**hole, "NotResource": secrets}),)))
    assert f"leaves open without MFA: every action on {secrets} (on alice)" in text.replace(
        "iam:changepassword, ", ""
    )


def test_what_is_left_open_may_be_accepted():
    rules = the_rules(covered_may_leave_open=("secretsmanager:Get*",))
    user = a_person(inline=(inline("Mfa", deny_all_but("secretsmanager:GetSecretValue", when=NO_MFA)),))
    assert [] == names(user, rules=rules)


def test_a_finding_names_document_weakness_and_people():
    policy = a_managed("EnforceMFA", BOOL)
    expected = (
        '"EnforceMFA" uses Bool, so access keys are not denied: their requests carry no MFA key (on alice)'
    )
    assert [expected] == names(a_person(attached=(policy.arn,)), policies=(policy,))


def test_a_document_is_named_once_with_the_first_three_of_its_people():
    policy = a_managed("EnforceMFA", BOOL)
    people = [a_person(f"user-{number}", groups=("Staff",)) for number in range(5)]
    (text,) = names(*people, policies=(policy,), groups=(a_group("Staff", policy.arn),))
    assert text.endswith("(on user-0, user-1, user-2 and 2 more)")


def test_inline_policies_are_named_with_their_group():
    staff = a_group("Staff", inline=[inline("Mfa", BOOL)])
    (text,) = names(a_person(groups=("Staff",)), groups=(staff,))
    assert '"inline policy Mfa of group Staff" uses Bool' in text


def test_who_is_covered_by_something_else_is_not_misled():
    assert [] == names(a_person(inline=(inline("A", BOOL), inline("B", DENY_WITHOUT_MFA))))


def test_halves_that_cover_together_mislead_nobody():
    halves = (
        inline("A", deny("s3:*", "ec2:*", when=NO_MFA)),
        inline("B", deny_all_but("s3:*", "ec2:*", *LEFT_OPEN, when=NO_MFA)),
    )
    assert [] == names(a_person(inline=halves))


def test_the_exempt_are_misled_like_anybody():
    rules = the_rules(exemptions=(an_exemption(f"arn:aws:iam::{ACCOUNT}:user/alice"),))
    assert 1 == len(names(a_person(inline=(inline("A", BOOL),)), rules=rules))


def test_ours_is_never_named_not_even_an_altered_one():
    """It is thought away; that it was altered is drift."""
    placed = a_person(groups=("ForceMFA",))
    assert [] == names(placed, **ours_in_place())


def test_a_policy_that_nobody_has_misleads_nobody():
    assert [] == names(a_person(), policies=(a_managed("EnforceMFA", BOOL),))


def test_every_finding_is_of_its_account():
    rules, user = the_rules(), a_person(inline=(inline("A", BOOL),))
    there = around(user, rules=rules)
    (finding,) = lookalikes(there, {user.id: judge(user, there)})
    assert ("look-alike", ACCOUNT, "") == (finding.code, finding.account_id, finding.user_arn)
