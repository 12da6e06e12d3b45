"""The requests that are asked, and what is known of their surroundings."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rollout.domain.iam import Policies, parse_document
from rollout.domain.people.users import User
from rollout.domain.verdicts.requests import (
    ASKED,
    UNKNOWABLE,
    Asker,
    RequestEnvironment,
    home_region,
    probes,
)
from rollout.domain.verdicts.rights import Library
from tests.builders import ACCOUNT, NOW, ORGANIZATION
from tests.domain.judging import a_document, a_person, allow, deny

WORLD = RequestEnvironment("aws", ORGANIZATION, NOW, {})
ALICE = a_person(path="/team/")


def decisions(user: User, statement, world: RequestEnvironment = WORLD, *, probing: bool = False) -> set[str]:
    """What enrolling (or probing) comes to under one statement and nothing else."""
    policies = Policies((parse_document(a_document(statement), "P"),))
    asker = Asker(user, world)
    answers = asker.denials(policies) if probing else asker.enrolment(policies)
    return {type(asked.decision).__name__ for asked in answers}


def test_every_step_of_enrolling_is_asked_with_the_flag_absent_and_false():
    asked = list(Asker(ALICE, WORLD).enrolment(Policies(())))
    own = f"arn:aws:iam::{ACCOUNT}:user/team/alice"
    assert [
        ("iam:CreateVirtualMFADevice", f"arn:aws:iam::{ACCOUNT}:mfa/alice"),
        ("iam:EnableMFADevice", own),
        ("iam:ListMFADevices", own),
        ("iam:ResyncMFADevice", own),
        ("iam:GetUser", own),
        ("iam:ListVirtualMFADevices", "*"),
        ("sts:GetSessionToken", "*"),
    ] == [(one.action, one.resource) for one in asked[::2]]
    assert ["absent", "false"] * 7 == [one.mfa for one in asked]


def test_any_free_device_name_will_do():
    policies = Policies((parse_document(a_document(allow("iam:*", on="arn:aws:iam::*:mfa/rollout*")), "P"),))
    first = next(iter(Asker(ALICE, WORLD).enrolment(policies)))
    assert f"arn:aws:iam::{ACCOUNT}:mfa/rollout-probe" == first.resource


def test_the_probes_are_those_of_the_design():
    assert [
        "s3:ListAllMyBuckets",
        "ec2:DescribeInstances",
        "madeup:DoAnything",
        "sts:AssumeRole",
        "iam:CreateUser",
        "iam:AttachUserPolicy",
        "iam:CreateAccessKey",
    ] == [action for action, _ in probes(ALICE, "aws")]
    assert all(resource == "*" or f":{ACCOUNT}:" in resource for _, resource in probes(ALICE, "aws-cn"))
    assert not any(ALICE.arn == resource for _, resource in probes(ALICE, "aws"))


KNOWN = {
    "aws:username": "alice",
    "aws:userid": ALICE.id,
    "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/team/alice",
    "aws:PrincipalAccount": ACCOUNT,
    "aws:PrincipalType": "User",
    "aws:PrincipalOrgID": ORGANIZATION,
    "aws:PrincipalTag/EMAIL": "alice@example.com",
    "aws:ResourceAccount": ACCOUNT,
    "aws:ResourceOrgID": ORGANIZATION,
}


@pytest.mark.parametrize(("key", "value"), KNOWN.items(), ids=KNOWN)
def test_a_key_that_is_known(key: str, value: str):
    when = {"StringEquals": {key: value}}
    assert {"ExplicitlyDenied"} == decisions(ALICE, deny("*", when=when))
    assert {"ExplicitlyDenied"} == decisions(ALICE, deny("*", when=when), probing=True)


def test_the_session_is_direct_encrypted_and_now():
    when = {
        "Bool": {
            "aws:SecureTransport": "true",
            "aws:ViaAWSService": "false",
            "aws:PrincipalIsAWSService": "false",
        },
        "DateEquals": {"aws:CurrentTime": "2026-11-24T09:00:00Z"},
        "NumericEquals": {"aws:EpochTime": str(int(NOW.timestamp()))},
    }
    assert {"ExplicitlyDenied"} == decisions(ALICE, deny("*", when=when))


@pytest.mark.parametrize("key", UNKNOWABLE)
def test_a_key_that_nobody_can_know(key: str):
    assert {"Undecided"} == decisions(ALICE, deny("*", when={"StringLike": {key: "x*"}}))
    assert {"Undecided"} == decisions(ALICE, deny("*", when={"StringLike": {key: "x*"}}), probing=True)


def test_context_speaks_for_those_who_enrol_and_for_nobody_else():
    world = RequestEnvironment(
        "aws", ORGANIZATION, NOW, {"AWS:SourceIp": "192.0.2.7", "aws:CalledVia": ("a", "b")}
    )
    office = deny("*", when={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    called = deny("*", when={"ForAnyValue:StringEquals": {"aws:CalledVia": "b"}})
    for statement in (office, called):
        assert {"ExplicitlyDenied"} == decisions(ALICE, statement, world)
        assert {"Undecided"} == decisions(ALICE, statement, world, probing=True)


@pytest.mark.parametrize("key", ["aws:MultiFactorAuthPresent", "AWS:MULTIFACTORAUTHPRESENT"])
def test_context_says_nothing_of_mfa(key: str):
    world = RequestEnvironment("aws", "", NOW, {key: "true", "aws:MultiFactorAuthAge": "1"})
    with_mfa = allow("*", when={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    assert {"ImplicitlyDenied"} == decisions(ALICE, with_mfa, world)
    assert {"ImplicitlyDenied"} == decisions(
        ALICE, allow("*", when={"Null": {"aws:MultiFactorAuthAge": "false"}}), world
    )


def test_the_region_of_a_probe_may_be_any():
    home = deny("*", when={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})
    assert {"ExplicitlyDenied"} == decisions(ALICE, home)
    assert {"Undecided"} == decisions(ALICE, home, probing=True)


def test_one_s_own_tags_are_the_resource_s_when_one_is_the_resource():
    own = deny("iam:EnableMFADevice", when={"StringEquals": {"aws:ResourceTag/email": "alice@example.com"}})
    iam = deny(
        "iam:EnableMFADevice", when={"StringEquals": {"iam:ResourceTag/email": "${aws:PrincipalTag/email}"}}
    )
    for statement in (own, iam):
        assert {"ExplicitlyDenied", "ImplicitlyDenied"} == decisions(ALICE, statement)


def test_the_tags_of_others_are_not_known():
    assert {"Undecided", "ImplicitlyDenied"} == decisions(
        ALICE, deny("*", when={"StringEquals": {"aws:ResourceTag/env": "prod"}}), probing=True
    )


def test_time_is_told_in_utc():
    world = RequestEnvironment("aws", "", datetime(2026, 11, 24, 9, 0, tzinfo=UTC), {})
    assert "2026-11-24T09:00:00Z" == world.known()["aws:currenttime"]


HOMES = {
    "aws": "us-east-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-cn": "cn-north-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}


@pytest.mark.parametrize(("partition", "region"), HOMES.items(), ids=HOMES)
def test_iam_is_at_home_where_aws_facts_say(partition: str, region: str):
    assert region == home_region(partition)


# --- What a document of a user's own can change ---


def test_every_action_that_is_asked_is_one_of_those_by_which_a_document_matters():
    asker, policies = Asker(ALICE, WORLD), Policies(())
    questions = (
        asker.enrolment,
        asker.passkey,
        asker.aws_login,
        asker.password_change,
        asker.console_session,
    )
    asked = [one.action for ask in (*questions, asker.denials) for one in ask(policies)]
    assert {action.partition(" ")[0].lower() for action in asked} == ASKED


@pytest.mark.parametrize(
    ("statement", "matters"),
    [
        (allow("s3:GetObject", on="arn:aws:s3:::home/${aws:username}/*"), False),
        (allow("iam:Get*"), True),
        (allow("*"), True),
        (deny("s3:GetObject"), True),
        ({"Effect": "Allow", "Action": 7, "Resource": "*"}, True),
    ],
    ids=["about something else", "covers an action", "covers everything", "denies", "unreadable"],
)
def test_only_a_document_that_can_change_an_answer_matters(statement, matters: bool):
    assert matters == Library().matters(parse_document(a_document(statement), "P"))
