"""The documents: the seed to the letter, each amendment, every partition, and what they really do when evaluated."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.iam import (
    Allowed,
    Context,
    Decision,
    ExplicitlyDenied,
    ImplicitlyDenied,
    Policies,
    Request,
    equal_documents,
    evaluate,
    parse_document,
)
from rollout.domain.policy.force_mfa import (
    LEFT_OPEN_BY_SWITCHES,
    SEED,
    SWITCHES,
    PolicyAmendments,
    allow_half,
    enrolment,
    force_mfa,
    switched_on,
)
from rollout.wiring.seed_policy import seed

ACCOUNT = "012345678901"
PARTITIONS = ("aws", "aws-us-gov", "aws-cn", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")
NOTHING = PolicyAmendments(pathed_users=False, get_mfa_device=False)
OPEN_WITHOUT_MFA = {
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
}
ENROLLING = OPEN_WITHOUT_MFA - {"sts:GetSessionToken"}
amendments = st.builds(PolicyAmendments, *(st.booleans() for _ in fields(PolicyAmendments)))
partitions = st.sampled_from(PARTITIONS)
some = settings(max_examples=25)  # evaluating takes its time, and there are 128 documents in all


def asked(
    document: Any,
    action: str,
    *,
    path: str = "/",
    partition: str = "aws",
    mfa: str | None = None,
    on: str = "",
    **context: str,
) -> Decision:
    """Ask the document alone about a user's own request, by default on the user itself."""
    arn = f"arn:{partition}:iam::{ACCOUNT}:user{path}alice"
    values = {key.replace("_", ":"): value for key, value in context.items()}
    if mfa is not None:
        values["aws:MultiFactorAuthPresent"] = mfa
    return evaluate(
        Policies((parse_document(document, "P"),)),
        Request(action, on or resource(action, arn), arn, Context(values)),
    )


def resource(action: str, arn: str) -> str:
    if action == "iam:CreateVirtualMFADevice":
        return arn.partition(":user/")[0] + ":mfa/any"
    return "*" if action in ("iam:ListVirtualMFADevices", "iam:GetAccountPasswordPolicy") else arn


def the_deny(document: Any) -> Any:
    return next(statement for statement in document["Statement"] if statement["Effect"] == "Deny")


# --- The seed ---


def test_the_seed_has_its_nine_statements_in_order():
    assert [
        "AllowViewAccountInfo",
        "AllowManageOwnPasswords",
        "AllowManageOwnAccessKeys",
        "AllowManageOwnSigningCertificates",
        "AllowManageOwnSSHPublicKeys",
        "AllowManageOwnGitCredentials",
        "AllowManageOwnVirtualMFADevice",
        "AllowManageOwnUserMFA",
        "DenyAllExceptListedIfNoMFA",
    ] == [statement["Sid"] for statement in seed()["Statement"]]


def test_the_seed_denies_everything_but_seven_actions_with_the_flag_missing_or_false():
    assert {
        "Sid": "DenyAllExceptListedIfNoMFA",
        "Effect": "Deny",
        "NotAction": sorted(OPEN_WITHOUT_MFA),
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    } == the_deny(seed())


def test_the_seed_without_white_space_has_the_size_it_had():
    """aws-facts.md#seed-policy."""
    assert 1967 == len(json.dumps(seed(), separators=(",", ":")))


def test_the_seed_stands_in_the_package_as_it_was_given():
    here = Path(force_mfa.__code__.co_filename).with_name("force-mfa-policy.json")
    assert seed() == json.loads(here.read_text("utf-8"))


def test_variant_seed_is_the_seed_to_the_letter():
    assert seed() == force_mfa(seed(), "aws", SEED)
    assert NOTHING == SEED


@given(partitions, amendments)
def test_the_seed_is_never_changed(partition: str, chosen: PolicyAmendments):
    mine = seed()
    before = deepcopy(mine)
    document = force_mfa(mine, partition, chosen)
    document["Statement"][0]["Action"].append("iam:Spoilt")
    allow_half(document)["Statement"][1]["Action"].append("iam:Spoilt")
    assert before == mine


# --- Amendments ---


