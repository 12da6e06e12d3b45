"""One stub and one Session for all tests of a worker; no test waits, since sleep is injected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rollout.aws.connect.open_account import AwsAccount
from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.operations import IamGuard
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.organization import Account, AccountState
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_arns import our_arns
from rollout.domain.policy.our_resources import Names
from tests.aws.stub import AwsStub, Call
from tests.aws.world import ACCOUNT, NOW
from tests.fakes import FakeClock

OURS = our_arns("aws", ACCOUNT, Names(), Made())


def our_group(call: Call) -> dict[str, Any]:
    """Answer as if every group were at our path, and empty."""
    name = call.params["GroupName"]
    arn = f"arn:aws:iam::{ACCOUNT}:group/rollout/{name}"
    group = {"Path": "/rollout/", "GroupName": name, "GroupId": "AGPA", "Arn": arn, "CreateDate": NOW}
    return {"Group": group, "Users": [], "IsTruncated": False}


@dataclass
class FakeTime:
    """A counter that only sleeping moves."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def monotonic(self) -> float:
        return self.at


@pytest.fixture(scope="session")
def _server() -> Iterator[AwsStub]:
    server = AwsStub()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _connection() -> Connection:
    return Connection(timeouts=(10, 5), region="us-east-1")


@pytest.fixture
def stub(_server: AwsStub, monkeypatch: pytest.MonkeyPatch) -> AwsStub:
    """An AWS without answers, but for our groups: with own credentials, the writer asks for their path."""
    _server.reset()
    _server.on("GetGroup", our_group)
    monkeypatch.setenv("AWS_ENDPOINT_URL", _server.endpoint)
    return _server


@pytest.fixture
def connection(stub: AwsStub, _connection: Connection) -> Connection:
    """The caller's Session, talking to the stub."""
    _connection.endpoints.clear()
    return _connection


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def retries(fake_time: FakeTime) -> Retries:
    """Patience that takes no time; half of every wait is drawn."""
    return Retries(sleep=fake_time.sleep, monotonic=fake_time.monotonic, chance=lambda: 0.5)


@pytest.fixture
def account() -> Account:
    return Account(ACCOUNT, "payments", "payments@example.com", AccountState.ACTIVE, "Workloads/Prod")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def entered(
    connection: Connection, retries: Retries, account: Account, clock: FakeClock
) -> Callable[[], AwsAccount]:
    """An account entered for reading and writing, without a door."""

    def enter() -> AwsAccount:
        calls = Calls(account.id, CallerIdentity(), retries, retries.pace(), ours=OURS)
        client = connection.own_iam(IamGuard(writing=True))
        return AwsAccount(account, "own credentials", calls, client, clock)

    return enter
