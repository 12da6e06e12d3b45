"""docs/security.md says what is true: its tables are made from the code (test_docs.py), the rest is held to it here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import Session

from rollout.aws.connect.session_policy import session_policy
from rollout.domain.iam import (
    Allowed,
    Context,
    Decision,
    ExplicitlyDenied,
    Policies,
    Request,
    evaluate,
    parse_document,
)
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_arns import our_arns
from rollout.domain.policy.our_resources import Names
from tests.security_page import PAGE

ROOT = Path(__file__).parents[1]
IAM = "arn:aws:iam::111122223333"
POLICY, GROUP, USER = (
    f"{IAM}:policy/rollout/ForceMFA",
    f"{IAM}:group/rollout/ForceMFA",
    f"{IAM}:user/team/eve",
)
ROLE, OTHER = f"{IAM}:role/OrganizationAccountAccessRole", f"{IAM}:role/Admin"
ANYTHING = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
SESSION = session_policy(our_arns("aws", "111122223333", Names(), Made()), writing=True)


SCP = next(found for found in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if "FreezeRollout" in found)


def decide(action: str, resource: str, *, scps: tuple[str, ...] = (), principal: str = ROLE) -> Decision:
    """Decide for a writing session, or for an administrator of the account who is not `rollout`."""
    session = parse_document(SESSION, "session") if principal == ROLE else None
    levels = tuple((parse_document(ANYTHING, "full access"), parse_document(scp, "scp")) for scp in scps)
    context = Context({"iam:PolicyARN": POLICY, "aws:PrincipalArn": principal})
    policies = Policies((parse_document(ANYTHING, "administrator"),), scps=levels, session=session)
    return evaluate(policies, Request(action, resource, principal, context))


def test_a_writing_session_can_say_anything_in_our_policy_and_attach_it_to_anybody():
    """The page says so; whoever narrows it further changes the page."""
    for action, resource in (
        ("iam:CreatePolicyVersion", POLICY),
        ("iam:SetDefaultPolicyVersion", POLICY),
        ("iam:AttachUserPolicy", USER),
    ):
        assert isinstance(decide(action, resource), Allowed)
    assert not isinstance(decide("iam:CreatePolicyVersion", f"{IAM}:policy/Other"), Allowed)
    assert not isinstance(decide("iam:CreateAccessKey", USER), Allowed)


@pytest.mark.parametrize(
    "action", ["CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion"]
)
def test_under_the_scp_of_the_page_nobody_changes_what_the_policy_says(action: str):
    for principal in (ROLE, OTHER):
        decision = decide(f"iam:{action}", POLICY, scps=(SCP,), principal=principal)
        assert isinstance(decision, ExplicitlyDenied)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("AddUserToGroup", GROUP),
        ("RemoveUserFromGroup", GROUP),
        ("AttachGroupPolicy", GROUP),
        ("DetachGroupPolicy", GROUP),
        ("AttachUserPolicy", USER),
        ("DetachUserPolicy", USER),
        ("SetDefaultPolicyVersion", POLICY),
        ("GetAccountAuthorizationDetails", "*"),
    ],
)
def test_under_the_scp_of_the_page_enforcing_and_letting_out_go_on(action: str, resource: str):
    assert isinstance(decide(f"iam:{action}", resource, scps=(SCP,)), Allowed)


@pytest.mark.parametrize(
    ("action", "resource"),
    [("SetDefaultPolicyVersion", POLICY), ("RemoveUserFromGroup", GROUP), ("DetachGroupPolicy", GROUP)],
)
def test_under_the_scp_of_the_page_administrators_of_the_account_undo_nothing(action: str, resource: str):
    assert isinstance(decide(f"iam:{action}", resource, principal=OTHER), Allowed)
    denied = decide(f"iam:{action}", resource, scps=(SCP,), principal=OTHER)
    assert isinstance(denied, ExplicitlyDenied)


def test_the_calls_to_the_bucket_are_those_of_the_page():
    methods = {xform_name(name): name for name in Session().get_service_model("s3").operation_names}
    used = {
        methods[method]
        for path in (ROOT / "rollout/store/s3").glob("*.py")
        for method in re.findall(r"\b_?client\.(\w+)\(", path.read_text())
        if method in methods
    }
    listed = re.search(r"operations of S3:(.*?)\. CloudTrail", PAGE, re.DOTALL)
    assert listed
    assert used == set(re.findall(r"`(\w+)`", listed[1]))


def test_the_session_policies_are_whole_json():
    for found in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        json.loads(found)
