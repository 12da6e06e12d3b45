"""The amendment `first_password_change` opens the trap of a password that must be changed first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rollout.domain.people.observations import PasswordPolicy
from rollout.domain.people.users import Password
from rollout.domain.policy.force_mfa import PolicyAmendments
from rollout.domain.verdicts.verdict import Code, Kind
from tests.builders import NOW
from tests.domain.judging import a_person, judged, the_documents, the_rules

FIRST = Password(last_changed=NOW - timedelta(days=1), reset_required=True)
EXPIRED = Password(
    NOW - timedelta(days=3), NOW - timedelta(days=100), NOW - timedelta(days=2), reset_required=False
)
OPENED = the_rules(documents=the_documents(PolicyAmendments(first_password_change=True)))


def someone(password):
    return replace(a_person(mfa=None), password=password)


@pytest.mark.parametrize("password", [FIRST, EXPIRED], ids=["first", "expired"])
def test_without_the_amendment_the_password_holds_the_user_back(password):
    assert Code.FIRST_SIGN_IN in judged(someone(password)).codes


@pytest.mark.parametrize("password", [FIRST, EXPIRED], ids=["first", "expired"])
def test_with_the_amendment_the_user_may_go_on(password):
    verdict = judged(someone(password), rules=OPENED)
    assert Kind.ENFORCE is verdict.kind, verdict.reasons


def test_a_password_that_expires_for_good_is_no_user_s_to_change():
    policy = PasswordPolicy(90, hard_expiry=True)
    assert Code.FIRST_SIGN_IN in judged(someone(EXPIRED), rules=OPENED, password_policy=policy).codes
