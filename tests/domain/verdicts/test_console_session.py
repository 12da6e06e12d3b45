"""Console authorization: who may lose the session itself, for AWS Sign-In weighs ForceMFA there too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.people.sign_in import ConsoleAuthorization, Weighing
from rollout.domain.people.users import AccessKey, MfaDevice
from rollout.domain.plan.findings import about_account
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.verdict import Code, Kind
from tests.builders import NOW
from tests.domain.judging import DENY_WITHOUT_MFA, a_document, a_person, around, inline, judged, the_rules

LONG_AGO = NOW - timedelta(days=400)

ON = ConsoleAuthorization(Weighing.ON, "account 111122223333", ("resource control policy Perimeter",))
OFF = ConsoleAuthorization(Weighing.OFF, "never turned on for account 111122223333")
UNREAD = ConsoleAuthorization(Weighing.UNREAD, "GetConsoleAuthorizationConfiguration: AccessDenied")
MISSING = ConsoleAuthorization(Weighing.NOT_OFFERED, "not offered by this endpoint")

KEY = AccessKey(1, active=True, created=LONG_AGO, last_used=NOW)
PASSKEY = MfaDevice("arn:aws:iam::111122223333:u2f/user/alice/key-1")
NO_DEVICE: dict[str, Any] = {"devices": (), "mfa_active": False}
COVERED = {"inline": (inline("TheirMfa", DENY_WITHOUT_MFA),)}


@pytest.mark.parametrize(
    ("facts", "kind", "held"),
    [
        (NO_DEVICE, Kind.HOLD, "no session in which to enrol"),
        (NO_DEVICE | {"keys": (KEY,)}, Kind.HOLD, "no session in which to enrol"),
        ({}, Kind.HOLD, "whether AWS counts the MFA of the sign-in there is not documented"),
        ({"devices": (PASSKEY,)}, Kind.HOLD, "whether AWS counts the MFA"),
        ({"password": None, "keys": (KEY,)}, Kind.ENFORCE, ""),
        (NO_DEVICE | COVERED, Kind.COVERED, ""),
    ],
    ids=["no device", "no device and a key", "device", "passkey", "no password", "covered"],
)
def test_whoever_signs_in_with_a_password_is_held_where_it_is_on(facts, kind, held):
    verdict = judged(a_person(**facts), sign_in=ON)
    found = [reason for reason in verdict.reasons if reason.code is Code.CONSOLE_AUTHORIZATION]
    assert (kind, bool(held)) == (verdict.kind, bool(found))
    if held:
        (reason,) = found
        assert held in reason.detail
        assert "signin:AuthorizeOAuth2Access is denied by DenyAllExceptListedIfNoMFA" in reason.detail
        assert NOW == reason.seen_at
        assert {"session"} <= {row.question for row in verdict.matrix}


@pytest.mark.parametrize("sign_in", [OFF, MISSING, None])
@pytest.mark.parametrize("facts", [{}, NO_DEVICE])
def test_nobody_is_held_where_it_is_off_or_does_not_exist(sign_in, facts):
    assert Kind.ENFORCE is judged(a_person(**facts), sign_in=sign_in).kind


def test_what_could_not_be_read_holds_whoever_has_a_password_and_nobody_else():
    verdict = judged(a_person(), sign_in=UNREAD)
    assert (Code.UNKNOWN,) == verdict.codes
    assert "AccessDenied" in verdict.reasons[0].detail
    assert Kind.ENFORCE is judged(a_person(password=None, keys=(KEY,)), sign_in=UNREAD).kind


@pytest.mark.parametrize("sign_in", [ON, UNREAD])
def test_the_owners_word_ends_the_hold(sign_in):
    verdict = judged(a_person(**NO_DEVICE), sign_in=sign_in, rules=the_rules(sign_in_proved=True))
    assert Kind.ENFORCE is verdict.kind


def test_a_policy_that_leaves_the_sign_in_open_holds_nobody():
    """The hold follows from the document, not from its name: one day it may except these two actions."""
    rules = the_rules()
    full = a_document(
        *(
            {**one, "NotAction": [*one["NotAction"], "signin:*"]} if "NotAction" in one else one
            for one in rules.documents.full["Statement"]
        )
    )
    documents = type(rules.documents)(full, rules.documents.brake, rules.documents.enrolment)
    assert Kind.ENFORCE is judged(a_person(), sign_in=ON, rules=the_rules(documents=documents)).kind


@pytest.mark.parametrize(
    ("sign_in", "code", "said"),
    [
        (ON, "console-authorization", "resource control policy Perimeter"),
        (UNREAD, "console-authorization", "people with a password are held as unknown"),
        (MISSING, "not-offered", "the verdicts do not consider it"),
        (OFF, "", ""),
    ],
)
def test_it_is_a_finding_wherever_it_is_not_known_to_be_off(sign_in, code, said):
    account = around(a_person(), sign_in=sign_in)
    verdicts = {user.id: judge(user, account) for user in account.facts.users}
    found = {finding.code: finding.text for finding in about_account(account, verdicts)}
    assert ({code} if code else set()) == found.keys()
    assert said in found.get(code, "")
