"""Gates that ask how far people have come; who could not be seen makes them unsure, never sure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.gates import GateAnswer, Members, Result
from rollout.domain.gates.cli_moved import CLI_MOVED
from rollout.domain.gates.enrolment import ENROLMENT
from rollout.domain.progress.projection import Progress
from tests.builders import (
    a_key,
    a_progress,
    a_run,
    a_told,
    a_user,
    an_activity,
    calls_at,
    days_ago,
)
from tests.domain.gates.asked import ask


def enrolment(members: Members, percent: float) -> GateAnswer:
    return ask(ENROLMENT, percent, members=members)


def cli_moved(members: Members, progress: Progress, percent: float) -> GateAnswer:
    return ask(CLI_MOVED, percent, progress, members=members)


def people(enrolled: int, not_enrolled: int, unseen: int = 0) -> Members:
    having = [a_user(f"with-{number}") for number in range(enrolled)]
    lacking = [a_user(f"without-{number}", mfa=None) for number in range(not_enrolled)]
    return Members((*having, *lacking), unseen)


@pytest.mark.parametrize(
    ("members", "percent", "result"),
    [
        (people(9, 1), 90, Result.PASS),
        (people(9, 1), 91, Result.FAIL),
        (people(0, 0), 100, Result.PASS),
        (people(0, 5), 0, Result.PASS),
        (people(9, 0, 1), 90, Result.PASS),
        (people(9, 0, 1), 100, Result.INCONCLUSIVE),
        (people(8, 1, 1), 100, Result.FAIL),
        (people(0, 0, 3), 50, Result.INCONCLUSIVE),
    ],
)
def test_enrolment(members: Members, percent: float, result: Result):
    assert result == enrolment(members, percent).result


def test_enrolment_tells_its_numbers():
    assert "9 of 10 users have a device, 95 % needed" == enrolment(people(9, 1), 95).detail
    assert enrolment(people(9, 0, 1), 100).detail.endswith("1 could not be looked at")


def test_who_has_no_credentials_needs_no_device():
    nobody = a_user(password=False, mfa=None, keys=(a_key(active=False),))
    assert Result.PASS == enrolment(Members((nobody, a_user())), 100).result
    robot = a_user(password=False, mfa=None, keys=1)
    assert Result.FAIL == enrolment(Members((robot,)), 100).result


def test_listed_devices_are_believed_before_the_flag():
    gone = replace(a_user(), mfa_active=True, devices=())
    assert Result.FAIL == enrolment(Members((gone,)), 100).result


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 100))
def test_however_the_unseen_turn_out_a_sure_answer_stays(
    enrolled: int, lacking: int, unseen: int, percent: int
):
    answer = enrolment(people(enrolled, lacking, unseen), percent).result
    best = enrolment(people(enrolled + unseen, lacking), percent).result
    worst = enrolment(people(enrolled, lacking + unseen), percent).result
    assert answer == (best if best == worst else Result.INCONCLUSIVE)


def told(impact: str = "cli", at: float = 10, delivery: str = "delivered"):
    notice = a_told("alice", at=days_ago(at), impact=impact, delivery=delivery)
    return a_progress(a_run(at=days_ago(30)), notice)


def moved(user, progress, percent: float = 100) -> Result:
    return cli_moved(Members((user,)), progress, percent).result


@pytest.mark.parametrize(
    ("says", "used", "service", "result"),
    [
        ("used for s3 since", 5, "s3", Result.FAIL),
        ("used for nothing since", 11, "s3", Result.PASS),
        ("used for STS since, with MFA or without", 5, "sts", Result.INCONCLUSIVE),
        ("used for STS before it was to be quiet", 8, "sts", Result.PASS),
        ("used for s3 before it was to be quiet", 8, "s3", Result.PASS),
        ("used, nobody knows for what", 5, None, Result.FAIL),
        ("never used", None, None, Result.PASS),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_a_key_has_moved_when_nothing_was_called_with_it_for_a_week(says, used, service, result):
    """IAM names the latest service only; a call of STS may be a plain AssumeRole, which the policy denies."""
    user = a_user(keys=(a_key(used_days_ago=used, service=service),))
    assert result == moved(user, told())


SESSIONS = calls_at(8, operation="sts:GetSessionToken", with_mfa=True)
PLAIN_ROLES = calls_at(8, operation="sts:AssumeRole")
PLAIN_SESSIONS = calls_at(8, operation="sts:GetSessionToken")
WITH_CODE = calls_at(8, operation="sts:AssumeRole", with_mfa=True)
ENDED = calls_at(8, until=days_ago(8))


@pytest.mark.parametrize(
    ("says", "activity", "result"),
    [
        ("sessions with MFA", an_activity(*SESSIONS), Result.PASS),
        ("roles with MFA", an_activity(*WITH_CODE), Result.PASS),
        ("roles without MFA", an_activity(*PLAIN_ROLES), Result.FAIL),
        ("sessions without MFA", an_activity(*PLAIN_SESSIONS), Result.FAIL),
        ("one call among the sessions", an_activity(*SESSIONS, *calls_at(9, days=1)), Result.FAIL),
        ("calls that ended eight days ago", an_activity(*SESSIONS, *ENDED), Result.PASS),
        ("not all of the week was looked at", an_activity(*SESSIONS, since=6), Result.INCONCLUSIVE),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_the_calls_themselves_tell_whether_a_key_has_moved(says, activity, result):
    user = a_user(keys=(a_key(used_days_ago=1, service="sts"),), activity=(activity,))
    assert result == moved(user, told())


def test_who_waits_longer_sees_more_and_each_key_has_to_be_looked_at():
    ended = a_user(keys=(a_key(used_days_ago=1, service="sts"),), activity=(an_activity(*SESSIONS, *ENDED),))
    month = ask(CLI_MOVED, 100, told(), members=Members((ended,)), quiet_for=timedelta(days=30))
    assert Result.FAIL == month.result
    keys = (a_key(1, used_days_ago=1, service="sts"), a_key(2, used_days_ago=1, service="sts"))
    half = a_user(keys=keys, activity=(an_activity(*SESSIONS),))
    answer = cli_moved(Members((half,)), told(), 100)
    assert Result.INCONCLUSIVE == answer.result
    assert "1 called STS, and whether with MFA is not known (evidence.cloudtrail: lookup" in answer.detail


def test_a_use_long_after_the_calls_were_looked_at_leaves_the_key_in_doubt():
    """A file of last week does not tell whether this week's call of STS was with MFA; one of this morning does."""
    user = a_user(keys=(a_key(used_days_ago=1, service="sts"),))
    old, new = (replace(an_activity(*SESSIONS), read_at=days_ago(age)) for age in (3, 1.5))
    assert Result.INCONCLUSIVE == moved(replace(user, activity=(old,)), told())
    assert Result.PASS == moved(replace(user, activity=(new,)), told())


def test_data_events_are_no_part_of_the_calls_and_count_all_the_same():
    """CloudTrail's history lacks them; IAM's date of the last use does not."""
    user = a_user(keys=(a_key(used_days_ago=1, service="s3"),), activity=(an_activity(*SESSIONS),))
    assert Result.FAIL == moved(user, told())


def test_one_key_still_in_use_is_enough():
    user = a_user(keys=(a_key(1, used_days_ago=5, service="sts"), a_key(2, used_days_ago=5)))
    assert Result.FAIL == moved(user, told())


def test_who_was_not_told_of_keys_or_has_none_does_not_count():
    user = a_user(keys=1)
    assert Result.PASS == moved(user, a_progress())
    assert Result.PASS == moved(user, told("none"))
    assert Result.PASS == moved(user, told(delivery="queued"))
    assert Result.PASS == moved(a_user(), told())


def test_the_unseen_may_have_moved_or_not():
    assert Result.INCONCLUSIVE == cli_moved(Members((), 2), a_progress(), 50).result
    still = a_user(keys=1)
    assert Result.FAIL == cli_moved(Members((still,), 1), told(), 60).result
