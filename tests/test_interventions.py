"""The tests' own means: what is done at a call is done then, at no other one, and never silently not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from rollout.sandbox.serving.server import Sandbox
from tests.end_to_end.iam_state import Onlooker
from tests.interventions import at_call

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ACCOUNT = "444455556666"
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="interventions", ticking=False) as running:
        yield running


@pytest.fixture
def iam(sandbox: Sandbox) -> Any:
    """The operator's own account, each call tried once."""
    environment = sandbox.environment()
    return boto3.client(
        "iam",
        endpoint_url=sandbox.endpoint,
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=ONCE,
    )


@pytest.fixture
def groups(iam: Any) -> Iterator[list[str]]:
    """Names to be created; whichever were created are gone afterwards."""
    names = ["one", "two", "three", "four"]
    yield names
    for name in set(names) & set(listed(iam)):
        iam.delete_group(GroupName=name)


def listed(iam: Any) -> list[str]:
    return [group["GroupName"] for group in iam.list_groups()["Groups"]]


def create(iam: Any, *names: str) -> None:
    for name in names:
        iam.create_group(GroupName=name)


def test_it_acts_right_before_the_call_that_is_named_and_at_no_other(
    sandbox: Sandbox, iam: Any, groups: list[str]
):
    seen: list[set[str]] = []
    with at_call(
        sandbox, "CreateGroup", number=3, do=lambda: seen.append(set(listed(iam)) & set(groups))
    ) as calls:
        create(iam, *groups)
    assert [{"one", "two"}] == seen
    assert (4, 1) == (calls.counted, calls.acted)


def test_it_acts_between_an_effect_and_its_answer(sandbox: Sandbox, iam: Any, groups: list[str]):
    with at_call(sandbox, "CreateGroup", do=lambda: iam.delete_group(GroupName="one"), after=True):
        create(iam, "one")
    assert "one" not in listed(iam)


def test_it_refuses_without_an_effect_as_often_as_asked(sandbox: Sandbox, iam: Any, groups: list[str]):
    with at_call(sandbox, "CreateGroup", number=2, times=2, refuse="Throttling"):
        create(iam, "one")
        for name in ("two", "three"):
            with pytest.raises(ClientError, match="Throttling"):
                create(iam, name)
        create(iam, "four")
    assert {"one", "four"} == set(groups) & set(listed(iam))


def test_it_loses_an_answer_and_keeps_the_effect(sandbox: Sandbox, iam: Any, groups: list[str]):
    with at_call(sandbox, "CreateGroup", lose=True), pytest.raises(HTTPClientError):
        create(iam, "one")
    assert "one" in listed(iam)


def test_it_delays_and_lets_the_clock_go_on(sandbox: Sandbox, iam: Any, groups: list[str]):
    begun = time.monotonic()
    with at_call(
        sandbox, "CreateGroup", delay=0.05, do=lambda: sandbox.advance(timedelta(hours=8)), after=True
    ):
        create(iam, "one")
    assert time.monotonic() - begun >= 0.05
    assert NOW + timedelta(hours=8) == sandbox.now()


def test_it_counts_only_the_calls_that_are_meant(sandbox: Sandbox, iam: Any, groups: list[str]):
    other = Onlooker(sandbox.environment()).iam(ACCOUNT)
    with at_call(sandbox, "ListGroups", when=lambda call: call.account == ACCOUNT, delay=0.01) as calls:
        listed(iam)
        assert 0 == calls.counted
        other.list_groups()
        assert 1 == calls.counted
    with at_call(
        sandbox, "CreateGroup", when=lambda call: call.params["GroupName"] == "two", refuse="LimitExceeded"
    ):
        create(iam, "one")
        with pytest.raises(ClientError, match="LimitExceeded"):
            create(iam, "two")


def test_a_moment_that_never_came_is_no_test(sandbox: Sandbox, iam: Any):
    with (
        pytest.raises(AssertionError, match="call 2 of ListGroups never came: there were 1"),
        at_call(sandbox, "ListGroups", number=2, do=lambda: None),
    ):
        listed(iam)


def test_a_mistake_in_what_is_done_is_seen(sandbox: Sandbox, iam: Any):
    def mistake() -> None:
        raise KeyError("no such user")

    with pytest.raises(KeyError, match="no such user"), at_call(sandbox, "ListGroups", do=mistake):
        listed(iam)


def test_afterwards_nothing_is_done_any_more(sandbox: Sandbox, iam: Any):
    with at_call(sandbox, "ListGroups", times=2, refuse="Throttling"), pytest.raises(ClientError):
        listed(iam)
    assert isinstance(listed(iam), list)
