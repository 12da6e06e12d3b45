"""The tests' own means: an organization that was put back is the one that was remembered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.end_to_end.iam_state import Onlooker
from tests.snapshots import Snapshot

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ACCOUNT = "444455556666"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="snapshots", ticking=False) as running:
        yield running


def listed(sandbox: Sandbox) -> Any:
    """Everything in IAM of every account, ids and dates too."""
    return Onlooker(sandbox.environment()).details()


def change(sandbox: Sandbox) -> None:
    iam = Onlooker(sandbox.environment()).iam(ACCOUNT)
    iam.create_user(UserName="new")
    iam.create_group(GroupName="new")
    iam.add_user_to_group(GroupName="new", UserName="new")
    for key in iam.list_access_keys(UserName="pavel.horak")["AccessKeyMetadata"]:
        iam.update_access_key(UserName="pavel.horak", AccessKeyId=key["AccessKeyId"], Status="Inactive")


def test_what_was_changed_is_undone_and_the_clock_put_back(sandbox: Sandbox):
    before, snapshot = listed(sandbox), Snapshot.of(sandbox)
    for _ in range(2):
        change(sandbox)
        sandbox.advance(timedelta(days=1))
        assert before != listed(sandbox)
        snapshot.restore(sandbox)
        assert (before, NOW) == (listed(sandbox), sandbox.now())


def test_what_was_changed_is_there_again_in_another_sandbox_of_the_same_instance(sandbox: Sandbox):
    change(sandbox)
    after, snapshot = listed(sandbox), Snapshot.of(sandbox)
    sandbox.stop()
    with Sandbox.start(NOW, instance="snapshots", ticking=False) as another:
        assert after != listed(another)
        snapshot.restore(another)
        assert after == listed(another)
        iam = Onlooker(another.environment()).iam(ACCOUNT)
        iam.remove_user_from_group(GroupName="new", UserName="new")
        iam.delete_user(UserName="new")  # what was put back is connected as before
