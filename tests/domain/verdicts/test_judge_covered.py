"""Who is covered: a Deny of every probe, with MFA absent and false, whatever the policy is called.

See design.md#verdicts.
"""

from __future__ import annotations

from typing import Any

import pytest

from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.people.users import NamedPolicy
from rollout.domain.policy.force_mfa import PolicyAmendments
from tests.builders import ACCOUNT, a_user
from tests.domain.judging import (
    DENY_WITHOUT_MFA,
    DOCUMENTS,
    EVERYTHING,
    LEFT_OPEN,
    NO_MFA,
    SELF,
    SELF_SERVICE,
    a_document,
    a_group,
    a_level,
    a_managed,
    a_person,
    allow,
    deny,
    deny_all_but,
    inline,
    the_documents,
)
from tests.domain.verdicts.rows import Row, check, covered, enforce, hold

PRESENT = "aws:MultiFactorAuthPresent"
ENFORCER = a_managed("RequireMfa", DENY_WITHOUT_MFA)
ENFORCER_ARN = ENFORCER.arn
BOOL = {"Bool": {PRESENT: "false"}}
IAM_OPEN = ("iam:*", "sts:*")


def under(*statements: Any, **more: Any):
    """Somebody who may enrol, and has an inline policy of these statements."""
    return a_person(inline=(SELF_SERVICE, inline("X", *statements)), **more)


def carrying(*policies: ManagedPolicy, **more: Any) -> dict[str, Any]:
    return {"policies": policies, **more}


X = "inline policy X"

