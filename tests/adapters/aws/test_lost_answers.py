"""A write whose answer was lost may be seen late: what would be made twice is looked for again (AWS-FACTS §5)."""

from collections.abc import Callable

import pytest

from rollout.adapters.aws.account import AwsAccount
from rollout.domain.changes import AddMember, Change, CreateGroup, CreateVersion, UserRef
from rollout.workflows.ports import AnswerLost
from tests.adapters.aws.conftest import FakeTime
from tests.adapters.aws.stub import AwsStub, Drop, Fail
from tests.adapters.aws.world import ACCOUNT

Enter = Callable[[], AwsAccount]
ARN = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
VERSION = CreateVersion(ACCOUNT, ARN, DOCUMENT)
GROUP = CreateGroup(ACCOUNT, "ForceMFA", "/rollout/")
MEMBER = AddMember(
    ACCOUNT, "ForceMFA", UserRef(ACCOUNT, "ana", "AIDAANA", f"arn:aws:iam::{ACCOUNT}:user/ana")
)
NOT_THERE = Fail("NoSuchEntity", 404)


def lose(change: Change, operation: str, stub: AwsStub, account: AwsAccount) -> None:
    stub.on(operation, Drop())
    with pytest.raises(AnswerLost):
        account.make(change)


def test_a_version_that_shows_late_is_not_taken_for_absent(
    stub: AwsStub, entered: Enter, fake_time: FakeTime
):
    account = entered()
    lose(VERSION, "CreatePolicyVersion", stub, account)
    default = {"VersionId": "v2", "Document": DOCUMENT, "IsDefaultVersion": True}
    stub.on("GetPolicy", NOT_THERE, NOT_THERE, {"Policy": {"Arn": ARN, "DefaultVersionId": "v2"}})
    stub.on("GetPolicyVersion", {"PolicyVersion": default})
    assert account.holds(VERSION)
    assert [0.5, 1.0] == fake_time.slept


def test_after_some_seconds_a_group_is_believed_not_to_be_there(
    stub: AwsStub, entered: Enter, fake_time: FakeTime
):
    account = entered()
    lose(GROUP, "CreateGroup", stub, account)
    stub.on("GetGroup", NOT_THERE)
    assert not account.holds(GROUP)
    assert 3.5 == sum(fake_time.slept)


@pytest.mark.parametrize("lost", [True, False])
def test_what_may_be_repeated_and_what_was_not_lost_is_looked_at_once(
    lost: bool, stub: AwsStub, entered: Enter, fake_time: FakeTime
):
    account, change = entered(), MEMBER if lost else GROUP
    if lost:
        lose(MEMBER, "AddUserToGroup", stub, account)
    stub.on("ListGroupsForUser", {"Groups": []})
    stub.on("GetGroup", NOT_THERE)
    assert not account.holds(change)
    assert [] == fake_time.slept
