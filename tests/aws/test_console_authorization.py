"""Console authorization is read once for the organization, and at most once an account; what is not read says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rollout.aws.connect.account_access import AwsAccountAccess
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.organization import Caller
from rollout.domain.people.sign_in import ConsoleAuthorization, Weighing
from rollout.domain.policy.our_resources import Names
from tests.aws.conftest import FakeTime
from tests.aws.stub import AwsStub, Call, Drop, Fail, Raw
from tests.aws.test_door import CALLER, an_account, session_of
from tests.aws.world import ACCOUNT, NEVER_CONFIGURED, Person, World
from tests.fakes import FakeClock

ORGANIZATION = "o-a1b2c3d4e5"
OPERATION = "GetConsoleAuthorizationConfiguration"
DENIED = Fail("AccessDeniedException", 400)
Read = Callable[..., list[ConsoleAuthorization]]


def says(**of: Any) -> Callable[[Call], Any]:
    """Answer by target: True or False for on and off, or what AWS says instead."""
    targets = {"organization": ORGANIZATION, "account": ACCOUNT}
    answers = {targets[name]: answer for name, answer in of.items()}

    def answer(call: Call) -> Any:
        found = answers[call.params["targetId"]]
        if not isinstance(found, bool):
            return found
        return {"targetId": call.params["targetId"], "scope": "X", "consoleAuthorizationEnabled": found}

    return answer


@pytest.fixture
def read(stub: AwsStub, connection: Connection, retries: Retries, clock: FakeClock) -> Read:
    """Read an account as often as asked, through one access, as a run reads several accounts."""
    World(stub, [Person("ana")])
    stub.on("AssumeRole", lambda call: session_of(call.params["RoleArn"]))
    stub.on("ListPolicies", {"Policies": []})

    def read(times: int = 1, caller: Caller = CALLER) -> list[ConsoleAuthorization]:
        access = AwsAccountAccess(
            connection,
            caller,
            clock,
            Names(),
            writing=False,
            retries=retries,
            organization_id=ORGANIZATION,
        )
        found = [access.enter(an_account()).read().sign_in for _ in range(times)]
        return [one for one in found if one is not None]

    return read


def test_where_the_organization_has_it_on_no_account_is_asked(stub: AwsStub, read: Read):
    stub.on(OPERATION, says(organization=True))
    found = read(times=3)
    assert [(Weighing.ON, f"organization {ORGANIZATION}")] * 3 == [(one.state, one.source) for one in found]
    assert [{"targetId": ORGANIZATION}] == stub.called(OPERATION)


@pytest.mark.parametrize("off", [False, NEVER_CONFIGURED], ids=["turned off", "never turned on"])
def test_elsewhere_each_account_is_asked_once(off, stub: AwsStub, read: Read):
    stub.on(OPERATION, says(organization=off, account=True))
    assert [Weighing.ON] * 2 == [one.state for one in read(times=2)]
    assert [{"targetId": ORGANIZATION}, *[{"targetId": ACCOUNT}] * 2] == stub.called(OPERATION)
    assert ["testing", "ASIASESSION00000", "ASIASESSION00000"] == [
        call.key_id for call in stub.calls if call.operation == OPERATION
    ]


@pytest.mark.parametrize(
    ("organization", "account", "state"),
    [
        (False, False, Weighing.OFF),
        (NEVER_CONFIGURED, NEVER_CONFIGURED, Weighing.OFF),
        (False, DENIED, Weighing.UNREAD),
        (DENIED, True, Weighing.ON),
        (DENIED, False, Weighing.UNREAD),  # it may be on for the organization
        (Fail("InvalidAction", 400), True, Weighing.NOT_OFFERED),
        (Raw(404), True, Weighing.NOT_OFFERED),
        (False, Fail("ValidationException", 400), Weighing.UNREAD),
    ],
)
def test_what_is_not_known_is_never_off(organization, account, state, stub: AwsStub, read: Read):
    stub.on(OPERATION, says(organization=organization, account=account))
    (found,) = read()
    assert state is found.state, found.source


def test_an_account_without_users_is_not_asked_about(stub: AwsStub, read: Read):
    World(stub)
    assert [] == read()
    assert 0 == stub.counts()[OPERATION]


def test_other_partitions_have_it_not_and_are_not_asked(stub: AwsStub, read: Read):
    caller = Caller("arn:aws-us-gov:iam::999988887777:user/ops", "999988887777", "aws-us-gov", None, "AIDA")
    (found,) = read(caller=caller)
    assert Weighing.NOT_OFFERED is found.state
    assert "commercial Regions" in found.source
    assert 0 == stub.counts()[OPERATION]


def test_a_network_that_does_not_reach_it_is_waited_for_once(
    stub: AwsStub, read: Read, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SIGNIN", "http://127.0.0.1:1")
    assert [Weighing.UNREAD] * 3 == [one.state for one in read(times=3)]
    assert fake_time.at < 20


def test_no_answer_at_all_is_not_waited_for_long(stub: AwsStub, read: Read, fake_time: FakeTime):
    stub.on(OPERATION, Drop())
    (found,) = read()
    assert Weighing.UNREAD is found.state
    assert fake_time.at < 40
    assert stub.counts()[OPERATION] <= 8


def test_throttling_does_not_make_it_unknown(stub: AwsStub, read: Read):
    """Everybody with a password would be held. In bad weather, one call in two hundred is throttled four times."""
    throttled = Fail("TooManyRequestsException", 429)
    stub.on(OPERATION, *[throttled] * 6, says(organization=False, account=False))
    assert [Weighing.OFF] == [one.state for one in read()]


def test_it_is_asked_where_the_other_calls_go(stub: AwsStub, read: Read):
    """For these operations, botocore by itself overlooks AWS_ENDPOINT_URL, and would call AWS."""
    stub.on(OPERATION, says(organization=False, account=False))
    read()
    assert 2 == stub.counts()[OPERATION]


# --- What else is weighed at the sign-in ---

STATEMENT = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": ["signin:Authenticate"],
    "Resource": "*",
    "Condition": {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}},
}


def rcp(identifier: str, action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    summary = {"Id": identifier, "Name": f"Perimeter {identifier}", "Type": "RESOURCE_CONTROL_POLICY"}
    content = (
        f'{{"Statement": {{"Effect": "Deny", "Principal": "*", "Action": "{action}", "Resource": "*"}}}}'
    )
    return summary, {"Policy": {"PolicySummary": summary, "Content": content}}


def test_where_it_is_on_the_policies_about_sign_in_are_told(stub: AwsStub, read: Read):
    stub.on(OPERATION, says(organization=True))
    stub.on("GetResourcePolicy", {"signinResourceBasedPolicy": {"Statement": [STATEMENT]}})
    first, second = rcp("p-1", "signin:*"), rcp("p-2", "s3:*")
    about = {"p-1": first[1], "p-2": second[1]}
    stub.on("ListPolicies", {"Policies": [first[0], second[0]]})
    stub.on("DescribePolicy", lambda call: about[call.params["PolicyId"]])
    stub.on("ListTargetsForPolicy", {"Targets": [{"TargetId": "r-1", "Name": "Root"}]})
    (found, again) = read(times=2)
    assert (
        "Sign-In's resource policy: Deny signin:Authenticate if NotIpAddress aws:SourceIp",
        "resource control policy Perimeter p-1 (attached to Root)",
    ) == found.restrictions
    assert found == again
    assert 1 == stub.counts()["ListPolicies"], "the same for all accounts"


def test_policies_that_cannot_be_read_are_named_and_nothing_is_lost(stub: AwsStub, read: Read):
    stub.on(OPERATION, says(organization=True))
    stub.on("GetResourcePolicy", DENIED)
    stub.on("ListPolicies", DENIED)
    (found,) = read()
    assert Weighing.ON is found.state
    assert 2 == len([text for text in found.restrictions if "not read" in text])


def test_where_it_is_off_nothing_more_is_asked(stub: AwsStub, read: Read):
    stub.on(OPERATION, says(organization=False, account=False))
    read()
    assert 0 == stub.counts()["GetResourcePolicy"] + stub.counts()["ListPolicies"]