@some
@given(partitions, amendments)
def test_every_document_can_be_read_and_fits_a_managed_policy(partition: str, chosen: PolicyAmendments):
    document = force_mfa(seed(), partition, chosen)
    for one in (document, allow_half(document), enrolment(partition)):
        assert parse_document(one, "P").problem is None
        assert len(json.dumps(one, separators=(",", ":"))) <= 6144
        assert "2012-10-17" == one["Version"]
        sids = [statement["Sid"] for statement in one["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(sid.isalnum() for sid in sids)


def test_pathed_users_adds_a_second_resource_to_every_statement_about_oneself():
    amended = force_mfa(seed(), "aws", replace(NOTHING, pathed_users=True))
    own = "arn:aws:iam::*:user/${aws:username}"
    pathed = "arn:aws:iam::*:user/*/${aws:username}"
    for before, after in zip(seed()["Statement"], amended["Statement"], strict=True):
        expected = [own, pathed] if before["Resource"] == own else before["Resource"]
        assert {**before, "Resource": expected} == after
    assert 6 == sum(statement["Resource"] == [own, pathed] for statement in amended["Statement"])


def test_get_mfa_device_is_allowed_and_spared_and_nothing_else():
    amended = force_mfa(seed(), "aws", replace(NOTHING, get_mfa_device=True))
    changed = {
        after["Sid"]: set(after.get("Action", after.get("NotAction")))
        - set(before.get("Action", before.get("NotAction")))
        for before, after in zip(seed()["Statement"], amended["Statement"], strict=True)
        if before != after
    }
    assert {
        "AllowManageOwnUserMFA": {"iam:GetMFADevice"},
        "DenyAllExceptListedIfNoMFA": {"iam:GetMFADevice"},
    } == changed


def test_first_password_change_spares_two_actions():
    amended = force_mfa(seed(), "aws", replace(NOTHING, first_password_change=True))
    assert OPEN_WITHOUT_MFA | {"iam:ChangePassword", "iam:GetAccountPasswordPolicy"} == set(
        the_deny(amended)["NotAction"]
    )
    assert seed()["Statement"][:-1] == amended["Statement"][:-1]


def test_via_aws_service_spares_what_services_do():
    amended = force_mfa(seed(), "aws", replace(NOTHING, via_aws_service=True))
    expected = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false", "aws:ViaAWSService": "false"}}
    assert expected == the_deny(amended)["Condition"]
    assert seed()["Statement"][:-1] == amended["Statement"][:-1]
    assert isinstance(asked(amended, "s3:GetObject", aws_ViaAWSService="false"), ExplicitlyDenied)
    assert isinstance(asked(amended, "s3:GetObject"), ExplicitlyDenied)
    assert isinstance(asked(amended, "s3:GetObject", aws_ViaAWSService="true"), ImplicitlyDenied)


def test_the_defaults_are_those_of_the_design():
    assert PolicyAmendments(True, True, False, False) == PolicyAmendments()


def test_every_switch_says_what_it_is_for_and_what_it_risks():
    assert ["partition", *(field.name for field in fields(PolicyAmendments))] == [
        switch.name for switch in SWITCHES
    ]
    assert all(
        switch.purpose and switch.risk and "\n" not in switch.purpose + switch.risk for switch in SWITCHES
    )


@given(amendments)
def test_partition_is_always_on(chosen: PolicyAmendments):
    on = [switch.name for switch in switched_on(chosen)]
    assert "partition" == on[0]
    assert {name for name in on if name != "partition"} == {
        field.name for field in fields(chosen) if getattr(chosen, field.name)
    }


# --- Partitions ---


@pytest.mark.parametrize("partition", PARTITIONS)
def test_every_arn_is_of_the_partition(partition: str):
    document = force_mfa(seed(), partition, PolicyAmendments())
    for one in (document, allow_half(document), enrolment(partition)):
        for statement in one["Statement"]:
            named = (
                statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            )
            assert all(arn == "*" or arn.startswith(f"arn:{partition}:iam::*:") for arn in named)


@given(amendments)
def test_another_partition_is_the_only_difference(chosen: PolicyAmendments):
    ordinary = json.dumps(force_mfa(seed(), "aws", chosen))
    assert ordinary.replace("arn:aws:", "arn:aws-cn:") == json.dumps(force_mfa(seed(), "aws-cn", chosen))


# --- What they do, evaluated ---


@some
@given(partitions, amendments, st.sampled_from([None, "false"]))
def test_without_mfa_everything_is_denied_but_enrolling(
    partition: str, chosen: PolicyAmendments, mfa: str | None
):
    document = force_mfa(seed(), partition, chosen)
    spared = ENROLLING | ({"iam:GetMFADevice"} if chosen.get_mfa_device else set())
    if chosen.first_password_change:
        spared |= {"iam:ChangePassword", "iam:GetAccountPasswordPolicy"}
    for action in spared:
        assert isinstance(asked(document, action, partition=partition, mfa=mfa), Allowed), action
    denied = {
        "s3:ListAllMyBuckets",
        "sts:AssumeRole",
        "iam:CreateAccessKey",
        "iam:DeactivateMFADevice",
        "madeup:Any",
    }
    for action in denied | ({"iam:ChangePassword"} - spared):
        assert isinstance(asked(document, action, partition=partition, mfa=mfa), ExplicitlyDenied), action


@some
@given(partitions, amendments)
def test_with_mfa_nothing_is_denied_and_oneself_can_be_managed(partition: str, chosen: PolicyAmendments):
    document = force_mfa(seed(), partition, chosen)
    for action in (*ENROLLING, "iam:CreateAccessKey", "iam:ChangePassword", "iam:DeactivateMFADevice"):
        assert isinstance(asked(document, action, partition=partition, mfa="true"), Allowed), action
    assert isinstance(
        asked(document, "s3:ListAllMyBuckets", mfa="true", partition=partition), ImplicitlyDenied
    )


@given(amendments)
def test_a_user_with_a_path_can_enrol_exactly_where_pathed_users_is_on(chosen: PolicyAmendments):
    document = force_mfa(seed(), "aws", chosen)
    for action in ENROLLING - {"iam:CreateVirtualMFADevice", "iam:ListVirtualMFADevices"}:
        able = isinstance(asked(document, action, path="/team/eu/"), Allowed)
        assert chosen.pathed_users == able, action


@given(amendments)
def test_nobody_can_manage_somebody_else(chosen: PolicyAmendments):
    document = force_mfa(seed(), "aws", chosen)
    for other in ("bob", "malice", "team/bob", "alice/bob", "Alice"):
        on = f"arn:aws:iam::{ACCOUNT}:user/{other}"
        for action in ("iam:CreateAccessKey", "iam:EnableMFADevice", "iam:DeactivateMFADevice"):
            assert not isinstance(asked(document, action, on=on, mfa="true"), Allowed), (other, action)


@some
@given(partitions, amendments)
def test_the_allow_half_is_the_document_without_its_deny(partition: str, chosen: PolicyAmendments):
    document = force_mfa(seed(), partition, chosen)
    half = allow_half(document)
    assert [*half["Statement"], the_deny(document)] == document["Statement"]
    assert document["Version"] == half["Version"]
    for action in (*ENROLLING, "iam:CreateAccessKey", "iam:ChangePassword"):
        assert isinstance(asked(half, action, partition=partition), Allowed), action
    assert isinstance(asked(half, "s3:GetObject", partition=partition), ImplicitlyDenied)
    assert half == allow_half(half)


# --- The enrolment policy ---


@pytest.mark.parametrize("path", ["/", "/team/", "/a/b/c/"])
@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.parametrize("mfa", [None, "false"])
def test_the_enrolment_policy_is_all_that_enrolling_needs(partition: str, path: str, mfa: str | None):
    for action in (*ENROLLING, "iam:ChangePassword"):
        decision = asked(enrolment(partition), action, partition=partition, path=path, mfa=mfa)
        assert isinstance(decision, Allowed), action


def test_the_enrolment_policy_gives_no_other_right():
    more = (
        "iam:DeactivateMFADevice",
        "iam:CreateAccessKey",
        "iam:DeleteVirtualMFADevice",
        "iam:PassRole",
        "s3:GetObject",
    )
    for action in more:
        assert isinstance(asked(enrolment("aws"), action, mfa="true"), ImplicitlyDenied), action
    for action in ("iam:EnableMFADevice", "iam:ChangePassword", "iam:GetUser"):
        other = asked(enrolment("aws"), action, on=f"arn:aws:iam::{ACCOUNT}:user/bob")
        assert isinstance(other, ImplicitlyDenied), action


def test_the_enrolment_policy_denies_nothing():
    assert equal_documents(allow_half(enrolment("aws")), enrolment("aws"))


def test_what_the_switches_leave_open_is_all_that_they_add():
    def open_in(document: Any) -> set[str]:
        (denial,) = (one for one in document["Statement"] if one["Effect"] == "Deny")
        return set(denial["NotAction"])

    every = PolicyAmendments(
        pathed_users=True, get_mfa_device=True, first_password_change=True, via_aws_service=True
    )
    before, amended = (open_in(force_mfa(seed(), "aws", switches)) for switches in (SEED, every))
    assert set(LEFT_OPEN_BY_SWITCHES) == amended - before
