"""Each way in is listed with what was found, by which call and when; what nobody looked at says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.people.sign_in import ConsoleAuthorization, Weighing
from rollout.domain.people.users import AccessKey, MfaDevice, Password, ServiceCredential, Unread, User
from rollout.domain.plan.doors import Door, doors_of
from tests.builders import NOW, a_user, account_facts

REPORTED = NOW - timedelta(hours=2)
LONG_AGO = NOW - timedelta(days=400)
KEY = AccessKey(1, active=True, created=LONG_AGO, last_used=NOW, service="s3", region="eu-west-1")


def doors(user: User, **facts: Any) -> dict[str, Door]:
    return {door.name: door for door in doors_of(user, account_facts(user, **facts))}


def of_report(**more: Any) -> User:
    return replace(a_user(), facts_at=REPORTED, **more)


def test_the_report_is_named_with_its_own_time():
    password = Password(last_used=NOW, last_changed=LONG_AGO, next_rotation=NOW + timedelta(days=9))
    found = doors(of_report(password=password, keys=(KEY,), certificates=1), report_at=REPORTED)
    assert ("credential report", REPORTED) == (found["password"].source, found["password"].at)
    assert f"set {LONG_AGO:%Y-%m-%d}, last used {NOW:%Y-%m-%d}, expires" in found["password"].found
    assert f"key 1 active, made {LONG_AGO:%Y-%m-%d}, last used {NOW:%Y-%m-%d} for s3 in eu-west-1" == (
        found["access keys"].found
    )
    assert ("1 active", REPORTED) == (found["signing certificates"].found, found["signing certificates"].at)


def test_whoever_was_read_live_is_told_by_the_calls_that_were_made():
    found = doors(replace(a_user(), facts_at=NOW), report_at=None)
    assert "GetLoginProfile, GetUser" == found["password"].source
    assert "ListAccessKeys, GetAccessKeyLastUsed" == found["access keys"].source
    assert "ListMFADevices" == found["MFA devices"].source
    certificates = found["signing certificates"]
    assert certificates.at is None
    assert "only the credential report" in certificates.found


def test_a_call_about_one_user_stands_beside_the_report():
    user = of_report(
        password=Password(reset_required=True), devices=(MfaDevice("arn:aws:iam::1:u2f/user/a/key"),)
    )
    found = doors(user, report_at=REPORTED, read_at=NOW)
    must = found["password at the next sign-in"]
    assert ("must be changed", "GetLoginProfile", NOW) == (must.found, must.source, must.at)
    assert ("ListMFADevices", NOW) == (found["MFA devices"].source, found["MFA devices"].at)


@pytest.mark.parametrize(
    ("keys", "found", "looked"),
    [(None, "not asked", False), (0, "none active", True), (2, "2 active", True)],
)
def test_ssh_keys_were_counted_or_not_asked_for(keys, found, looked):
    door = doors(replace(a_user(), ssh_keys=keys))["SSH keys for CodeCommit"]
    assert (True, looked) == (found in door.found, door.at is not None)


@pytest.mark.parametrize("field", ["unread", "not_offered"])
def test_what_could_not_be_read_was_not_looked_at(field):
    why = "ListServiceSpecificCredentials: AccessDenied"
    user = replace(
        a_user(), service_credentials=(ServiceCredential("codecommit.amazonaws.com", active=True),)
    )
    door = doors(user, **{field: (Unread("service-specific credentials", why),)})[
        "service-specific credentials"
    ]
    assert (why, None) == (door.found, door.at)


def test_the_sign_in_to_the_console_is_a_door_where_it_was_read():
    on = ConsoleAuthorization(Weighing.ON, "organization o-a1b2c3d4e5")
    assert "console authorization is on" in doors(a_user(), sign_in=on)["console sign-in"].found
    assert "console sign-in" not in doors(a_user(), sign_in=None)
