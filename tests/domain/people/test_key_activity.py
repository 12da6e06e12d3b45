"""What the calls of a key come to: how many without MFA, when, of what, from where; and what is not counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.domain.people.key_activity import agent_of
from tests.builders import NOW, an_activity, calls_at, days_ago


def test_calls_are_added_up_by_operation_day_and_hour():
    of_two = calls_at(7, 15, days=3), calls_at(8, days=1, operation="s3:ListBuckets", address="192.0.2.9")
    activity = an_activity(*of_two[0], *of_two[1])
    assert 7 == activity.calls
    assert [days_ago(days).date() for days in (3, 2, 1)] == list(activity.days)
    assert {7: 3, 8: 1, 15: 3} == {hour: count for hour, count in enumerate(activity.hours) if count}
    assert (("ec2:DescribeInstances", 6), ("s3:ListBuckets", 1)) == activity.operations
    assert (("203.0.113.24", 6), ("192.0.2.9", 1)) == activity.addresses
    assert (NOW - timedelta(days=1)).replace(hour=15) == activity.last


def test_a_script_of_a_thousand_calls_in_an_hour_is_one_hour():
    once = calls_at(7, days=1)[0]
    activity = an_activity(*[once] * 1000)
    assert (1000, 1, (("aws-cli", 1),)) == (activity.calls, sum(activity.hours), activity.agents)


@pytest.mark.parametrize(
    "operation", ["sts:GetCallerIdentity", "iam:GetUser", "iam:ListMFADevices", "iam:EnableMFADevice"]
)
def test_what_works_without_mfa_under_the_policy_is_no_call_that_it_denies(operation: str):
    activity = an_activity(*calls_at(8, operation=operation))
    assert (0, None, None) == (activity.calls, activity.last, activity.last_plain_session)


def test_sessions_with_mfa_and_without_are_kept_apart_from_what_would_be_denied():
    tokens = calls_at(8, days=2, operation="sts:GetSessionToken", with_mfa=True)
    plain = calls_at(9, days=1, operation="sts:GetSessionToken")
    roles = calls_at(10, days=1, operation="sts:AssumeRole")
    activity = an_activity(*tokens, *plain, *roles)
    assert (("sts:AssumeRole", 1),) == activity.operations
    assert (2, max(call.at for call in tokens)) == (activity.with_mfa, activity.last_with_mfa)
    assert plain[0].at == activity.last_plain_session


def test_a_key_is_quiet_since_a_moment_where_that_was_looked_at():
    activity = an_activity(*calls_at(8, until=days_ago(10)), since=20)
    assert activity.quiet_since(days_ago(9))
    assert False is activity.quiet_since(days_ago(15))
    assert None is an_activity(since=20).quiet_since(days_ago(21))


@pytest.mark.parametrize(
    ("user_agent", "program"),
    [
        ("aws-cli/2.31.9 md/awscrt#0.27.6 ua/2.1 os/macos#25.1.0 lang/python#3.13.7", "aws-cli"),
        ("aws-cli/2.31.9 os/linux exec-env/CloudShell", "aws-cli (CloudShell)"),
        ("aws-cli/2.31.9 os/linux#6.1.155-176.282.amzn2023.x86_64", "aws-cli (Amazon Linux)"),
        ("Boto3/1.40.61 md/Botocore#1.40.61 os/linux exec-env/EC2", "Boto3 (EC2)"),
        ("APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) aws-sdk-go-v2/1.3", "Terraform"),
        ("[S3Console/0.4, aws-internal/3]", "S3Console"),
        ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com"),
        ("", "unknown"),
    ],
)
def test_a_user_agent_is_the_program_and_what_it_runs_in(user_agent: str, program: str):
    assert program == agent_of(user_agent)