COVERED = [
    covered(
        "a policy of our meaning by another name, attached to the user",
        a_person(attached=(ENFORCER_ARN,)),
        ENFORCER_ARN,
        account=carrying(ENFORCER),
    ),
    covered(
        "through a group",
        a_person(groups=("Staff",)),
        ENFORCER_ARN,
        account=carrying(ENFORCER, groups=(a_group("Staff", ENFORCER_ARN),)),
    ),
    covered("inline", under(DENY_WITHOUT_MFA), X),
    covered(
        "inline in a group",
        a_person(groups=("Staff",)),
        "inline policy Y of group Staff",
        account={"groups": (a_group("Staff", inline=[inline("Y", DENY_WITHOUT_MFA)]),)},
    ),
    covered(
        "Deny everything, enrolment too, without MFA",
        under(deny("*", when=NO_MFA), mfa=None),
        X,
        "cannot-enrol",
    ),
    covered(
        "NotAction of one action that may be left open",
        under(deny_all_but("iam:ChangePassword", when=NO_MFA), mfa=None),
        X,
        "cannot-enrol",
        detail="everything but iam:changepassword is denied without MFA by inline policy X",
    ),
    covered(
        "NotAction over all of AWS, with the console's own calls accepted",
        under(deny_all_but(*LEFT_OPEN, "iam:ChangePassword", "aws-portal:View*", when=NO_MFA)),
        X,
        rules={"covered_may_leave_open": ("iam:ChangePassword", "aws-portal:*")},
    ),
    covered(
        "in two statements that cover only together",
        under(
            deny("s3:*", "ec2:*", "madeup:*", when=NO_MFA),
            deny_all_but("s3:*", "ec2:*", "madeup:*", *LEFT_OPEN, when=NO_MFA),
        ),
        X,
    ),
    covered(
        "in two documents that cover only together",
        a_person(
            inline=(
                SELF_SERVICE,
                inline("Reads", deny("s3:*", "ec2:*", when=NO_MFA)),
                inline("Rest", deny_all_but("s3:*", "ec2:*", *LEFT_OPEN, when=NO_MFA)),
            )
        ),
        "inline policy Reads, inline policy Rest",
    ),
    covered(
        "one statement for keys and one for the console, which cover only together",
        under(
            deny_all_but(*LEFT_OPEN, when={"Null": {PRESENT: "true"}}),
            deny_all_but(*LEFT_OPEN, when=BOOL),
        ),
        X,
    ),
    covered(
        "by the age of the MFA session, which is missing without one",
        under(
            deny_all_but(*LEFT_OPEN, when={"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "3600"}})
        ),
        X,
    ),
    covered(
        "with the key's name in another case",
        under(deny_all_but(*LEFT_OPEN, when={"BoolIfExists": {"AWS:multifactorauthpresent": "false"}})),
        X,
    ),
    covered(
        "direct calls only: what a service does for the user is not the user's call",
        under(
            deny_all_but(*LEFT_OPEN, when={"BoolIfExists": {PRESENT: "false", "aws:ViaAWSService": "false"}})
        ),
        X,
    ),
    covered(
        "a Deny of everything whatever the session is",
        a_person(attached=("arn:aws:iam::aws:policy/AWSDenyAll",), mfa=None),
        "arn:aws:iam::aws:policy/AWSDenyAll",
        "cannot-enrol",
        account={
            "policies": (
                ManagedPolicy(
                    "arn:aws:iam::aws:policy/AWSDenyAll",
                    "AWSDenyAll",
                    "/",
                    a_managed("-", deny("*")).versions,
                ),
            )
        },
    ),
    covered(
        "by a service control policy of the account",
        ALICE := a_person(),
        "SCP Mfa",
        account={"scps": (a_level(), a_level(DENY_WITHOUT_MFA, name="Mfa"))},
    ),
    covered(
        "by a service control policy for users alone, as aws-facts.md#organizations writes it",
        a_person(path="/team/eu/"),
        "SCP Mfa",
        account={
            "scps": (
                a_level(
                    deny_all_but(
                        *LEFT_OPEN, when={**NO_MFA, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}
                    ),
                    name="Mfa",
                ),
            )
        },
    ),
    covered(
        "by the permissions boundary",
        a_person(boundary=ENFORCER_ARN),
        ENFORCER_ARN,
        account=carrying(a_managed("RequireMfa", allow("*"), DENY_WITHOUT_MFA)),
    ),
    covered(
        "for the users with a tag, by one who has it",
        under(
            deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:PrincipalTag/Mfa": "yes"}}),
            tags={"email": "a@example.com", "mfa": "yes"},
        ),
        X,
    ),
    covered(
        "for the users with a tag of odd letters, by one who has it",
        under(
            deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:PrincipalTag/Straße": "yes"}}),
            tags={"email": "a@example.com", "Straße": "yes"},
        ),
        X,
    ),
    covered(
        "by name",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringLike": {"aws:username": "ali*"}})),
        X,
    ),
    covered(
        "a Deny that is seen stands beside a document that cannot be read",
        a_person(inline=(SELF_SERVICE, NamedPolicy("Odd", "%7Bnot json"), inline("X", DENY_WITHOUT_MFA))),
        X,
    ),
    covered(
        "undecoded text is read all the same",
        a_person(
            inline=(
                SELF_SERVICE,
                NamedPolicy("X", '{"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}'),
            ),
            mfa=None,
        ),
        X,
        "cannot-enrol",
    ),
    covered(
        "a foreign policy of our very document, by the name of ForceMFA",
        a_person(attached=(f"arn:aws:iam::{ACCOUNT}:policy/ForceMFA",)),
        f"arn:aws:iam::{ACCOUNT}:policy/ForceMFA",
        account=carrying(a_managed("ForceMFA", raw=DOCUMENTS.full)),
    ),
    *(
        covered(
            f"our own document under another name, amended: {amendments}",
            a_person(attached=(f"arn:aws:iam::{ACCOUNT}:policy/Mfa",)),
            f"arn:aws:iam::{ACCOUNT}:policy/Mfa",
            account=carrying(a_managed("Mfa", raw=the_documents(amendments).full)),
        )
        for amendments in (
            PolicyAmendments(pathed_users=False, get_mfa_device=False),
            PolicyAmendments(first_password_change=True),
            PolicyAmendments(via_aws_service=True),
        )
    ),
]

# Covered, and nothing of ours is added: whoever may not enrol today never will (a finding, design.md#verdicts).
TRAPPED = [
    covered(
        "a Deny without the Allows that enrolling needs",
        a_person(inline=(inline("X", DENY_WITHOUT_MFA),), mfa=None),
        X,
        "cannot-enrol",
        detail="iam:CreateVirtualMFADevice is not allowed by identity policies",
    ),
    covered(
        "a user with a path under the seed's resources",
        a_person(
            path="/team/",
            mfa=None,
            inline=(NamedPolicy("X", the_documents(PolicyAmendments(pathed_users=False)).full),),
        ),
        X,
        "cannot-enrol",
        detail="iam:EnableMFADevice is not allowed by identity policies",
    ),
    covered(
        "a machine that is covered may be unable to enrol, too",
        a_user("bot", password=False, mfa=None, keys=1, inline=(inline("X", DENY_WITHOUT_MFA),)),
        X,
        "cannot-enrol",
    ),
    covered(
        "whether a covered user can enrol may turn on what cannot be known: no finding, no certainty",
        under(
            DENY_WITHOUT_MFA,
            deny("iam:EnableMFADevice", when={"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        ),
        X,
    ),
]

# Looks like enforcement, and is not: never covered.
NOT_COVERED = [
    *(
        enforce(
            f"a Deny that leaves {more} open",
            under(deny_all_but(*LEFT_OPEN, more, when=NO_MFA)),
            "none",
            "has-mfa",
        )
        for more in (
            "sts:GetFederationToken",
            "iam:PutUserPolicy",
            "secretsmanager:*",
            "aws-portal:View*",
            "iam:*Tag*",
        )
    ),
    enforce(
        "a Deny of everything but what happens to secrets",
        under(
            {
                "Effect": "Deny",
                "NotAction": list(LEFT_OPEN),
                "NotResource": "arn:aws:secretsmanager:*",
                "Condition": NO_MFA,
            }
        ),
        "none",
        "has-mfa",
    ),
    enforce(
        "Bool in place of BoolIfExists: keys pass",
        under(deny_all_but(*LEFT_OPEN, when=BOOL)),
        "none",
        "has-mfa",
    ),
    enforce(
        "Null: a console session without MFA passes",
        under(deny_all_but(*LEFT_OPEN, when={"Null": {PRESENT: "true"}})),
        "none",
        "has-mfa",
    ),
    hold(
        "inverted: Action in place of NotAction, which denies enrolment",
        under(deny(*LEFT_OPEN, when=NO_MFA), mfa=None),
        "cannot-enrol",
        detail="statement 1 in inline policy X",
    ),
    enforce(
        "MFA is what it denies",
        under(deny_all_but(*LEFT_OPEN, when={"Bool": {PRESENT: "true"}})),
        "none",
        "has-mfa",
    ),
    enforce(
        "only a few actions", under(deny("s3:*", "ec2:*", "iam:CreateUser", when=NO_MFA)), "none", "has-mfa"
    ),
    enforce(
        "all of IAM left open: keys are made without MFA",
        under(deny_all_but("iam:*", "sts:GetSessionToken", when=NO_MFA)),
        "none",
        "has-mfa",
    ),
    enforce(
        "all of STS left open: roles are assumed without MFA",
        under(deny_all_but(*LEFT_OPEN, "sts:*", when=NO_MFA)),
        "none",
        "has-mfa",
    ),
    *(
        enforce(
            f"{action} left open", under(deny_all_but(*LEFT_OPEN, action, when=NO_MFA)), "none", "has-mfa"
        )
        for action in (
            "s3:ListAllMyBuckets",
            "ec2:Describe*",
            "iam:CreateUser",
            "iam:AttachUserPolicy",
            "iam:CreateAccessKey",
            "sts:AssumeRole",
            "madeup:*",
        )
    ),
    enforce(
        "only some resources",
        under(deny_all_but(*LEFT_OPEN, on=["arn:aws:s3:::*", "arn:aws:iam::*:user/*"], when=NO_MFA)),
        "none",
        "has-mfa",
    ),
    enforce("only oneself", under(deny_all_but(*LEFT_OPEN, on=SELF, when=NO_MFA)), "none", "has-mfa"),
    enforce(
        "only without TLS",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "Bool": {"aws:SecureTransport": "false"}})),
        "none",
        "has-mfa",
    ),
    enforce(
        "only what services do for the user",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "Bool": {"aws:ViaAWSService": "true"}})),
        "none",
        "has-mfa",
    ),
    enforce(
        "only users of another name",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:username": "bob"}})),
        "none",
        "has-mfa",
    ),
    enforce(
        "only users with a tag, by one who has it not",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:PrincipalTag/mfa": "yes"}})),
        "none",
        "has-mfa",
    ),
    enforce(
        "only in one Region, even if that is IAM's home",
        under(
            deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:RequestedRegion": "us-east-1"}})
        ),
        "none",
        "has-mfa",
    ),
    enforce(
        "only outside one Region",
        under(
            deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})
        ),
        "none",
        "has-mfa",
    ),
    enforce(
        "only outside the office: inside, nothing is denied",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}})),
        "none",
        "has-mfa",
    ),
    enforce(
        "only inside the office: a thief is elsewhere, whatever rules.context says for enrolling",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})),
        "none",
        "has-mfa",
        rules={"context": {"aws:SourceIp": "192.0.2.7"}},
    ),
    enforce(
        "only with a key that rules.context names: others come without it",
        under(
            deny_all_but(
                *LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:CalledViaFirst": "athena.amazonaws.com"}}
            )
        ),
        "none",
        "has-mfa",
        rules={"context": {"aws:CalledViaFirst": "athena.amazonaws.com"}},
    ),
    enforce(
        "only on resources with a tag",
        under(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:ResourceTag/env": "prod"}})),
        "none",
        "has-mfa",
    ),
    enforce(
        "Allow with MFA does not stop other Allows",
        under(allow("*", when={"Bool": {PRESENT: "true"}}), allow("s3:*")),
        "none",
        "has-mfa",
    ),
    enforce(
        "Allow BoolIfExists lets keys through",
        under(allow("*", when={"BoolIfExists": {PRESENT: "true"}})),
        "none",
        "has-mfa",
    ),
    enforce("no rights at all is no enforcement", a_person(), "none", "has-mfa"),
    enforce(
        "a boundary that allows nothing but enrolling is no enforcement",
        a_person(boundary=ENFORCER_ARN),
        "none",
        "has-mfa",
        account=carrying(a_managed("RequireMfa", *DOCUMENTS.brake["Statement"])),
    ),
    hold(
        "the right Deny in a version that is not in force",
        a_person(attached=(ENFORCER_ARN,), mfa=None),
        "unknown",
        detail=f"{ENFORCER_ARN}, which cannot be known in advance",
        account=carrying(ManagedPolicy(ENFORCER_ARN, "RequireMfa", "/", ())),
    ),
    enforce(
        "the policy's name says it all, and its document nothing",
        a_person(attached=(f"arn:aws:iam::{ACCOUNT}:policy/EnforceMFA",)),
        "none",
        "has-mfa",
        account=carrying(a_managed("EnforceMFA", allow("s3:*"))),
    ),
    hold(
        "a policy of our name that does nothing keeps ours out",
        a_person(attached=(f"arn:aws:iam::{ACCOUNT}:policy/ForceMFA",)),
        "name-clash",
        detail="a policy that rollout did not make has our name",
        cure="have what has this name removed",
        account=carrying(a_managed("ForceMFA", allow("s3:*"))),
    ),
    enforce("the right Deny in another's inline policy", a_person(), "none", "has-mfa"),
    enforce(
        "the right Deny in a group that the user is not in",
        a_person(),
        "none",
        "has-mfa",
        account={"groups": (a_group("Staff", inline=[inline("Y", DENY_WITHOUT_MFA)]),)},
    ),
    enforce(
        "a service control policy does not reach the management account",
        a_person(account_id="999988887777"),
        "none",
        "has-mfa",
        account={"scps": (a_level(DENY_WITHOUT_MFA, name="Mfa"),)},
    ),
    hold(
        "a Deny in a document that is broken elsewhere may do anything",
        a_person(
            inline=(SELF_SERVICE, NamedPolicy("X", {**a_document(DENY_WITHOUT_MFA), "Extra": 1})), mfa=None
        ),
        "unknown",
        detail="depends on inline policy X, which cannot be known in advance",
    ),
    enforce(
        "variables are plain text under the old Version",
        a_person(
            inline=(
                SELF_SERVICE,
                NamedPolicy(
                    "X",
                    a_document(
                        deny_all_but(*LEFT_OPEN, on="arn:aws:iam::*:user/${aws:username}", when=NO_MFA),
                        version="2008-10-17",
                    ),
                ),
            )
        ),
        "none",
        "has-mfa",
    ),
]


@pytest.mark.parametrize("row", [*COVERED, *TRAPPED], ids=lambda row: row.says)
def test_is_covered(row: Row):
    check(row)


@pytest.mark.parametrize("row", NOT_COVERED, ids=lambda row: row.says)
def test_is_not_covered(row: Row):
    check(row)


def test_everything_allowed_changes_nothing():
    check(covered("Allow * beside the Deny", under(allow("*"), DENY_WITHOUT_MFA), X))
    assert EVERYTHING["Statement"]
