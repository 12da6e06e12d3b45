"""The stand-in answers as AWS does, for as much of it as the commands use, and counts what it was asked."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import floors
from benchmarks.stand_in import Answering
from tests.cli.shell import Shell
from tests.stand_in import control, serving, shell_in

ACCOUNTS, USERS = 2, 10


@pytest.fixture
def stand_in() -> Iterator[Answering]:
    with serving(ACCOUNTS, USERS) as answering:
        yield answering


@pytest.fixture
def shell(stand_in: Answering, tmp_path: Path) -> Shell:
    return shell_in(tmp_path)


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
