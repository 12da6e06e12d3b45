"""The whole way over the embedded organization: listed, entered and read, every account in exactly one way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from rollout.aws.connect.account_access import AwsAccountAccess
from rollout.aws.connect.aws_clock import AwsClock
from rollout.aws.connect.identity import WhoAmI
from rollout.aws.connect.offline_clock import offline_now
from rollout.aws.connect.organizations import AwsOrganization
from rollout.aws.read.ssh_keys import worth_asking
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.organization import Account, AccountState
from rollout.domain.people.sign_in import Weighing
from rollout.domain.people.users import DeviceKind, User
from rollout.domain.policy.our_resources import Names
from rollout.sandbox.serving.server import Sandbox
from rollout.workflows.ports import CannotEnter, PolicyLevels

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
HUB, NETWORK, MANAGEMENT = "222233334444", "666677778888", "111122223333"
NEEDED = 9
"""Calls an account with the report ready (design.md#accounts)."""


@dataclass
class Seen:
    """What one look at the organization gave."""

    accounts: list[Account]
    roles: dict[str, str]
    facts: dict[str, AccountFacts]
    refused: dict[str, CannotEnter]
    levels: PolicyLevels
    calls: dict[str, int]
    again: dict[str, int]
    now: datetime
    offline: datetime

    @property
    def users(self) -> list[User]:
        return [user for facts in self.facts.values() for user in facts.users]


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    with Sandbox.start(NOW, instance="tests") as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        yield look(offline_now(sandbox.environment()))


def look(offline: datetime) -> Seen:
    retries = Retries()
    connection = Connection()
    who = WhoAmI(connection, retries)
    clock = AwsClock(who)
    organization = AwsOrganization(connection, retries=retries, who=who)
    accounts = list(organization.accounts())
    levels = organization.policy_levels(accounts)
    assert isinstance(levels, PolicyLevels)
    access = AwsAccountAccess(
        connection, organization.caller(), clock, Names(), writing=False, retries=retries
    )
    result = Seen(accounts, {}, {}, {}, levels, {}, {}, clock.now(), offline)

    def read(account: Account) -> None:
        try:
            opened = access.enter(account)
            result.facts[account.id] = opened.read()
            result.roles[account.id] = opened.role
            result.calls[account.id] = access.effort(account.id).calls
            opened.read()
            result.again[account.id] = access.effort(account.id).calls - result.calls[account.id]
        except CannotEnter as refusal:
            result.refused[account.id] = refusal

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, [account for account in accounts if account.state is AccountState.ACTIVE]))
    return result


def test_every_account_is_listed_and_ends_in_one_way(seen: Seen):
    assert 13 == len(seen.accounts)
    alive = {account.id for account in seen.accounts if account.state is AccountState.ACTIVE}
    assert alive == seen.facts.keys() | seen.refused.keys()
    assert not seen.facts.keys() & seen.refused.keys()
    assert 2 == len(seen.accounts) - len(alive)
    assert 1 == len(seen.refused)


def test_each_account_is_entered_the_way_that_it_has(seen: Seen):
    assert "own credentials" == seen.roles[MANAGEMENT]
    assert "AWSControlTowerExecution" == seen.roles[NETWORK]
    assert "OrganizationAccountAccessRole" == seen.roles[HUB]


def test_nothing_is_missing_from_any_account(seen: Seen):
    assert [] == [(one, facts.unread) for one, facts in seen.facts.items() if facts.unread]
    assert [] == [(user.arn, user.unread) for user in seen.users if user.unread]
    assert all(facts.report_at for facts in seen.facts.values())
    assert 60 == len(seen.facts[HUB].users)


def test_a_second_look_takes_eight_calls_and_those_of_single_users(seen: Seen):
    for account_id, facts in seen.facts.items():
        asked = worth_asking(facts.groups, facts.policies)
        weighed = (
            facts.sign_in is not None and facts.sign_in.state is Weighing.ON
        )  # Sign-In's resource policy too
        special = weighed + sum(
            (user.devices is not None and DeviceKind.TOTP not in user.device_kinds and user.mfa_active)
            + (user.password is not None and user.password.reset_required is not None)
            + asked(user)
            for user in facts.users
        )
        more_pages = len(facts.users) // 50
        assert seen.again[account_id] <= NEEDED - 1 + special + more_pages


def test_people_are_of_every_kind(seen: Seen):
    assert any(user.password and user.password.reset_required for user in seen.users)
    assert any((DeviceKind.PASSKEY,) == user.device_kinds for user in seen.users)
    assert any(user.boundary_arn for user in seen.users)
    assert any(user.service_credentials for user in seen.users)
    assert any(user.path != "/" for user in seen.users)
    assert any(user.name.startswith("=") for user in seen.users)


def test_every_account_has_its_policy_levels(seen: Seen):
    assert seen.levels.by_account.keys() == {account.id for account in seen.accounts}
    assert () == seen.levels.by_account[MANAGEMENT]
    for account in seen.accounts:
        if account.id != MANAGEMENT:
            assert 2 + len([part for part in account.ou.split("/") if part]) == len(
                seen.levels.by_account[account.id]
            )


def test_time_is_that_of_the_embedded_organization(seen: Seen):
    assert abs(seen.now - NOW).total_seconds() < 300
    assert abs(seen.offline - NOW).total_seconds() < 300
