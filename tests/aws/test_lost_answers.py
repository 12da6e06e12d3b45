"""A write whose answer was lost may be seen late: what would be made twice is looked for again.

See aws-facts.md#eventual-consistency.
"""

from collections.abc import Callable

from rollout.aws.connect.open_account import AwsAccount
from rollout.domain.policy.changes import CreateGroup, CreateVersion
from tests.aws.conftest import FakeTime
from tests.aws.stub import AwsStub, Fail
from tests.aws.world import ACCOUNT

Enter = Callable[[], AwsAccount]
ARN = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
VERSION = CreateVersion(ACCOUNT, ARN, DOCUMENT)
GROUP = CreateGroup(ACCOUNT, "ForceMFA", "/rollout/")
NOT_THERE = Fail("NoSuchEntity", 404)


def test_a_version_that_shows_late_is_not_taken_for_absent(
    stub: AwsStub, entered: Enter, fake_time: FakeTime
):
    default = {"VersionId": "v2", "Document": DOCUMENT, "IsDefaultVersion": True}
    stub.on("GetPolicy", NOT_THERE, NOT_THERE, {"Policy": {"Arn": ARN, "DefaultVersionId": "v2"}})
    stub.on("GetPolicyVersion", {"PolicyVersion": default})
    assert entered().holds(VERSION, patiently=True)
    assert [0.5, 1.0] == fake_time.slept


def test_after_some_seconds_a_group_is_believed_not_to_be_there(
    stub: AwsStub, entered: Enter, fake_time: FakeTime
):
    stub.on("GetGroup", NOT_THERE)
    assert not entered().holds(GROUP, patiently=True)
    assert 3.5 == sum(fake_time.slept)


def test_what_is_not_in_doubt_is_looked_at_once(stub: AwsStub, entered: Enter, fake_time: FakeTime):
    stub.on("GetGroup", NOT_THERE)
    assert not entered().holds(GROUP)
    assert [] == fake_time.slept
