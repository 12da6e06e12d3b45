"""What policies that force MFA, and policies that only look like it, do to an IAM user's requests."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.domain.iam import Allowed, Document, ExplicitlyDenied, ImplicitlyDenied
from tests.domain.iam.asking import (
    ADMIN,
    ALICE,
    SESSION,
    a_document,
    a_request,
    allow,
    ask,
    deny,
)

MFA = "aws:MultiFactorAuthPresent"
LISTED = [
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
]


def forcing(
    operator: str = "BoolIfExists", element: str = "NotAction", value: Any = "false", **more: Any
) -> Document:
    condition = {operator: {MFA: value}, **more}
    return a_document({"Effect": "Deny", element: LISTED, "Resource": "*", "Condition": condition})


SEED = forcing()
AGE_LIMIT = a_document(deny(Condition={"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}}))
CASES = [
    ("the seed denies a long-term key", "aws-facts.md#when-the-keys-exist", SEED, "s3:ListAllMyBuckets", {}, ExplicitlyDenied),
    ("the seed denies the console without MFA", "aws-facts.md#when-the-keys-exist", SEED, "s3:ListAllMyBuckets", {MFA: "false"},
        ExplicitlyDenied),
    ("the seed lets the console with MFA pass", "aws-facts.md#when-the-keys-exist", SEED, "s3:ListAllMyBuckets", {MFA: "true"}, Allowed),
    ("the seed lets enrolment pass", "aws-facts.md#seed-and-aws-sample", SEED, "iam:EnableMFADevice", {MFA: "false"}, Allowed),
    ("the seed lets a key-only user enrol", "aws-facts.md#cli-after-enforcement", SEED, "iam:CreateVirtualMFADevice", {}, Allowed),
    ("the seed denies a first password change", "aws-facts.md#caveats", SEED, "iam:ChangePassword", {MFA: "false"},
        ExplicitlyDenied),
    ("the seed denies GetMFADevice", "aws-facts.md#seed-and-aws-sample", SEED, "iam:GetMFADevice", {MFA: "false"}, ExplicitlyDenied),
    ("the seed denies assuming a role", "aws-facts.md#when-the-keys-exist", SEED, "sts:AssumeRole", {}, ExplicitlyDenied),
    ("Bool misses long-term keys", "aws-facts.md#operators", forcing("Bool"), "s3:ListAllMyBuckets", {}, Allowed),
    ("Bool denies the console without MFA", "aws-facts.md#operators", forcing("Bool"), "s3:ListAllMyBuckets", {MFA: "false"},
        ExplicitlyDenied),
    ("Null misses the console without MFA", "aws-facts.md#operators", forcing("Null", value="true"), "s3:ListAllMyBuckets",
        {MFA: "false"}, Allowed),
    ("Null denies long-term keys", "aws-facts.md#operators", forcing("Null", value="true"), "s3:ListAllMyBuckets", {},
        ExplicitlyDenied),
    ("StringEqualsIfExists does what BoolIfExists does", "IAM JSON policy elements: Condition operators",
        forcing("StringEqualsIfExists"), "s3:ListAllMyBuckets", {}, ExplicitlyDenied),
    ("the inverted form denies enrolment", "aws-facts.md#tags-boundaries-lock-out-detection", forcing(element="Action"), "iam:EnableMFADevice", {},
        ExplicitlyDenied),
    ("the inverted form denies nothing else", "aws-facts.md#tags-boundaries-lock-out-detection", forcing(element="Action"), "s3:ListAllMyBuckets", {},
        Allowed),
    ("an age limit misses whoever has no MFA", "aws-facts.md#when-the-keys-exist", AGE_LIMIT, "s3:ListAllMyBuckets", {}, Allowed),
    ("narrowed to direct calls, the seed still denies a key", "aws-facts.md#operators",
        forcing(Bool={"aws:ViaAWSService": "false"}), "s3:ListAllMyBuckets", {"aws:ViaAWSService": "false"},
        ExplicitlyDenied),
    ("narrowed to direct calls, services pass", "aws-facts.md#operators", forcing(Bool={"aws:ViaAWSService": "false"}),
        "s3:ListAllMyBuckets", {"aws:ViaAWSService": "true"}, Allowed),
]  # fmt: skip


@pytest.mark.parametrize(
    ("says", "source", "document", "action", "context", "expected"), CASES, ids=[c[0] for c in CASES]
)
def test_forcing_mfa(says, source, document, action, context, expected) -> None:
    """An administrator with such a policy is denied exactly what the cited section says."""
    assert expected is type(ask(a_request(action, "*", context=context), ADMIN, document)), (says, source)


def test_an_allow_with_mfa_grants_nothing_without() -> None:
    """aws-facts.md#operators: it grants only with MFA, and does not stop other Allows."""
    only_with = a_document(allow(Condition={"Bool": {MFA: "true"}}))
    assert isinstance(ask(a_request(), only_with), ImplicitlyDenied)
    assert isinstance(ask(a_request(), only_with, ADMIN), Allowed)


def test_an_scp_that_forces_mfa_on_users_spares_role_sessions() -> None:
    """aws-facts.md#organizations: the principal test keeps roles, which never carry the MFA flag, out of it."""
    users_only = forcing(ArnLike={"aws:PrincipalArn": "arn:aws:iam::*:user/*"})
    scps = ((ADMIN, users_only),)
    assert isinstance(ask(a_request("s3:GetObject", "*", ALICE), ADMIN, scps=scps), ExplicitlyDenied)
    assert isinstance(ask(a_request("s3:GetObject", "*", SESSION), ADMIN, scps=scps), Allowed)
