"""The inventory is the same in bad weather: throttled, failing, dropping connections, pages cut at random."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rollout.aws.connect.account_access import AwsAccountAccess
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.organization import Account, AccountState, Caller
from rollout.domain.policy.our_resources import Names
from tests.aws.stub import Answer, AwsStub, Call, Drop, Fail, Raw
from tests.aws.test_door import session_of
from tests.aws.world import Key, Person, World
from tests.fakes import FakeClock

ACCOUNTS = [
    Account(f"{number:012d}", f"account {number}", "", AccountState.ACTIVE, "") for number in range(1, 9)
]
THROTTLED = {"organizations": Fail("TooManyRequestsException", 400), "iam": Fail("Throttling", 400)}


def weather(seed: int) -> Callable[[Call], Answer | None]:
    """20 % throttled, 5 % failed, 2 % dropped: the figures of the requirement."""
    dice = random.Random(seed)
    lock = threading.Lock()

    def instead(call: Call) -> Answer | None:
        with lock:
            drawn = dice.random()
        if drawn < 0.20:
            return THROTTLED.get(call.service, Fail("ThrottlingException", 400))
        if drawn < 0.24:
            return Fail("ServiceFailure", 500)
        if drawn < 0.25:
            return Raw(503, b"<html>try later</html>")
        return Drop() if drawn < 0.27 else None

    return instead


def people() -> list[Person]:
    """Forty users, of whom every fourth needs calls of its own."""
    return [
        Person(
            f"user-{number:02d}",
            signed_in=None if number % 4 == 0 else Person("x").signed_in,
            totp=number % 4 != 1,
            passkey=number % 4 == 1,
            keys=(Key(),) * (number % 3),
        )
        for number in range(40)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_facts_are_those_of_a_calm_day(
    seed: int, stub: AwsStub, connection: Connection, clock: FakeClock
):
    world = World(stub, people())
    world.reported = people()[:-2]
    stub.on("AssumeRole", lambda call: session_of(call.params["RoleArn"]))
    dice = random.Random(seed)

    def read_all() -> list[AccountFacts]:
        caller = Caller("arn:aws:iam::111122223333:user/admin", "111122223333")
        retries = Retries(sleep=lambda _: None)
        access = AwsAccountAccess(connection, caller, clock, Names(), writing=False, retries=retries)
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda account: access.enter(account).read(), ACCOUNTS))

    calm = read_all()
    calls = len(stub.calls)
    stub.weather = weather(seed)
    world.page = lambda: dice.randint(1, 40)
    assert calm == read_all()
    assert len(stub.calls) - calls > calls * 1.2
