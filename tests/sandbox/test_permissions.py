"""The sandbox's own judge of requests: small, and stricter than generous where it does not understand."""

import json
from typing import Any

import pytest

from rollout.sandbox.access.permissions import AuthorizationRequest, CallerPolicies, is_allowed

BASE = {"Effect": "Allow", "Action": "*", "Resource": "*"}
MFA = "aws:MultiFactorAuthPresent"


def asked(
    action: str = "s3:GetObject", resource: str = "arn:aws:s3:::bucket/key", **context: str
) -> AuthorizationRequest:
    return AuthorizationRequest(
        action, resource, {key.replace("__", ":"): value for key, value in context.items()}
    )


def allowed(question: AuthorizationRequest, *statements: dict[str, Any]) -> bool:
    return is_allowed(question, CallerPolicies([json.dumps({"Statement": list(statements)})]))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, True),
        ({"Action": "s3:get*"}, True),
        ({"Action": ["ec2:*", "s3:PutObject"]}, False),
        ({"Resource": "arn:aws:s3:::bucket/*"}, True),
        ({"Resource": "arn:aws:s3:::other/*"}, False),
        ({"Resource": "arn:aws:s3:::BUCKET/*"}, False),
        ({"Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.1"}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:SourceIp": "10.0.0.1"}}}, True),
        ({"Condition": {"IpAddress": {"aws:sourceip": "127.0.0.0/8"}}}, True),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": ["127.0.0.0/8"]}}}, False),
        ({"Condition": {"Bool": {MFA: "false"}}}, False),
        ({"Condition": {"BoolIfExists": {MFA: "false"}}}, True),
        ({"Condition": {"Null": {MFA: "true"}}}, True),
        ({"Condition": {"Null": {"aws:SourceIp": "true"}}}, False),
        ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}}, True),
        ({"Condition": {"NumericLessThan": {"aws:SourceIp": "3"}}}, False),
    ],
)
def test_a_statement_applies_or_does_not(statement: dict[str, Any], expected: bool):
    question = asked(aws__SourceIp="127.0.0.1", aws__PrincipalArn="arn:aws:iam::111122223333:user/a")
    assert expected == allowed(question, {**BASE, **statement})


def test_nothing_is_allowed_by_nothing():
    assert not allowed(asked())


def test_not_action_and_not_resource_turn_around():
    everything_but = {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}
    assert allowed(asked(), everything_but)
    assert not allowed(asked("iam:GetUser", "*"), everything_but)
    assert not allowed(asked(resource="arn:aws:s3:::secret/key"), everything_but)


def test_an_explicit_deny_wins():
    assert not allowed(asked(), BASE, {**BASE, "Effect": "Deny", "Action": "s3:*"})


def test_a_deny_that_is_not_understood_denies():
    unclear = {**BASE, "Effect": "Deny", "Condition": {"NumericLessThan": {"aws:SourceIp": "3"}}}
    assert not allowed(asked(aws__SourceIp="127.0.0.1"), BASE, unclear)


def test_variables_are_filled_in_and_absent_ones_match_nothing():
    own = {**BASE, "Resource": "arn:aws:iam::*:user/${aws:username}"}
    question = "arn:aws:iam::111122223333:user/alice"
    assert allowed(asked("iam:GetUser", question, aws__username="alice"), own)
    assert not allowed(asked("iam:GetUser", question, aws__username="bob"), own)
    assert not allowed(asked("iam:GetUser", question), own)


def test_every_level_must_allow():
    everything, nothing = json.dumps({"Statement": BASE}), json.dumps({"Statement": []})
    assert is_allowed(asked(), CallerPolicies([everything], [[everything]]))
    assert not is_allowed(asked(), CallerPolicies([everything], [[everything], [nothing]]))
    assert not is_allowed(asked(), CallerPolicies([nothing], [[everything]]))
