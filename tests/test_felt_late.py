"""The tool by which users of the embedded organization feel changes of their policies late."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.felt_late import felt_late
from tests.sandbox.connecting import HUB, client, iam_of, refused

DENY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(datetime(2026, 11, 24, 9, 30, tzinfo=UTC), instance="late", ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def admin(sandbox: Sandbox) -> Any:
    return iam_of(sandbox, HUB)


@pytest.fixture(scope="module")
def s3(sandbox: Sandbox, admin: Any) -> Any:
    """S3 as a user who may do everything."""
    admin.create_user(UserName="dora")
    admin.attach_user_policy(UserName="dora", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    made = admin.create_access_key(UserName="dora")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
    return client("s3", sandbox.environment() | keys)


def test_a_change_is_felt_after_some_calls_and_seen_at_once(sandbox: Sandbox, admin: Any, s3: Any):
    with felt_late(sandbox, calls=2):
        admin.put_user_policy(UserName="dora", PolicyName="deny", PolicyDocument=DENY)
        assert ["deny"] == admin.list_user_policies(UserName="dora")["PolicyNames"]
        s3.list_buckets()
        admin.create_group(GroupName="others")  # no change for this user
        s3.list_buckets()
        with refused("AccessDenied", 403):
            s3.list_buckets()
        admin.delete_user_policy(UserName="dora", PolicyName="deny")
        for _ in range(2):
            with refused("AccessDenied", 403):
                s3.list_buckets()
        s3.list_buckets()


def test_a_change_is_felt_after_some_time(sandbox: Sandbox, admin: Any, s3: Any):
    with felt_late(sandbox, delay=timedelta(seconds=5)):
        admin.put_user_policy(UserName="dora", PolicyName="deny", PolicyDocument=DENY)
        sandbox.advance(timedelta(seconds=3))
        admin.delete_user_policy(UserName="dora", PolicyName="deny")
        sandbox.advance(timedelta(seconds=3))
        with refused("AccessDenied", 403):  # the first change, and not yet the second
            s3.list_buckets()
        sandbox.advance(timedelta(seconds=2))
        s3.list_buckets()


def test_without_it_changes_are_felt_at_once(sandbox: Sandbox, admin: Any, s3: Any):
    admin.put_user_policy(UserName="dora", PolicyName="deny", PolicyDocument=DENY)
    with refused("AccessDenied", 403):
        s3.list_buckets()
    admin.delete_user_policy(UserName="dora", PolicyName="deny")
    s3.list_buckets()
