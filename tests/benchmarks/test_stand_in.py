"""The stand-in answers as AWS does, for as much of it as the commands use, and counts what it was asked."""

import asyncio
import json
import os
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import floors
from benchmarks.iam_answers import Iam
from benchmarks.measuring import SETTINGS
from benchmarks.organization_answers import Organizations
from benchmarks.stand_in import Answering, Conditions, environment, listen
from tests.cli.shell import Shell

NOW = datetime.now(UTC).replace(microsecond=0)
ACCOUNTS, USERS = 2, 10


@pytest.fixture
def stand_in() -> Iterator[Answering]:
    organizations = Organizations(ACCOUNTS, NOW)
    answering = Answering(organizations, Iam(USERS, 1, NOW, NOW), Conditions())
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(listen(answering, 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server.sockets[0].getsockname()[1], organizations.management).items():
            patch.setenv(name, value)
        yield answering
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    for transport in answering.connections:
        transport.abort()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture
def shell(stand_in: Answering, tmp_path: Path) -> Shell:
    (tmp_path / "rollout.yaml").write_text(SETTINGS)
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    return Shell(tmp_path, {name: os.environ[name] for name in names})


def control(what: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/control/{what}", data) as answer:
        return json.loads(answer.read())


def of_accounts(calls: Counter[str]) -> dict[str, int]:
    """Leave out what is asked once for the organization, and of it."""
    once = (
        "ListAccounts",
        "ListRoots",
        "ListPolicies",
        "DescribePolicy",
        "ListTargetsForPolicy",
        "GetCallerIdentity",
    )
    others = (
        "DescribeOrganization",
        "ListOrganizationalUnitsForParent",
        "GetConsoleAuthorizationConfiguration",
    )
    return {name: count for name, count in calls.items() if name not in {*once, *others}}


def test_an_organization_is_planned_enforced_and_verified_there(stand_in: Answering, shell: Shell):
    """Five commands, and so it takes some seconds: what one has written, the next has to read."""
    planned = shell("plan", "--json").json
    assert ACCOUNTS * USERS == sum(planned["verdicts"].values())
    for stage in ("dry-run", "notify", "enforce"):
        assert 0 == shell("apply", "--stage", stage, "--yes").code
    verified = shell("verify")
    assert "0 differences in 2 accounts" in verified.out
    assert stand_in.calls["AddUserToGroup"]


def test_the_floor_of_the_inventory_makes_the_calls_of_the_product(stand_in: Answering, shell: Shell):
    assert 0 == shell("inventory", "--out", "users.csv").code
    product = of_accounts(stand_in.calls)
    stand_in.calls.clear()
    floors.run("inventory")
    assert product == of_accounts(stand_in.calls)


def test_the_weather_changes_no_verdict(stand_in: Answering, shell: Shell):
    calm = shell("plan", "--json").json["verdicts"]
    control("weather", {"throttled": 0.05, "failed": 0.05, "reset": 0.05})
    assert calm == shell("plan", "--json").json["verdicts"]
    assert {"throttled", "failed", "reset"} <= control("counts")["troubles"].keys()


def test_calls_are_counted_until_they_are_reset(stand_in: Answering):
    floors.Caller()
    assert {"GetCallerIdentity": 1} == control("counts")["calls"]
    assert {} == control("reset", {})["calls"]
