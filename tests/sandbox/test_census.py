"""The content of the organization: every kind of account and user that a rollout can meet."""

import time
from collections import Counter
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.blueprint import read_blueprint
from tests.sandbox.conftest import NOW
from tests.sandbox.connecting import (
    ARCHIVE,
    DEV,
    HUB,
    MANAGEMENT,
    NETWORK,
    PARTNER,
    PAYMENTS,
    PLAYGROUND,
    STOREFRONT,
    TEST,
    iam_of,
    report_of,
)

ENTERABLE = {
    MANAGEMENT: 8,
    HUB: 60,
    PAYMENTS: 20,
    STOREFRONT: 16,
    DEV: 21,
    TEST: 6,
    NETWORK: 9,
    PLAYGROUND: 6,
    ARCHIVE: 0,
    PARTNER: 5,
}


@pytest.fixture(scope="module")
def rows(sandbox: Sandbox) -> dict[str, dict[str, str]]:
    """Every user that can be seen, by ARN."""
    return {
        row["arn"]: row
        for account in ENTERABLE
        for row in report_of(iam_of(sandbox, account))
        if row["user"] != "<root_account>"
    }


@pytest.fixture(scope="module")
def details(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """What rights and tags they have, by ARN."""
    return {
        user["Arn"]: user
        for account in ENTERABLE
        for page in iam_of(sandbox, account).get_paginator("get_account_authorization_details").paginate()
        for user in page.get("UserDetailList", [])
    }


def keys_of(row: dict[str, str]) -> int:
    return [row["access_key_1_active"], row["access_key_2_active"]].count("true")


def test_there_are_thirteen_accounts_on_up_to_three_levels():
    blueprint = read_blueprint(NOW)
    assert 13 == len(blueprint.accounts)
    assert {"", "Workloads/Prod/Payments", "Platform/Identity", "Acquired/Partners"} <= {
        account.ou for account in blueprint.accounts
    }
    assert Counter(ACTIVE=11, CLOSED=1, SUSPENDED=1) == Counter(one.state for one in blueprint.accounts)


def test_so_many_users_are_in_each_account(rows: dict[str, Any]):
    assert {key: count for key, count in ENTERABLE.items() if count} == Counter(
        arn.split(":")[4] for arn in rows
    )
    assert 151 == len(rows)


def test_people_use_the_console_the_cli_both_or_nothing(rows: dict[str, dict[str, str]]):
    kinds = Counter((row["password_enabled"] == "true", keys_of(row) > 0) for row in rows.values())
    assert {
        (True, False): 91,  # console only
        (True, True): 38,  # both
        (False, True): 16,  # keys only
        (False, False): 6,  # nothing that works
    } == dict(kinds)


def test_devices_are_of_every_kind(sandbox: Sandbox, rows: dict[str, dict[str, str]]):
    def kind(serial: str) -> str:
        kinds = {":u2f/": "passkey", ":sms-mfa/": "sms", ":mfa/": "totp"}
        return next((kind for part, kind in kinds.items() if part in serial), "hardware")

    kinds: Counter[str] = Counter()
    for account in ENTERABLE:
        iam = iam_of(sandbox, account)
        for arn, row in rows.items():
            if arn.split(":")[4] == account and row["mfa_active"] == "true":
                devices = iam.list_mfa_devices(UserName=row["user"])["MFADevices"]
                kinds.update(kind(device["SerialNumber"]) for device in devices)
    assert {"totp": 54, "passkey": 10, "hardware": 3, "sms": 1} == dict(kinds)
    assert 151 - 68 == sum(row["mfa_active"] == "false" for row in rows.values())


def test_names_test_every_reader(rows: dict[str, dict[str, str]]):
    names = {row["user"] for row in rows.values()}
    assert {"=cmd.lab", "+plus.one", "@at.sign", "-dash", "no", "1e3", "walter.kim@example.com"} <= names
    assert 64 == max(len(name) for name in names)


def test_some_users_have_paths(rows: dict[str, dict[str, str]]):
    assert 4 == sum("/team/" in arn for arn in rows)


def test_nobody_has_anything_older_than_themselves():
    for account in read_blueprint(NOW).accounts:
        for user in account.users:
            assert account.invited or account.joined <= user.created
            moments = [key.created for key in user.keys] + [device.enabled for device in user.devices]
            moments += [user.password.created, user.password.changed] if user.password else []
            assert all(user.created <= moment <= NOW for moment in moments), user.name
            assert all(key.used is None or key.created <= key.used <= NOW for key in user.keys), user.name


def test_most_people_can_be_reached_and_a_few_cannot(details: dict[str, dict[str, Any]]):
    unreached = {
        arn.rpartition("/")[2]
        for arn, user in details.items()
        if "email" not in {tag["Key"] for tag in user.get("Tags", [])} and "@" not in user["UserName"][1:]
    }
    assert {"legacy.admin", "temp4711", "noc-screen", "temp0815"} == unreached


def test_groups_and_policies_fill_up_for_two_users(details: dict[str, dict[str, Any]]):
    full = {user["UserName"] for user in details.values() if len(user["GroupList"]) == 10}
    assert {"ursula.vance", "victor.crowded"} == full
    crowded = {user["UserName"] for user in details.values() if len(user["AttachedManagedPolicies"]) == 10}
    assert {"victor.crowded"} == crowded


def test_boundaries_and_inline_policies_are_where_they_should_be(details: dict[str, dict[str, Any]]):
    bounded = {user["UserName"] for user in details.values() if "PermissionsBoundary" in user}
    assert {"nadia.petrova", "quinn.murphy", "gita.rao", "henrik.dahl", "iris.blum"} == bounded
    inline = {
        (user["UserName"], policy["PolicyName"])
        for user in details.values()
        for policy in user.get("UserPolicyList", [])
    }
    assert {("greta.vogel", "NothingWithoutMfa"), ("lucia.romano", "OfficeOnly")} == inline


def test_machines_leave_their_traces(details: dict[str, dict[str, Any]]):
    smtp = {
        user["UserName"]
        for user in details.values()
        if "AWSSESSendingGroupDoNotRename" in user["GroupList"]
        or {"Key": "InvokedBy", "Value": "SESConsole"} in user.get("Tags", [])
    }
    assert {"ses-smtp-user.20240311-101502", "shop-mailer"} == smtp


def test_an_inventory_of_the_whole_organization_takes_about_a_second(sandbox: Sandbox):
    """Eight calls an account, one after the other; a limit far above what it takes, for slow machines."""
    began = time.perf_counter()
    for account in ENTERABLE:
        iam = iam_of(sandbox, account)
        report_of(iam)
        for page in iam.get_paginator("get_account_authorization_details").paginate():
            assert page
        iam.list_virtual_mfa_devices()
        iam.list_service_specific_credentials(AllUsers=True)
        iam.get_account_summary()
    assert time.perf_counter() - began < 10
