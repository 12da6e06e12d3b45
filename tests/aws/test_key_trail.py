"""Which calls of access keys are looked up, how slowly, and what becomes of it where CloudTrail does not answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rollout.aws.connect.account_access import AwsAccountAccess
from rollout.aws.connect.trail_access import KeyEvidence
from rollout.aws.read.imported_keys import ImportedKeys
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.key_activity import KeyActivity
from rollout.domain.people.observations import AccountFacts
from rollout.domain.policy.our_resources import Names
from tests.aws.conftest import FakeTime
from tests.aws.stub import AwsStub, Call, Fail
from tests.aws.test_door import CALLER, an_account, session_of
from tests.aws.world import ACCOUNT, NOW, Key, Person, World, key_id
from tests.builders import an_activity
from tests.fakes import FakeClock

Read = Callable[..., AccountFacts]
OFFICE, INSTANCE = "203.0.113.24", "198.51.100.17"


def an_event(
    at: datetime, name: str = "ec2:DescribeInstances", *, mfa: bool = False, **record: Any
) -> dict[str, Any]:
    service, operation = name.split(":")
    asked = {"serialNumber": "arn:aws:iam::1:mfa/ana"} if mfa else None
    told = {"sourceIPAddress": OFFICE, "userAgent": "aws-cli/2.31.9 os/macos", "requestParameters": asked}
    return {
        "EventId": f"{name} {at}",
        "EventName": operation,
        "EventSource": f"{service}.amazonaws.com",
        "EventTime": at,
        "CloudTrailEvent": json.dumps(told | record),
    }


def daily(days: int, **record: Any) -> list[dict[str, Any]]:
    return [an_event(NOW - timedelta(days=number, hours=1), **record) for number in range(days)]


def history(events: Iterable[dict[str, Any]]) -> Callable[[Call], dict[str, Any]]:
    """Answer LookupEvents as CloudTrail does: newest first, in pages of 50, within the time asked for."""
    ordered = sorted(events, key=lambda event: event["EventTime"], reverse=True)

    def answer(call: Call) -> dict[str, Any]:
        start, end = (datetime.fromtimestamp(call.params[name], UTC) for name in ("StartTime", "EndTime"))
        fit = [event for event in ordered if start <= event["EventTime"] <= end]
        begin = int(call.params.get("NextToken", 0))
        more = {"NextToken": str(begin + 50)} if len(fit) > begin + 50 else {}
        return {"Events": fit[begin : begin + 50], **more}

    return answer


@pytest.fixture
def read(stub: AwsStub, connection: Connection, retries: Retries, clock: FakeClock) -> Read:
    """Read an account by a role, with CloudTrail asked in these Regions, or not asked."""
    stub.on("AssumeRole", lambda call: session_of(call.params["RoleArn"]))

    def read_with(trail: tuple[str, ...] | None = (), **more: Any) -> AccountFacts:
        evidence = None if trail is None and not more else KeyEvidence(trail, **more)
        access = AwsAccountAccess(
            connection, CALLER, clock, Names(), writing=False, retries=retries, evidence=evidence
        )
        return access.enter(an_account()).read()

    return read_with


def lookups(stub: AwsStub) -> list[tuple[str, str]]:
    """The key and the Region of every lookup."""
    return [
        (call.params["LookupAttributes"][0]["AttributeValue"], call.region)
        for call in stub.calls
        if call.operation == "LookupEvents"
    ]


def test_without_the_setting_not_one_call_more_is_made(stub: AwsStub, read: Read):
    World(stub, [Person("ana", keys=(Key(),)), Person("bob", keys=(Key(), Key()))])
    facts = read(None)
    assert {"LookupEvents", "ListAccessKeys"}.isdisjoint(stub.counts())
    assert [()] * 2 == [user.activity for user in facts.users]


def test_each_active_key_that_iam_has_seen_in_use_is_looked_up_once_and_nobody_elses(
    stub: AwsStub, read: Read
):
    idle = Key(last_used=NOW - timedelta(days=91))
    World(
        stub,
        [
            Person("ana", keys=(Key(), Key(active=False))),
            Person("bob", keys=(idle,)),
            Person("cy", keys=(Key(last_used=None),)),
            Person("dee"),
            Person("eve", keys=(Key(), idle)),
        ],
    )
    stub.on("LookupEvents", history(daily(5)))
    facts = read()
    wanted = [key_id("ana", 0), key_id("eve", 0), key_id("eve", 1)]
    assert [(key, "us-east-1") for key in wanted] == lookups(stub)
    assert {"ana", "eve"} == {call["UserName"] for call in stub.called("ListAccessKeys")}
    assert [1, 0, 0, 0, 2] == [len(user.activity) for user in facts.users]
    [seen] = facts.users[0].activity
    assert (5, NOW - timedelta(hours=1), (("aws-cli", 5),)) == (seen.calls, seen.last, seen.agents)
    assert (NOW, NOW - timedelta(days=90), False) == (seen.read_at, seen.since, seen.sampled)
    assert "AKIA" in seen.key
    assert key_id("ana", 0) not in repr(seen)


def test_the_home_region_is_asked_and_those_of_the_keys_or_those_that_were_chosen(stub: AwsStub, read: Read):
    world = World(stub, [Person("ana", keys=(Key(region="eu-north-1"),))])
    stub.on("LookupEvents", history(daily(1)))
    [seen] = read().users[0].activity
    assert ["eu-north-1", "us-east-1"] == [region for _, region in lookups(stub)]
    assert "CloudTrail in eu-north-1, us-east-1, management events" == seen.source
    assert 1 == seen.calls, "both Regions tell of the same event"
    stub.calls.clear()
    world.people = {"ana": Person("ana", keys=(Key(region="eu-north-1"),))}
    read(("eu-west-1", "us-east-1"))
    assert ["eu-west-1", "us-east-1"] == [region for _, region in lookups(stub)]


def test_lookups_are_made_two_a_second(stub: AwsStub, read: Read, fake_time: FakeTime):
    World(stub, [Person(f"p{number}", keys=(Key(),)) for number in range(12)])
    stub.on("LookupEvents", history([]))
    read()
    assert 12 == stub.counts()["LookupEvents"]
    assert sum(fake_time.slept) >= 5


def test_a_busy_key_is_seen_in_part_over_all_hours_of_the_day(stub: AwsStub, read: Read):
    World(stub, [Person("robot", keys=(Key(),))])
    minutely = [
        an_event(NOW - timedelta(minutes=5 * number), sourceIPAddress=INSTANCE, userAgent="Boto3/1.40")
        for number in range(288 * 20)
    ]
    stub.on("LookupEvents", history(minutely))
    [seen] = read().users[0].activity
    assert 4 + 12 == stub.counts()["LookupEvents"]
    assert seen.sampled
    assert NOW - timedelta(minutes=5 * 199) == seen.since
    assert all(seen.hours)
    assert len(seen.days) > 10


def test_what_carries_a_code_is_told_from_what_does_not(stub: AwsStub, read: Read):
    World(stub, [Person("ana", keys=(Key(),))])
    context = {"sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}
    stub.on(
        "LookupEvents",
        history(
            [
                an_event(NOW - timedelta(days=1), "sts:GetSessionToken", mfa=True),
                an_event(NOW - timedelta(days=2), "sts:AssumeRole", mfa=True),
                an_event(NOW - timedelta(days=3), "s3:ListBuckets", userIdentity=context),
                an_event(NOW - timedelta(days=4), "sts:AssumeRole"),
                an_event(NOW - timedelta(hours=4), "sts:AssumeRole", mfa=True, errorCode="AccessDenied"),
                an_event(NOW - timedelta(days=5), "iam:DeactivateMFADevice", mfa=True),
            ]
        ),
    )
    [seen] = read().users[0].activity
    assert (3, 2) == (seen.with_mfa, seen.calls)
    assert NOW - timedelta(days=4) == seen.last


@pytest.mark.parametrize("record", ["", "no json", "[]", '{"userIdentity": 7, "requestParameters": "x"}'])
def test_a_record_that_cannot_be_read_is_a_call_without_mfa(stub: AwsStub, read: Read, record: str):
    World(stub, [Person("ana", keys=(Key(),))])
    event = an_event(NOW - timedelta(days=1), "sts:GetSessionToken", mfa=True) | {"CloudTrailEvent": record}
    stub.on("LookupEvents", history([event]))
    [seen] = read().users[0].activity
    assert (0, NOW - timedelta(days=1)) == (seen.with_mfa, seen.last_plain_session)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Fail("AccessDeniedException"), "LookupEvents: AccessDeniedException in us-east-1"),
        (Fail("UnknownOperationException"), "LookupEvents: not offered by this endpoint in us-east-1"),
    ],
)
def test_where_cloudtrail_does_not_answer_nothing_is_concluded_and_it_is_said(
    stub: AwsStub, read: Read, answer: Fail, why: str
):
    World(stub, [Person(name, keys=(Key(),)) for name in ("ana", "bob", "cy", "dee")])
    stub.on("LookupEvents", answer)
    facts = read()
    assert 1 == stub.counts()["LookupEvents"], "what is refused for one key is refused for the next"
    assert [()] * 4 == [user.activity for user in facts.users]
    [finding] = [finding for finding in facts.findings if finding.code == "key-evidence"]
    text = f"CloudTrail was not asked what the access keys of ana, bob, cy and 1 more call, because of {why}"
    assert (text, ACCOUNT) == (finding.text, finding.account_id)


def test_a_region_that_does_not_answer_leaves_the_whole_key_open(stub: AwsStub, read: Read):
    World(stub, [Person("ana", keys=(Key(),))])
    answered = history(daily(9))
    stub.on(
        "LookupEvents",
        lambda call: answered(call) if call.region == "eu-west-1" else Fail("AccessDeniedException"),
    )
    assert () == read(("eu-west-1",)).users[0].activity


def test_a_page_that_fails_after_others_leaves_the_key_open(stub: AwsStub, read: Read):
    World(stub, [Person("ana", keys=(Key(),))])
    answered = history([an_event(NOW - timedelta(hours=number)) for number in range(60)])
    stub.on(
        "LookupEvents",
        lambda call: Fail("AccessDeniedException") if "NextToken" in call.params else answered(call),
    )
    assert () == read().users[0].activity


@dataclass
class Remembered:
    """Fills `KeptActivity` in memory."""

    kept: dict[tuple[str, str, date], KeyActivity] = field(default_factory=dict)

    def of(self, key_id: str, source: str, day: date) -> KeyActivity | None:
        return self.kept.get((key_id, source, day))

    def keep(self, key_id: str, activity: KeyActivity) -> None:
        self.kept[key_id, activity.source, activity.read_at.date()] = activity


def test_a_key_is_looked_up_once_a_day_and_an_interrupted_run_goes_on(
    stub: AwsStub, read: Read, clock: FakeClock
):
    World(stub, [Person("ana", keys=(Key(),)), Person("bob", keys=(Key(),))])
    kept, answered = Remembered(), history(daily(3))
    stub.on("LookupEvents", answered, Fail("AccessDeniedException"))
    assert [1, 0] == [len(user.activity) for user in read((), kept=kept).users]
    stub.on("LookupEvents", answered)
    stub.calls.clear()
    first = read((), kept=kept)
    assert [(key_id("bob", 0), "us-east-1")] == lookups(stub)
    assert [1, 1] == [len(user.activity) for user in first.users]
    assert first.users == read((), kept=kept).users
    assert 1 == stub.counts()["LookupEvents"]
    clock.advance(timedelta(days=1))
    read((), kept=kept)
    assert 3 == stub.counts()["LookupEvents"]


def test_a_run_that_is_to_stop_waits_for_no_more_lookups(stub: AwsStub, read: Read):
    World(stub, [Person(f"p{number}", keys=(Key(),)) for number in range(50)])
    stub.on("LookupEvents", history([]))
    facts = read((), stopping=lambda: stub.counts()["LookupEvents"] >= 2)
    assert 2 == stub.counts()["LookupEvents"]
    [finding] = [finding for finding in facts.findings if finding.code == "key-evidence"]
    assert finding.text.endswith("and 45 more call, because of the request to stop")


def test_what_was_imported_comes_first_and_keys_that_nobody_has_are_named(stub: AwsStub, read: Read):
    World(
        stub, [Person("ana", keys=(Key(), Key())), Person("bob", keys=(Key(last_used=None),)), Person("cy")]
    )
    told = an_activity(key="key of the file")
    keys = (key_id("ana", 0), key_id("bob", 0), "AKIANOBODYHASTHISONE")
    imported = ImportedKeys("lake.csv", dict.fromkeys(keys, told))
    stub.on("LookupEvents", history(daily(3)))
    facts = read((), imported=imported)
    assert [(key_id("ana", 1), "us-east-1")] == lookups(stub)
    assert [2, 1, 0] == [len(user.activity) for user in facts.users]
    assert told == facts.users[0].activity[0]
    [finding] = imported.findings()
    said = "lake.csv tells of access keys that are not active keys of any user who was read: key AKIA…NE"
    assert ("key-evidence", said) == (finding.code, finding.text)


def test_a_file_alone_takes_no_lookup(stub: AwsStub, read: Read):
    World(stub, [Person("ana", keys=(Key(), Key()))])
    imported = ImportedKeys("lake.csv", {key_id("ana", 0): an_activity()})
    facts = read(None, imported=imported)
    assert 1 == len(facts.users[0].activity)
    assert {"LookupEvents": 0, "ListAccessKeys": 1} == {
        name: stub.counts()[name] for name in ("LookupEvents", "ListAccessKeys")
    }
