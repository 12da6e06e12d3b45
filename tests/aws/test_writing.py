"""What is sent for each change, and what live reads ask.

See aws-facts.md#inventory-calls, aws-facts.md#errors-and-retries.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest

from rollout.aws.connect.open_account import AwsAccount
from rollout.domain.people.users import MfaDevice, NamedPolicy, Password, Unread, User, UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.workflows.ports import CannotEnter, Refusal
from tests.aws.stub import AwsStub, Fail
from tests.aws.world import ACCOUNT, LATELY, LONG_AGO, NOW, Key, Person, World, key_id

Enter = Callable[[], AwsAccount]
ARN = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ANA = UserRef(ACCOUNT, "ana", "AIDAANA", f"arn:aws:iam::{ACCOUNT}:user/ana")
ON_GROUP = {"GroupName": "ForceMFA", "PolicyArn": ARN}
ON_USER = {"UserName": "ana", "PolicyArn": ARN}
MEMBER = {"GroupName": "ForceMFA", "UserName": "ana"}
VERSION = {"PolicyArn": ARN, "VersionId": "v2"}

SENT: list[tuple[Change, str, dict[str, Any]]] = [
    (
        CreatePolicy(ACCOUNT, ARN, "ForceMFA", "/rollout/", DOCUMENT, {"tool": "rollout", "plan": "k3f9"}),
        "CreatePolicy",
        {
            "PolicyName": "ForceMFA",
            "Path": "/rollout/",
            "PolicyDocument": DOCUMENT,
            "Tags": [{"Key": "plan", "Value": "k3f9"}, {"Key": "tool", "Value": "rollout"}],
        },
    ),
    (
        CreateVersion(ACCOUNT, ARN, DOCUMENT),
        "CreatePolicyVersion",
        {"PolicyArn": ARN, "PolicyDocument": DOCUMENT, "SetAsDefault": "true"},
    ),
    (SetDefaultVersion(ACCOUNT, ARN, "v2"), "SetDefaultPolicyVersion", VERSION),
    (DeleteVersion(ACCOUNT, ARN, "v2"), "DeletePolicyVersion", VERSION),
    (DeletePolicy(ACCOUNT, ARN), "DeletePolicy", {"PolicyArn": ARN}),
    (
        CreateGroup(ACCOUNT, "ForceMFA", "/rollout/"),
        "CreateGroup",
        {"GroupName": "ForceMFA", "Path": "/rollout/"},
    ),
    (DeleteGroup(ACCOUNT, "ForceMFA"), "DeleteGroup", {"GroupName": "ForceMFA"}),
    (AttachToGroup(ACCOUNT, "ForceMFA", ARN), "AttachGroupPolicy", ON_GROUP),
    (DetachFromGroup(ACCOUNT, "ForceMFA", ARN), "DetachGroupPolicy", ON_GROUP),
    (AddMember(ACCOUNT, "ForceMFA", ANA), "AddUserToGroup", MEMBER),
    (RemoveMember(ACCOUNT, "ForceMFA", ANA), "RemoveUserFromGroup", MEMBER),
    (AttachToUser(ACCOUNT, ANA, ARN), "AttachUserPolicy", ON_USER),
    (DetachFromUser(ACCOUNT, ANA, ARN), "DetachUserPolicy", ON_USER),
]


def test_every_change_there_is_stands_in_the_table():
    assert set(get_args(Change)) == {type(change) for change, _, _ in SENT}


@pytest.mark.parametrize(("change", "operation", "params"), SENT, ids=[name for _, name, _ in SENT])
def test_a_change_is_one_write(
    change: Change, operation: str, params: dict[str, Any], stub: AwsStub, entered: Enter
):
    stub.on(operation, {})
    receipt = entered().make(change)
    (sent,) = stub.called(operation)
    if "PolicyDocument" in sent:
        sent = {**sent, "PolicyDocument": json.loads(sent["PolicyDocument"])}
    assert params == sent
    assert (f"request-{operation}", 1) == (receipt.request_id, receipt.attempts)
    assert 1 == len([call for call in stub.calls if call.operation != "GetGroup"])


def test_a_refusal_carries_awss_words_on_one_line(stub: AwsStub, entered: Enter):
    stub.on("AddUserToGroup", Fail("AccessDenied", 403, "User x\nis not authorized"))
    with pytest.raises(Refusal) as caught:
        entered().make(AddMember(ACCOUNT, "ForceMFA", ANA))
    expected = f"AddUserToGroup in account {ACCOUNT}: AccessDenied: User x is not authorized"
    assert expected == caught.value.why == str(caught.value)


def test_members_and_carriers_are_read_to_the_last_page(stub: AwsStub, entered: Enter):
    def user(number: int) -> dict[str, Any]:
        name = f"user-{number}"
        return {
            "UserName": name,
            "UserId": f"AIDA{number}",
            "Path": "/",
            "Arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        }

    group = {"Path": "/rollout/", "GroupName": "ForceMFA", "GroupId": "AGPA", "Arn": "arn"}
    stub.on(
        "GetGroup",
        {"Group": group, "Users": [user(1)], "IsTruncated": True, "Marker": "2"},
        {"Group": group, "Users": [], "IsTruncated": True, "Marker": "3"},
        {"Group": group, "Users": [user(2)], "IsTruncated": False},
    )
    stub.on(
        "ListEntitiesForPolicy",
        {"PolicyUsers": [user(3)], "IsTruncated": True, "Marker": "2"},
        {"PolicyUsers": [user(4)], "IsTruncated": False},
    )
    opened = entered()
    assert frozenset({"AIDA1", "AIDA2"}) == opened.members("ForceMFA").keys()
    assert frozenset({"AIDA3", "AIDA4"}) == opened.attached_users(ARN).keys()
    assert {"EntityFilter": "User", "PolicyUsageFilter": "PermissionsPolicy"}.items() <= (
        stub.called("ListEntitiesForPolicy")[0].items()
    )


def a_group_of(*numbers: int) -> dict[str, Any]:
    users = [
        {
            "UserName": f"user-{one}",
            "UserId": f"AIDA{one}",
            "Path": "/",
            "Arn": f"arn:aws:iam::{ACCOUNT}:user/{one}",
        }
        for one in numbers
    ]
    group = {"Path": "/rollout/", "GroupName": "ForceMFA", "GroupId": "AGPA", "Arn": "arn"}
    return {"Group": group, "Users": users, "IsTruncated": False}


def test_who_is_expected_is_waited_for(stub: AwsStub, entered: Enter):
    """IAM shows a change a little late (aws-facts.md#eventual-consistency)."""
    stub.on("GetGroup", a_group_of(1), a_group_of(1), a_group_of(1, 2))
    assert frozenset({"AIDA1", "AIDA2"}) == entered().members("ForceMFA", frozenset({"AIDA2"})).keys()
    assert 3 == len(stub.called("GetGroup"))


def test_who_never_appears_is_not_waited_for_without_end(stub: AwsStub, entered: Enter):
    stub.on("GetGroup", a_group_of(1))
    assert frozenset({"AIDA1"}) == entered().members("ForceMFA", frozenset({"AIDA9"})).keys()
    assert len(stub.called("GetGroup")) < 10


def test_what_may_not_be_looked_at_is_not_taken_for_absent(stub: AwsStub, entered: Enter):
    opened = entered()
    for operation in ("ListGroupsForUser", "GetGroup", "ListEntitiesForPolicy"):
        stub.on(operation, Fail("AccessDenied", 403))
    with pytest.raises(CannotEnter, match="ListGroupsForUser"):
        opened.holds(RemoveMember(ACCOUNT, "ForceMFA", ANA))
    with pytest.raises(CannotEnter, match="GetGroup"):
        opened.members("ForceMFA")
    with pytest.raises(CannotEnter, match="ListEntitiesForPolicy"):
        opened.attached_users(ARN)


# --- One user, live ---


@pytest.fixture
def ana(stub: AwsStub, entered: Enter) -> User:
    World(stub, [Person("ana", keys=(Key(), Key(active=False)), passkey=True)])
    return entered().read().users[0]


def test_one_user_is_asked_in_seven_calls_and_one_a_key_in_use(ana: User, stub: AwsStub, entered: Enter):
    stub.calls.clear()
    now = entered().credentials_now(ana)
    assert {
        "GetUser": 1,
        "GetLoginProfile": 1,
        "ListMFADevices": 1,
        "ListAccessKeys": 1,
        "GetAccessKeyLastUsed": 1,
        "ListUserPolicies": 1,
        "ListAttachedUserPolicies": 1,
        "ListGroupsForUser": 1,
    } == stub.counts()
    assert (NOW, True) == (now.facts_at, now.mfa_active)
    assert Password(last_used=LATELY, last_changed=LONG_AGO, reset_required=False) == now.password
    assert (
        MfaDevice(f"arn:aws:iam::{ACCOUNT}:mfa/ana", LONG_AGO),
        MfaDevice(f"arn:aws:iam::{ACCOUNT}:u2f/user/ana/key-1", LONG_AGO),
    ) == now.devices
    assert [(key_id("ana", 0), True), (key_id("ana", 1), False)] == [(key.id, key.active) for key in now.keys]
    assert (LATELY, "s3", None) == (now.keys[0].last_used, now.keys[0].service, now.keys[0].region)


def test_what_binds_a_user_directly_is_asked_with_the_credentials(ana: User, stub: AwsStub, entered: Enter):
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]}
    tags = {"email": "ana@example.com"}
    World(
        stub,
        [Person("ana", boundary=ARN, attached=(ARN,), groups=("b", "a"), inline={"own": own}, tags=tags)],
    )
    now = entered().credentials_now(ana)
    assert (ARN, (ARN,), ("a", "b")) == (now.boundary_arn, now.attached, now.groups)
    assert (NamedPolicy("own", own),) == now.inline
    assert tags == now.tags
    assert NOW == now.rights_at
    World(stub, [Person("ana")])
    later = entered().credentials_now(now)
    assert (None, (), (), ()) == (later.boundary_arn, later.attached, later.groups, later.inline)
    assert {} == later.tags


