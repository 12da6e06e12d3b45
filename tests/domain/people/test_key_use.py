"""A person or a machine, by the calls of the keys; and what that does to a verdict, today and tomorrow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.exemptions import UserMatch
from rollout.domain.people.key_activity import KeyActivity, RecordedCall
from rollout.domain.people.key_use import UsedBy, describe_use, key_use, span_of, use_of
from rollout.domain.people.users import User
from rollout.domain.verdicts.forecast import forecast
from rollout.domain.verdicts.verdict import Code, Impact, Kind, Situation
from tests.builders import NOW, OFFICE, a_key, a_user, an_activity, calls_at, days_ago
from tests.domain.judging import a_person, judged, the_rules

EC2: dict[str, Any] = {"address": "198.51.100.17", "agent": "Boto3 (EC2)"}
ALL_DAY = tuple(range(0, 24, 2))
BY_HAND = calls_at(7, 9, 14)
BY_MACHINE = calls_at(*ALL_DAY, **EC2)
RULES = the_rules(networks=(OFFICE,))


def by(activity: KeyActivity, *networks: str) -> UsedBy:
    return use_of(activity, networks or (OFFICE,)).by


@pytest.mark.parametrize(
    ("says", "calls", "used_by"),
    [
        ("aws-cli from the office in the day", BY_HAND, UsedBy.PERSON),
        ("an SDK from one address round the clock", BY_MACHINE, UsedBy.MACHINE),
        ("aws-cli from one address round the clock", calls_at(*ALL_DAY), UsedBy.MACHINE),
        ("an SDK from the office in the day", calls_at(7, 9, 14, agent="Boto3"), UsedBy.UNCLEAR),
        ("aws-cli from anywhere in the day", calls_at(7, 9, 14, address="192.0.2.9"), UsedBy.UNCLEAR),
        ("aws-cli on an instance in the day", calls_at(9, agent="aws-cli (Amazon Linux)"), UsedBy.UNCLEAR),
        (
            "a service on somebody's behalf",
            calls_at(9, address="cloudformation.amazonaws.com"),
            UsedBy.UNCLEAR,
        ),
        ("nine hours", calls_at(9, days=9), UsedBy.UNCLEAR),
        ("ten hours", calls_at(9, days=10), UsedBy.PERSON),
        ("one long day", calls_at(*range(7, 19), days=1), UsedBy.UNCLEAR),
        ("across midnight, far east of Greenwich", calls_at(22, 23, 0, 1, 4), UsedBy.PERSON),
        ("fourteen hours of the day", calls_at(6, 19), UsedBy.PERSON),
        ("fifteen hours of the day", calls_at(6, 13, 20), UsedBy.UNCLEAR),
        ("nothing but sessions with MFA", calls_at(3, days=1, with_mfa=True), UsedBy.PERSON),
        ("nothing at all", (), UsedBy.UNCLEAR),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_calls_tell_who_makes_them(says: str, calls: tuple[RecordedCall, ...], used_by: UsedBy):
    assert used_by == by(an_activity(*calls))


def test_round_the_clock_from_many_addresses_is_no_machine():
    """A person who travels, or a key that leaked: nothing is concluded."""
    calls = [replace(call, address=f"192.0.2.{number % 50}") for number, call in enumerate(BY_MACHINE)]
    assert UsedBy.UNCLEAR == by(an_activity(*calls))


def test_without_the_networks_of_the_organization_nobody_is_a_person():
    assert UsedBy.UNCLEAR == use_of(an_activity(*BY_HAND), ()).by
    assert UsedBy.PERSON == by(an_activity(*calls_at(8, address="2001:db8::7")), "2001:db8::/32")


def test_the_shortest_part_of_the_day_is_found_across_midnight():
    assert 3 == span_of(tuple(10 if hour in (23, 0, 1) else 0 for hour in range(24)))
    assert 1 == span_of(tuple(95 if hour == 8 else 5 if hour == 20 else 0 for hour in range(24)))


# --- What it does to a verdict ---


def a_script_user(*activity: KeyActivity, keys: int = 1, used: float = 1, **more: Any) -> User:
    """Somebody without a password and without a device: a machine, by what IAM says."""
    return a_person(
        password=False,
        mfa=None,
        keys=tuple(a_key(slot, used_days_ago=used) for slot in range(1, keys + 1)),
        activity=activity,
        **more,
    )


def test_a_machine_by_what_iam_says_is_a_person_by_its_calls():
    before, now = (
        judged(a_script_user(), rules=RULES),
        judged(a_script_user(an_activity(*BY_HAND)), rules=RULES),
    )
    assert (Kind.HOLD, Kind.ENFORCE) == (before.kind, now.kind)
    assert Impact.ENROL == now.impact
    reason = next(reason for reason in now.reasons if reason.code is Code.KEYS_OF_A_PERSON)
    assert "within 8 hours of the day from 203.0.113.24 by aws-cli" in reason.detail
    assert NOW == reason.seen_at


def test_a_person_by_what_iam_says_is_held_where_a_machine_uses_the_key():
    person = a_person(keys=1, activity=(an_activity(*BY_MACHINE),))
    verdict = judged(person, rules=RULES)
    assert (Kind.HOLD, (Code.MACHINE,)) == (verdict.kind, verdict.codes)
    assert "round the clock from 198.51.100.17 by Boto3 (EC2)" in verdict.reasons[0].detail
    owned = the_rules(networks=(OFFICE,), enforce_machines=(UserMatch(person.arn),))
    assert Code.OWNER_DECIDED in judged(person, rules=owned).codes


@pytest.mark.parametrize(
    ("says", "user"),
    [
        ("another key was not looked at", a_script_user(an_activity(*BY_HAND), keys=2)),
        (
            "another key is not clear",
            a_script_user(an_activity(*BY_HAND), an_activity(*calls_at(9, days=1)), keys=2),
        ),
        (
            "IAM has seen a use long after the newest call",
            a_script_user(an_activity(*calls_at(9, until=days_ago(9)))),
        ),
        ("a service credential", a_script_user(an_activity(*BY_HAND), services=("bedrock.amazonaws.com",))),
        ("nothing was seen", a_script_user(an_activity())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_machine_stays_one_where_the_calls_do_not_show_all(says: str, user: User):
    assert Code.MACHINE in judged(user, rules=RULES).codes


def test_another_key_that_is_not_used_changes_nothing():
    user = a_script_user(an_activity(*BY_HAND), an_activity(), keys=2)
    assert UsedBy.PERSON == key_use(user, (OFFICE,)).by


def test_the_forecast_says_what_would_have_been_denied_and_when():
    calls = (*BY_HAND, *calls_at(8, days=2, operation="s3:ListBuckets"))
    told = forecast(a_user(keys=1, activity=(an_activity(*calls),)), Impact.CLI, NOW, Situation())
    assert (
        "key AKIA…3F: 2 operations (ec2:DescribeInstances, s3:ListBuckets) would have been denied on 20 days since "
        "2026-11-04, last on 2026-11-23"
    ) in told


def test_what_was_seen_in_part_is_told_as_the_least():
    told = describe_use(an_activity(*BY_HAND, sampled=True))
    assert told.startswith("at least 60 calls without MFA; at least 1 operation (ec2:DescribeInstances)")
    assert "on at least 20 days" in told
    assert "no call that needs MFA without it since 2026-08-26" == describe_use(an_activity())


# --- No flapping ---

WHENEVER = st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 23, 23))  # noqa: DTZ001 - given their zone below
STRAY = st.builds(
    RecordedCall,
    WHENEVER.map(lambda moment: moment.replace(tzinfo=NOW.tzinfo)),
    st.sampled_from(["bedrock:InvokeModel", "s3:ListBuckets", "sts:AssumeRole"]),
    st.sampled_from(["198.51.100.99", "203.0.113.9"]),
    st.sampled_from(["Boto3", "Terraform", "aws-cli"]),
)


@given(STRAY, st.integers(10, 60))
def test_one_call_makes_no_machine_of_a_person_nor_the_reverse(stray: RecordedCall, days: int):
    """A call to Bedrock from somewhere else at night, say: the verdict stays."""
    person = calls_at(9, days=days)
    assert UsedBy.PERSON == by(an_activity(*person, stray))
    assert UsedBy.MACHINE == by(an_activity(*calls_at(*ALL_DAY, days=days, **EC2), stray))


@given(STRAY, st.sampled_from(["bedrock", "s3", "sts", "ses"]))
def test_one_call_by_a_persons_key_flips_no_verdict(stray: RecordedCall, service: str):
    plain = a_script_user(an_activity(*BY_HAND))
    key = replace(a_key(used_days_ago=0), service=service)
    after = replace(plain, keys=(key,), activity=(an_activity(*BY_HAND, stray),))
    assert judged(plain, rules=RULES).kind == judged(after, rules=RULES).kind == Kind.ENFORCE


@given(
    st.sampled_from([BY_HAND, BY_MACHINE, calls_at(9, agent="Boto3"), calls_at(3, with_mfa=True), ()]),
    st.booleans(),
    st.integers(0, 88),
    st.integers(1, 60),
)
def test_the_same_calls_give_the_same_answer_on_every_day(
    calls: tuple[RecordedCall, ...], person: bool, used: int, later: int
):
    """Who uses a key is a matter of its calls; only IAM's dates, and none that is crossed here, grow old."""
    user = a_person(keys=1, used_days_ago=used) if person else a_script_user(used=used)
    user = replace(user, activity=(an_activity(*calls),))
    until = min(later, 89 - used, 80)
    today = judged(user, rules=RULES, now=NOW)
    other = judged(user, rules=RULES, now=NOW + timedelta(days=until))
    assert (today.kind, today.codes) == (other.kind, other.codes)
