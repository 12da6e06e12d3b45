"""Which errors deserve another try, how soon and how often, over real HTTP and without waiting.

See aws-facts.md#errors-and-retries.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rollout.aws.connect.open_account import AwsAccount
from rollout.aws.read.service_credentials import read_service_credentials
from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.operations import IamGuard
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Patience, Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import AddMember, AttachToGroup, CreateGroup
from rollout.errors import ExpiredCredentials, NoCredentials
from rollout.workflows.ports import AnswerLost, Refusal
from tests.aws.conftest import OURS, FakeTime
from tests.aws.stub import Answer, AwsStub, Drop, Fail, Raw
from tests.aws.world import ACCOUNT, NOW

ANA = UserRef(ACCOUNT, "ana", "AIDAANA", f"arn:aws:iam::{ACCOUNT}:user/ana")
JOIN = AddMember(ACCOUNT, "ForceMFA", ANA)
USER = {"User": {"UserName": "ana", "UserId": "AIDAANA", "Path": "/", "Arn": ANA.arn}}

THROTTLES = [
    Fail("Throttling", 400),
    Fail("ThrottlingException", 400),
    Fail("RequestLimitExceeded", 400),
    Fail("TooManyRequestsException", 400),
    Fail("LimitExceededException", 400),
    Fail("SlowDown", 503),
    Fail("AnythingAtAll", 429),
]
CONFLICTS = [
    Fail("ConcurrentModification", 409),
    Fail("EntityTemporarilyUnmodifiable", 409),
    Fail("ConditionalRequestConflict", 409),
    Fail("OperationAborted", 409),
]
UNCERTAIN = [
    Fail("ServiceFailure", 500),
    Fail("InternalFailure", 500),
    Fail("ServiceUnavailable", 503),
    Fail("RequestTimeout", 400),
    Raw(500, b"<html>proxy</html>"),
    Raw(502),
    Drop(),
]
FINAL = [
    Fail("AccessDenied", 403),
    Fail("LimitExceeded", 409),
    Fail("DeleteConflict", 409),
    Fail("EntityAlreadyExists", 409),
    Fail("MalformedPolicyDocument", 400),
    Fail("NoSuchEntity", 404),
    Fail("InvalidInput", 400),
]


def named(answers: list[Any]) -> dict[str, Any]:
    return {"argvalues": answers, "ids": [getattr(answer, "code", repr(answer)[:24]) for answer in answers]}


@pytest.fixture
def calls(retries: Retries) -> Calls:
    return Calls(ACCOUNT, CallerIdentity(), retries, retries.pace(), ours=OURS)


@pytest.fixture
def get_user(connection: Connection, calls: Calls) -> Callable[[], object]:
    """One read."""
    iam = connection.own_iam(IamGuard(writing=True))
    return lambda: calls.read(iam.get_user, UserName="ana")["User"]["UserId"]


# --- Reads ---


@pytest.mark.parametrize("answer", **named([*THROTTLES, *CONFLICTS, *UNCERTAIN]))
def test_a_read_is_tried_until_it_is_answered(answer: Answer, stub: AwsStub, get_user, calls: Calls):
    stub.on("GetUser", answer, answer, USER)
    assert "AIDAANA" == get_user()
    assert (3, 2) == (calls.tally.calls, calls.tally.retries)


@pytest.mark.parametrize("answer", **named(FINAL))
def test_a_read_that_is_refused_is_not_tried_again(answer: Fail, stub: AwsStub, get_user):
    stub.on("GetUser", answer)
    with pytest.raises(CallFailed) as caught:
        get_user()
    assert (answer.code, 1) == (caught.value.code, caught.value.attempts)
    assert 1 == stub.counts()["GetUser"]


def test_patience_ends_by_attempts(stub: AwsStub, get_user, fake_time: FakeTime):
    stub.on("GetUser", Fail("Throttling", 400))
    with pytest.raises(
        CallFailed, match=r"GetUser in account 012345678901: Throttling: .* \(after 12 attempts\)"
    ):
        get_user()
    assert 12 == stub.counts()["GetUser"]


def test_patience_ends_by_the_deadline(stub: AwsStub, connection: Connection, fake_time: FakeTime):
    retries = Retries(
        Patience(attempts=1000, deadline=30), fake_time.sleep, fake_time.monotonic, chance=lambda: 1.0
    )
    calls = Calls(ACCOUNT, CallerIdentity(), retries, Pace(fake_time.sleep, fake_time.monotonic, floor=1000))
    stub.on("GetUser", Fail("Throttling", 400))
    iam = connection.own_iam(IamGuard(writing=False))
    with pytest.raises(CallFailed):
        calls.read(iam.get_user, UserName="ana")
    assert fake_time.at <= 30


def test_waits_double_up_to_a_cap_and_are_drawn_from_zero(stub: AwsStub, get_user, fake_time: FakeTime):
    stub.on("GetUser", *[Fail("ServiceFailure", 500)] * 9, USER)
    get_user()
    assert [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0] == [pytest.approx(wait) for wait in fake_time.slept]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"x-amz-retry-after": "2500"}, 2.5),
        ({"Retry-After": "Tue, 24 Nov 2026 09:00:09 GMT"}, 9.0),
        ({"Retry-After": "3600"}, 60.0),
        ({"Retry-After": "soon"}, 0.1),
    ],
)
def test_aws_may_ask_for_a_longer_wait(
    headers: dict[str, str], wait: float, stub: AwsStub, get_user, retries, fake_time
):
    retries.now = lambda: datetime(2026, 11, 24, 9, tzinfo=UTC)
    stub.on("GetUser", Fail("Throttling", 400, headers=headers), USER)
    get_user()
    assert wait == pytest.approx(fake_time.slept[0])


def test_an_operation_that_answered_before_is_offered_whatever_comes_after(
    stub: AwsStub, connection: Connection, calls: Calls
):
    iam = connection.own_iam(IamGuard(writing=False))
    stub.on("ListServiceSpecificCredentials", {"ServiceSpecificCredentials": []}, *[Raw(500)] * 3, {})
    for _ in range(2):
        calls.read(iam.list_service_specific_credentials, AllUsers=True)
    assert 5 == stub.counts()["ListServiceSpecificCredentials"]


def test_one_answer_that_is_none_after_throttling_does_not_mean_that_nothing_is_offered(
    stub: AwsStub, entered: Callable[[], AwsAccount]
):
    """Only as many such answers count: how often the call was tried before says nothing of the endpoint."""
    throttled = [Fail("Throttling", 400)] * 3
    stub.on("ListServiceSpecificCredentials", *throttled, Raw(500), {"ServiceSpecificCredentials": []})
    account = entered()
    assert {} == read_service_credentials(account._calls, account._client, NOW)
    assert 5 == stub.counts()["ListServiceSpecificCredentials"]


def test_an_unparsable_answer_to_a_call_that_every_aws_offers_is_trouble_on_the_way(stub: AwsStub, get_user):
    stub.on("GetUser", Raw(500), Raw(500), Raw(500), USER)
    assert "AIDAANA" == get_user()


# --- Writes ---


@pytest.mark.parametrize("answer", **named([*THROTTLES, *CONFLICTS]))
def test_a_write_that_had_no_effect_is_repeated(
    answer: Fail, stub: AwsStub, entered: Callable[[], AwsAccount]
):
    stub.on("AddUserToGroup", answer, {})
    receipt = entered().make(JOIN)
    assert ("request-AddUserToGroup", 2) == (receipt.request_id, receipt.attempts)


@pytest.mark.parametrize("answer", **named(UNCERTAIN))
def test_a_write_whose_answer_was_lost_is_never_repeated(
    answer: Answer, stub: AwsStub, entered: Callable[[], AwsAccount]
):
    stub.on("AddUserToGroup", answer, {})
    with pytest.raises(AnswerLost):
        entered().make(JOIN)
    assert 1 == stub.counts()["AddUserToGroup"]


@pytest.mark.parametrize("answer", **named(FINAL))
def test_a_write_that_is_refused_says_whether_something_is_gone(
    answer: Fail, stub: AwsStub, entered: Callable[[], AwsAccount]
):
    stub.on("AddUserToGroup", answer)
    with pytest.raises(Refusal, match=answer.code) as caught:
        entered().make(JOIN)
    assert (answer.code == "NoSuchEntity") == caught.value.gone


def test_a_write_that_times_out_is_lost(stub: AwsStub, monkeypatch, retries, clock, account):
    given_up = threading.Event()
    stub.on("AddUserToGroup", lambda _: {} if given_up.wait(5) else Fail("Test", 400))
    impatient = Connection(timeouts=(10, 0.05), region="us-east-1")
    calls = Calls(ACCOUNT, CallerIdentity(), retries, retries.pace(), ours=OURS)
    opened = AwsAccount(account, "own", calls, impatient.own_iam(IamGuard(writing=True)), clock)
    with pytest.raises(AnswerLost, match="ReadTimeoutError"):
        opened.make(JOIN)
    given_up.set()


def test_a_write_that_never_left_is_repeated_and_then_refused(
    monkeypatch: pytest.MonkeyPatch, stub: AwsStub, retries, clock, account, fake_time
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    nobody = Connection(region="us-east-1", timeouts=(0.2, 60))
    calls = Calls(ACCOUNT, CallerIdentity(), retries, retries.pace(), ours=OURS)
    opened = AwsAccount(account, "own", calls, nobody.own_iam(IamGuard(writing=True)), clock)
    with pytest.raises(Refusal, match="EndpointConnectionError") as caught:
        opened.make(JOIN)
    assert 12 == caught.value.attempts


def test_not_found_is_not_yet_found_right_after_making_it(
    stub: AwsStub, entered: Callable[[], AwsAccount], fake_time: FakeTime
):
    group = {"Path": "/rollout/", "GroupName": "ForceMFA", "GroupId": "AGPA", "Arn": "arn"}
    stub.on("CreateGroup", {"Group": group})
    stub.on("AddUserToGroup", Fail("NoSuchEntity", 404), {})
    opened = entered()
    opened.make(CreateGroup(ACCOUNT, "ForceMFA", "/rollout/"))
    assert 2 == opened.make(JOIN).attempts


def test_long_after_making_it_not_found_is_gone(
    stub: AwsStub, entered: Callable[[], AwsAccount], fake_time: FakeTime
):
    group = {"Path": "/rollout/", "GroupName": "ForceMFA", "GroupId": "AGPA", "Arn": "arn"}
    stub.on("CreateGroup", {"Group": group})
    stub.on("AttachGroupPolicy", Fail("NoSuchEntity", 404), {})
    opened = entered()
    opened.make(CreateGroup(ACCOUNT, "ForceMFA", "/rollout/"))
    fake_time.at += 600
    with pytest.raises(Refusal) as caught:
        opened.make(AttachToGroup(ACCOUNT, "ForceMFA", f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"))
    assert caught.value.gone


# --- The caller ---


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_own_credentials_that_ran_out_end_the_command_after_one_more_try(code: str, stub: AwsStub, get_user):
    stub.on("GetUser", Fail(code, 403))
    with pytest.raises(ExpiredCredentials) as caught:
        get_user()
    assert "sign in again" in caught.value.cure
    assert 2 == stub.counts()["GetUser"]


@pytest.mark.parametrize(
    "code", ["InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"]
)
def test_keys_that_aws_does_not_know_end_the_command(code: str, stub: AwsStub, get_user):
    stub.on("GetUser", Fail(code, 403))
    with pytest.raises(NoCredentials, match=code):
        get_user()
    assert 1 == stub.counts()["GetUser"]


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        (
            "Signature expired: 20261124T0900Z is now earlier than 20261124T0910Z",
            "synchronise this machine's clock",
        ),
        ("Signature not yet current: 20261124T0920Z is still later than", "synchronise this machine's clock"),
        ("The request signature we calculated does not match", "the access key was deleted"),
    ],
)
def test_a_clock_that_aws_refuses_is_told_from_a_wrong_key(message: str, cure: str, stub: AwsStub, get_user):
    stub.on("GetUser", Fail("SignatureDoesNotMatch", 403, message))
    with pytest.raises(NoCredentials) as caught:
        get_user()
    assert cure in caught.value.cure


# --- Pace ---


def test_the_pace_halves_when_throttled_and_recovers(fake_time: FakeTime):
    pace = Pace(fake_time.sleep, fake_time.monotonic, rate=20, burst=5)
    pace.slow_down()
    pace.slow_down()
    assert 10 == pace.rate, "both answer what was asked at once"
    fake_time.sleep(1.0)
    assert 12 == pace.rate
    pace.slow_down()
    assert 6 == pace.rate
    fake_time.sleep(10.0)
    assert 20 == pace.rate


def test_the_pace_lets_a_burst_through_and_then_a_call_at_a_time(fake_time: FakeTime):
    pace = Pace(fake_time.sleep, fake_time.monotonic, rate=10, burst=5)
    for _ in range(8):
        pace.take()
    assert [0.1, 0.1, 0.1] == [pytest.approx(wait) for wait in fake_time.slept]


def test_the_pace_never_stops_altogether(fake_time: FakeTime):
    pace = Pace(fake_time.sleep, fake_time.monotonic, floor=0.5)
    for _ in range(50):
        pace.slow_down()
        pace._budget = replace(pace._budget, slowed_at=float("-inf"))
    assert 0.5 == pace.rate


def test_accounts_are_paced_apart(retries: Retries):
    one, other = retries.pace(), retries.pace()
    one.slow_down()
    assert one.rate < other.rate


def test_throttling_is_counted(stub: AwsStub, get_user, calls: Calls):
    stub.on("GetUser", Fail("Throttling", 400), Fail("ServiceFailure", 500), USER)
    get_user()
    assert (3, 2, 1) == (calls.tally.calls, calls.tally.retries, calls.tally.throttled)