def test_who_has_a_name_is_told_with_the_user_id(ana: User, stub: AwsStub, entered: Enter):
    assert ana.ref == entered().user_named("ana")
    other = Person("ana", created=NOW)
    World(stub, [other])
    assert entered().user_named("ana") == replace(ana.ref, id=other.id)
    assert entered().user_named("nobody") is None
    stub.on("GetUser", Fail("AccessDenied", 403))
    with pytest.raises(CannotEnter, match="GetUser"):
        entered().user_named("ana")


def test_an_expired_key_signs_nothing(ana: User, stub: AwsStub, entered: Enter):
    key = {"UserName": "ana", "AccessKeyId": key_id("ana", 0), "Status": "Expired", "CreateDate": LONG_AGO}
    stub.on("ListAccessKeys", {"AccessKeyMetadata": [key], "IsTruncated": False})
    assert () == entered().credentials_now(ana).active_keys


def test_devices_and_password_that_went_away_since_are_gone(ana: User, stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", totp=False, has_password=False)])
    now = entered().credentials_now(ana)
    assert (None, False, ()) == (now.password, now.mfa_active, now.devices)


def test_a_live_fact_that_is_denied_is_unread_and_a_later_one_clears_it(
    ana: User, stub: AwsStub, entered: Enter
):
    world_answers = stub._answers["ListMFADevices"]
    stub.on("ListMFADevices", Fail("AccessDenied", 403))
    now = entered().credentials_now(ana)
    assert (Unread("devices", "ListMFADevices: AccessDenied"),) == now.unread
    assert (None, True) == (now.devices, now.mfa_active)
    stub.on("ListMFADevices", *world_answers)
    assert () == entered().credentials_now(now).unread


def test_a_name_that_belongs_to_another_user_id_is_never_touched(ana: User, stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", created=NOW)])
    with pytest.raises(Refusal, match="no longer exists") as caught:
        entered().credentials_now(ana)
    assert caught.value.gone
    assert 1 == stub.counts()["GetUser"]
