"""CloudTrail's event history, by plain boto3: what the described keys have called, shaped as CloudTrail shapes it."""

import json
from datetime import UTC, timedelta
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.conftest import NOW
from tests.sandbox.connecting import DEV, HUB, client, entered, iam_of, refused


def trail_of(sandbox: Sandbox, account: str, region: str = "eu-west-1") -> Any:
    return client("cloudtrail", entered(sandbox.environment(), account) | {"AWS_REGION": region})


def key_of(sandbox: Sandbox, account: str, user: str) -> str:
    keys = iam_of(sandbox, account).list_access_keys(UserName=user)["AccessKeyMetadata"]
    return str(keys[-1]["AccessKeyId"])


def by_key(key_id: str, **more: Any) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": "AccessKeyId", "AttributeValue": key_id}], **more}


@pytest.fixture(scope="module")
def machine(sandbox: Sandbox) -> str:
    return key_of(sandbox, DEV, "load-test")


def test_an_event_has_what_cloudtrail_writes_and_its_record_is_text(sandbox: Sandbox, machine: str):
    event = trail_of(sandbox, DEV).lookup_events(**by_key(machine, MaxResults=1))["Events"][0]
    record = json.loads(event["CloudTrailEvent"])
    assert (machine, "load-test") == (event["AccessKeyId"], event["Username"])
    assert machine == record["userIdentity"]["accessKeyId"]
    assert "sessionContext" not in record["userIdentity"]
    assert record["userAgent"].startswith("Boto3/")
    assert (event["EventSource"], event["EventName"]) == (record["eventSource"], record["eventName"])
    assert f"{event['EventTime'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" == record["eventTime"]


def test_pages_have_fifty_events_and_end_after_ninety_days(sandbox: Sandbox, machine: str):
    trail, times = trail_of(sandbox, DEV), []
    token: dict[str, str] = {}
    while True:
        page = trail.lookup_events(**by_key(machine), **token)
        assert 50 >= len(page["Events"])
        times += [event["EventTime"] for event in page["Events"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(set(times), reverse=True) == times
    assert timedelta(days=85) < NOW - times[-1] <= timedelta(days=90)


def test_a_span_of_time_can_be_asked_for(sandbox: Sandbox, machine: str):
    start, end = NOW - timedelta(days=3), NOW - timedelta(days=2)
    asked = by_key(machine, StartTime=start, EndTime=end)
    times = [event["EventTime"] for event in trail_of(sandbox, DEV).lookup_events(**asked)["Events"]]
    assert times
    assert all(start <= at <= end for at in times)


def test_each_region_and_each_account_has_its_own(sandbox: Sandbox, machine: str):
    assert [] == trail_of(sandbox, DEV, "us-east-1").lookup_events(**by_key(machine))["Events"]
    assert [] == trail_of(sandbox, HUB).lookup_events(**by_key(machine))["Events"]


def test_exchanging_a_key_for_a_session_with_mfa_names_the_device(sandbox: Sandbox):
    asked = by_key(key_of(sandbox, HUB, "xavier.dubois"), MaxResults=1)
    event = trail_of(sandbox, HUB, "us-east-1").lookup_events(**asked)["Events"][0]
    assert "GetSessionToken" == event["EventName"]
    device = json.loads(event["CloudTrailEvent"])["requestParameters"]["serialNumber"]
    assert f"arn:aws:iam::{HUB}:mfa/xavier.dubois" == device


def test_only_keys_are_looked_up_and_only_by_who_may(sandbox: Sandbox, machine: str):
    with refused("InvalidLookupAttributesException", 400):
        trail_of(sandbox, DEV).lookup_events()
    with refused("InvalidMaxResultsException", 400):
        trail_of(sandbox, DEV).lookup_events(**by_key(machine, MaxResults=51))
    policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*"}}'
    narrowed = entered(sandbox.environment(), DEV, Policy=policy)
    with refused("AccessDeniedException", 400):
        client("cloudtrail", narrowed).lookup_events(**by_key(machine))
