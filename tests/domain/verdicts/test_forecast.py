"""One sentence a person understands: what changes at the console, and for each key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.domain.people.users import User
from rollout.domain.verdicts.forecast import forecast
from rollout.domain.verdicts.impact import impact_of
from rollout.domain.verdicts.verdict import EnrolmentWay, Situation
from tests.builders import NOW, a_key, a_user

KEY = replace(a_key(used_days_ago=2), id="AKIAIOSFODNN7EXAMP3F", region="eu-west-1")
SENTENCES = [
    (a_user(), "console: sign in with MFA as today"),
    (
        a_user(keys=(KEY,)),
        (
            "console: sign in with MFA as today; CLI: key AKIA…3F used 2 days ago for s3 in eu-west-1: "
            "denied until `aws configure mfa-login` is used"
        ),
    ),
    (
        a_user(mfa="passkey", keys=(KEY,)),
        (
            "console: sign in with MFA as today; CLI: key AKIA…3F used 2 days ago for s3 in eu-west-1: "
            "denied until a TOTP device is added (a passkey gives no codes)"
        ),
    ),
    (
        a_user(mfa="passkey", password=False, keys=(KEY,)),
        (
            "no console access; CLI: key AKIA…3F used 2 days ago for s3 in eu-west-1: "
            "denied until a TOTP device is added (a passkey gives no codes)"
        ),
    ),
    (
        a_user(mfa=None),
        "console: until a device is enrolled, only enrolling one works; after that, sign out and in again",
    ),
    (
        a_user(mfa=None, keys=(KEY,)),
        (
            "console: until a device is enrolled, only enrolling one works; after that, sign out and in again; "
            "CLI: key AKIA…3F used 2 days ago for s3 in eu-west-1: "
            "denied until a device is enrolled and `aws configure mfa-login` is used"
        ),
    ),
    (
        a_user(keys=1, used_days_ago=200),
        (
            "console: sign in with MFA as today; CLI: key 1 used 200 days ago for s3 in N/A: "
            "denied until `aws configure mfa-login` is used"
        ),
    ),
    (a_user(password=False, mfa=None), "no credentials: nothing changes"),
    (
        a_user(password=False, mfa=None, services=["codecommit", "bedrock"]),
        "no console access; credentials for codecommit, bedrock: denied, because they cannot carry MFA",
    ),
    (
        a_user(services=["codecommit"]),
        "console: sign in with MFA as today; credentials for codecommit: denied, because they cannot carry MFA",
    ),
    (
        replace(a_user(), ssh_keys=1, certificates=1),
        (
            "console: sign in with MFA as today; credentials for CodeCommit over SSH, a signing certificate: "
            "denied, because they cannot carry MFA"
        ),
    ),
    (
        a_user(keys=(KEY, replace(KEY, slot=2, id=None))),
        (
            "console: sign in with MFA as today; CLI: key AKIA…3F used 2 days ago for s3 in eu-west-1; "
            "key 2 used 2 days ago for s3 in eu-west-1: denied until `aws configure mfa-login` is used"
        ),
    ),
]


@pytest.mark.parametrize(("user", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_a_forecast(user: User, sentence: str):
    assert sentence == forecast(user, impact_of(user), NOW, Situation(ways=tuple(EnrolmentWay)))


def test_aws_login_is_named_where_it_is_allowed():
    user = a_user(mfa="passkey", keys=(KEY,))
    said = forecast(user, impact_of(user), NOW, Situation(ways=(EnrolmentWay.APP,), aws_login=True))
    assert said.endswith("a TOTP device is added (a passkey gives no codes), or `aws login` is used")


@pytest.mark.parametrize(("user", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_no_forecast_gives_a_key_away(user: User, sentence: str):
    assert "IOSFODNN7" not in sentence
