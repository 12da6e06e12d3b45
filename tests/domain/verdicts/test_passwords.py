"""A password that has to be changed first cannot be changed under ForceMFA (aws-facts.md#caveats)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.observations import PasswordPolicy
from rollout.domain.people.users import Password
from rollout.domain.verdicts.passwords import first_use_doubtful, password_obstacle
from tests.builders import NOW, a_user, days_ago

LEAD = timedelta(days=14)
moments = st.one_of(st.none(), st.integers(-30, 400).map(days_ago))
passwords = st.builds(Password, moments, moments, moments, st.sampled_from([None, False, True]))
policies = st.one_of(
    st.none(),
    st.builds(PasswordPolicy, st.one_of(st.none(), st.integers(1, 400)), st.booleans(), st.booleans()),
)


def someone(password: Password, mfa: str | None = None):
    return a_user(password=password, mfa=mfa)


@given(passwords, policies)
def test_a_reset_that_is_required_is_a_trap_whatever_else_is_known(
    password: Password, policy: PasswordPolicy | None
):
    required = replace(password, reset_required=True)
    assert "must be set at the next sign-in" in password_obstacle(someone(required), policy, NOW, LEAD)
    assert "must be set at the next sign-in" in password_obstacle(
        someone(required, "totp"), policy, NOW, LEAD
    )


@given(passwords, policies)
def test_an_expiry_traps_nobody_who_has_a_device(password: Password, policy: PasswordPolicy | None):
    kept = replace(password, reset_required=False)
    assert "" == password_obstacle(someone(kept, "totp"), policy, NOW, LEAD)


@given(passwords, policies, st.integers(0, 60))
def test_more_lead_time_never_frees_anybody(password: Password, policy: PasswordPolicy | None, more: int):
    now = password_obstacle(someone(password), policy, NOW, LEAD)
    later = password_obstacle(someone(password), policy, NOW, LEAD + timedelta(days=more))
    assert not now or later


@given(passwords, st.integers(1, 400))
def test_the_report_s_own_date_is_believed_before_the_account_s_policy(password: Password, days: int):
    dated = replace(password, next_rotation=days_ago(-100), reset_required=False)
    assert "" == password_obstacle(someone(dated), PasswordPolicy(days), NOW, LEAD)


def test_the_account_s_policy_speaks_where_the_report_is_silent():
    set_80_days_ago = someone(Password(days_ago(1), days_ago(80), None, False))
    assert "before an MFA device is required" in password_obstacle(
        set_80_days_ago, PasswordPolicy(90), NOW, LEAD
    )
    assert "" == password_obstacle(set_80_days_ago, PasswordPolicy(95), NOW, LEAD)
    assert "" == password_obstacle(set_80_days_ago, None, NOW, LEAD)
    assert "expired on 2026-11-14" in password_obstacle(set_80_days_ago, PasswordPolicy(70), NOW, LEAD)


def test_no_password_is_no_trap_and_no_doubt():
    nobody = a_user(password=False, mfa=None)
    assert "" == password_obstacle(nobody, PasswordPolicy(1, hard_expiry=True), NOW, LEAD)
    assert not first_use_doubtful(nobody)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("used", "changed", "doubtful"),
    [
        (NOW, NOW - DAY, False),
        (NOW - DAY, NOW, True),
        (NOW, NOW, True),
        (None, NOW, True),
        (NOW, None, True),
        (None, None, True),
    ],
)
def test_a_first_sign_in_is_in_doubt_unless_the_password_was_used_after_it_was_set(
    used: datetime | None, changed: datetime | None, doubtful: bool
):
    assert doubtful == first_use_doubtful(someone(Password(used, changed)))


@given(passwords)
def test_get_login_profile_settles_every_doubt(password: Password):
    for answer in (True, False):
        assert not first_use_doubtful(someone(replace(password, reset_required=answer)))
