"""Session policies and calls fit together: whatever is really sent is allowed, by our own evaluator.

See design.md#accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

import pytest

from rollout.aws.connect.open_account import AwsAccount
from rollout.aws.connect.session_policy import session_policy
from rollout.awsapi.operations import operation_named
from rollout.domain.iam import Allowed
from rollout.domain.people.organization import Account
from rollout.domain.policy.changes import Change
from tests.aws.conftest import OURS
from tests.aws.stub import AwsStub, Call, Fail
from tests.aws.test_operations import decide
from tests.aws.test_writing import ARN, SENT
from tests.aws.world import ACCOUNT, Key, Person, World

Enter = Callable[[], AwsAccount]
IAM = f"arn:aws:iam::{ACCOUNT}"
PATHS = {"ana": "/team/"}


def asked_for(call: Call) -> Iterator[tuple[str, str, str | None]]:
    """Say as AWS would what a request needs: each action, on what, and which policy it hangs up."""
    params = call.params
    if "GroupName" in params:
        resource = f"{IAM}:group{params.get('Path', '/rollout/')}{params['GroupName']}"
    elif "UserName" in params:
        resource = f"{IAM}:user{PATHS.get(params['UserName'], '/')}{params['UserName']}"
    elif "PolicyArn" in params:
        resource = params["PolicyArn"]
    elif "PolicyName" in params:
        resource = f"{IAM}:policy{params['Path']}{params['PolicyName']}"
    else:
        resource = "*"
    hangs = params["PolicyArn"] if call.operation.startswith(("Attach", "Detach")) else None
    for action in operation_named(call.service, call.operation).actions:
        yield action, resource, hangs


def refused(stub: AwsStub, *, writing: bool) -> list[str]:
    """Name what was sent and is not allowed to a session."""
    policy = session_policy(OURS, writing=writing)
    return [
        f"{action} on {resource}"
        for call in stub.calls
        if call.service == "iam"
        for action, resource, hangs in asked_for(call)
        if not isinstance(decide(policy, action, resource, hangs), Allowed)
    ]


@pytest.fixture
def inside(stub: AwsStub, entered: Enter) -> AwsAccount:
    """An account with people of all kinds, and nothing of ours."""
    people = [
        Person("ana", path="/team/", keys=(Key(),), inline={"own": {"Statement": []}}),
        Person("bob", totp=False, passkey=True, keys=(Key(),), signed_in=None),
        Person("gone"),
    ]
    world = World(stub, people)
    world.reported = [*people, Person("made-since")]
    for operation in (
        *("GetGroup", "ListAttachedGroupPolicies"),
        *("GetPolicy", "GetPolicyVersion", "ListEntitiesForPolicy", "ListPolicyVersions"),
    ):
        stub.on(operation, Fail("NoSuchEntity", 404))
    return entered()


@pytest.mark.parametrize("writing", [False, True])
def test_reading_an_account_is_allowed(stub: AwsStub, inside: AwsAccount, account: Account, writing: bool):
    """What `plan` and every look of `apply` send, and what it takes when the credential report cannot be had."""
    for user in inside.read().users:
        inside.credentials_now(user)
    stub.on("GetCredentialReport", Fail("AccessDenied", 403))
    inside.read()
    assert {"GetLoginProfile", "ListMFADevices", "GetAccessKeyLastUsed", "GetUser"} <= stub.counts().keys()
    assert {
        "ListUserPolicies",
        "GetUserPolicy",
        "ListAttachedUserPolicies",
        "ListGroupsForUser",
    } <= stub.counts().keys()
    assert [] == refused(stub, writing=writing)


@pytest.mark.parametrize(
    "change", [change for change, _, _ in SENT], ids=lambda change: type(change).__name__
)
def test_every_change_and_its_read_backs_are_allowed(change: Change, stub: AwsStub, inside: AwsAccount):
    """`apply`, `verify --fix`, `release` and `rollback` make these changes and no others."""
    operation = next(operation for known, operation, _ in SENT if known is change)
    stub.on(operation, {})
    inside.make(change)
    inside.holds(change)
    inside.members("ForceMFA")
    inside.attached_users(ARN)
    inside.policy(ARN)
    assert operation in stub.counts()
    assert [] == refused(stub, writing=True)
    # Without the right to write, exactly the write is refused.
    denied = {text.partition(" on ")[0] for text in refused(stub, writing=False)}
    assert denied == set(operation_named("iam", operation).actions)


def test_no_class_of_change_is_forgotten():
    assert set(get_args(Change)) == {type(change) for change, _, _ in SENT}


def test_a_versions_document_is_read_back_too(stub: AwsStub, inside: AwsAccount):
    policy = {"Arn": ARN, "PolicyName": "ForceMFA", "Path": "/rollout/", "DefaultVersionId": "v1"}
    stub.on("GetPolicy", {"Policy": policy})
    stub.on("ListPolicyVersions", {"Versions": [{"VersionId": "v1"}], "IsTruncated": False})
    stub.on("GetPolicyVersion", {"PolicyVersion": {"VersionId": "v1", "Document": "{}"}})
    for change, _, _ in SENT[:2]:
        assert not inside.holds(change)
    assert {"GetPolicy", "ListPolicyVersions", "GetPolicyVersion"} == stub.counts().keys()
    assert [] == refused(stub, writing=False)
