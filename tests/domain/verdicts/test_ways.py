"""In which ways a user can register a device, and who may use `aws login`: no promise that would not be kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.people.observations import PasswordPolicy
from rollout.domain.people.users import NamedPolicy, Password, User
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact, Kind
from tests.builders import ACCOUNT, NOW, days_ago
from tests.domain.judging import (
    EVERYTHING,
    SELF_SERVICE,
    a_level,
    a_managed,
    a_person,
    allow,
    deny,
    inline,
    judged,
    the_rules,
)
from tests.domain.verdicts.rows import Row, check, enforce, hold

APP, PASSKEY = EnrolmentWay.APP, EnrolmentWay.PASSKEY
KEY = "iam:RegisterSecurityKey"
NO_APPS = deny("iam:CreateVirtualMFADevice")
KEYS_ONLY_BY_CONDITION = deny("iam:EnableMFADevice", when={"StringNotEquals": {KEY: ["Create", "Activate"]}})
CERTIFIED = deny(
    "iam:EnableMFADevice",
    when={"StringEquals": {KEY: "Activate"}, "StringNotEquals": {"iam:FIDO-certification": "L2"}},
)
NO_KEYS = deny("iam:EnableMFADevice", when={"StringEquals": {KEY: "Create"}})
LOGIN = allow(
    "signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token", on="arn:aws:signin:*:*:oauth2/public-client/*"
)


def beginner(*statements: Any, **more: Any) -> User:
    """Somebody without a device, who could enrol but for these statements."""
    return a_person(mfa=None, inline=(SELF_SERVICE, inline("X", *statements)), **more)


def scp(*statements: Any) -> dict[str, Any]:
    return {"scps": (a_level(), a_level(*statements))}


VERDICTS = [
    enforce("apps are denied, a passkey will do", beginner(NO_APPS), "enrol", "no-mfa", "passkey-way"),
    enforce(
        "so it is under an SCP, which the reason names",
        a_person(mfa=None),
        "enrol",
        "no-mfa",
        "passkey-way",
        detail="only a passkey or security key: iam:CreateVirtualMFADevice is denied by statement 1 in SCP Guardrails",
        account=scp(NO_APPS),
    ),
    enforce(
        "a condition may say so too",
        beginner(KEYS_ONLY_BY_CONDITION),
        "enrol",
        "no-mfa",
        "passkey-way",
        detail="iam:EnableMFADevice is denied",
    ),
    enforce(
        "where passkeys are denied, an app is the usual way",
        beginner(NO_KEYS),
        "enrol",
        "no-mfa",
    ),
    hold(
        "without a password nobody gets to the console, where passkeys are registered",
        beginner(NO_APPS, password=False, keys=1),
        "machine",
        "cannot-enrol",
        detail="a passkey is registered on the console, and there is no password for it",
    ),
    hold(
        "neither way is open",
        beginner(NO_APPS, NO_KEYS),
        "cannot-enrol",
        detail="iam:CreateVirtualMFADevice is denied",
    ),
    hold(
        "which security key somebody will use is not known, so neither whether it may be registered",
        beginner(NO_APPS, CERTIFIED),
        "unknown",
        detail="depends on iam:FIDO-certification",
    ),
    enforce(
        "unless the operator says that the keys that are handed out are certified",
        beginner(NO_APPS, CERTIFIED),
        "enrol",
        "no-mfa",
        "passkey-way",
        rules={"context": {"iam:FIDO-certification": "L2"}},
    ),
    enforce(
        "the enrolment policy helps those who need it, whatever the way",
        a_person(mfa=None, inline=(inline("X", NO_APPS),)),
        "enrol",
        "no-mfa",
        "passkey-way",
        "enrolment-policy",
    ),
    enforce(
        "codes by SMS are no device",
        a_person(mfa="sms"),
        "enrol",
        "no-mfa",
        detail="SMS, which AWS no longer supports",
    ),
]


@pytest.mark.parametrize("row", VERDICTS, ids=lambda row: row.says)
def test_one_open_way_is_enough_to_be_enforced(row: Row):
    check(row)


def bounded(*statements: Any) -> dict[str, Any]:
    return {"policies": (a_managed("Boundary", allow("*"), *statements),)}


@pytest.mark.parametrize(
    ("user", "ways"),
    [
        (beginner(), (APP, PASSKEY)),
        (beginner(NO_APPS), (PASSKEY,)),
        (beginner(NO_KEYS), (APP,)),
        (beginner(CERTIFIED), (APP,)),
        (a_person(mfa="passkey", keys=1), (APP, PASSKEY)),
        (a_person(mfa="passkey", keys=1, inline=(inline("X", NO_APPS),)), (PASSKEY,)),
        (a_person(), ()),
        (a_person(keys=1), ()),
    ],
    ids=range(8),
)
def test_the_ways_are_told_to_those_who_need_one(user: User, ways: tuple[EnrolmentWay, ...]):
    assert ways == judged(user).situation.ways


def test_users_with_the_same_policies_share_answers_and_not_the_password():
    with_password, without = beginner(NO_APPS), beginner(NO_APPS, name="bob", password=False, keys=1)
    assert (Kind.ENFORCE, Kind.HOLD) == (judged(with_password).kind, judged(without).kind)


@pytest.mark.parametrize(
    ("user", "account", "may"),
    [
        (a_person(keys=1), {}, False),
        (a_person(keys=1, inline=(inline("Login", LOGIN),)), {}, True),
        (a_person(keys=1, inline=(NamedPolicy("Admin", EVERYTHING),)), {}, True),
        (a_person(keys=1, inline=(inline("Half", allow("signin:AuthorizeOAuth2Access")),)), {}, False),
        (a_person(keys=1, inline=(inline("Login", LOGIN), inline("No", deny("signin:*")))), {}, False),
        (
            a_person(
                keys=1,
                inline=(
                    inline(
                        "WithMfa", allow("signin:*", when={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
                    ),
                ),
            ),
            {},
            True,
        ),
        (
            a_person(
                keys=1,
                inline=(
                    inline("Office", allow("signin:*", when={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})),
                ),
            ),
            {},
            False,
        ),
        (a_person(keys=1, inline=(inline("Login", LOGIN),)), scp(deny("signin:*")), False),
        (a_person(mfa="totp", password=False, keys=1, inline=(inline("Login", LOGIN),)), {}, False),
    ],
    ids=[
        "no rights",
        "the managed policy's rights",
        "everything",
        "one action of two",
        "a Deny",
        "allowed with MFA, which they will have",
        "it turns on where one is",
        "an SCP denies it",
        "no password to sign in with",
    ],
)
def test_aws_login_is_promised_to_those_whose_rights_allow_it(user: User, account: dict[str, Any], may: bool):
    verdict = judged(user, **account)
    assert (Kind.ENFORCE, may) == (verdict.kind, verdict.situation.aws_login)
    assert may == ("`aws login`" in verdict.forecast)


def test_keys_of_somebody_who_may_register_only_a_passkey_stop_working_for_good():
    said = judged(beginner(NO_APPS, keys=1)).forecast
    assert said.endswith("denied, even with MFA: a passkey gives no codes")
    said = judged(beginner(NO_APPS, LOGIN, keys=1)).forecast
    assert said.endswith("a passkey gives no codes; instead of the keys, `aws login` is used")


def aged(changed: float, used: float | None, mfa: str | None = None) -> User:
    last_used = None if used is None else days_ago(used)
    return a_person(mfa=mfa, password=Password(last_used, days_ago(changed), reset_required=False))


@pytest.mark.parametrize(
    ("user", "hard", "told"),
    [
        (aged(changed=340, used=60), False, True),
        (aged(changed=340, used=3), False, False),
        (aged(changed=340, used=None), False, True),
        (aged(changed=340, used=60, mfa="totp"), False, False),
        (aged(changed=340, used=60, mfa="totp"), True, True),
    ],
    ids=[
        "expires in 25 days, signs in every 60",
        "signs in every 3",
        "never signed in",
        "changes it after signing in with MFA",
        "only an administrator could",
    ],
)
def test_a_password_that_would_be_found_expired_is_told(user: User, hard: bool, told: bool):
    verdict = judged(user, password_policy=PasswordPolicy(365, hard_expiry=hard))
    expected = NOW + timedelta(days=25) if told else None
    assert (Kind.ENFORCE, expected) == (verdict.kind, verdict.situation.password_expires)


def test_the_situation_has_what_commands_need():
    person = a_person(mfa=["totp", "passkey"], keys=1, services=())
    (serial,) = judged(person).situation.serials
    assert serial.startswith(f"arn:aws:iam::{ACCOUNT}:mfa/")
    assert Impact.CLI == judged(person).impact
    owner = the_rules(enforce_machines=())
    assert not judged(replace(person, ssh_keys=1), rules=owner).situation.machine
