"""What speaks for a machine, said with its age; keys in use; how a key is named without giving it away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.verdicts.machines import ago, keys_in_use, machine_evidence, say_key
from rollout.domain.verdicts.rules import MachineRules
from tests.builders import NOW, a_key, a_user, days_ago
from tests.domain.judging import the_rules

RULES = the_rules()


def test_a_person_gives_no_evidence():
    assert () == machine_evidence(a_user(keys=2), RULES, NOW)


def test_inactive_keys_make_no_machine():
    assert () == machine_evidence(a_user(password=False, mfa=None, keys=(a_key(active=False),)), RULES, NOW)


def test_the_evidence_names_every_active_key():
    robot = a_user(password=False, mfa=None, keys=(a_key(1, used_days_ago=0), a_key(2, used_days_ago=1)))
    expected = "no console password, and key 1 used today for s3 in N/A, key 2 used yesterday for s3 in N/A"
    assert (expected,) == machine_evidence(robot, RULES, NOW)


def test_a_service_is_told_in_any_case():
    user = a_user(mfa=None, signed_in_days_ago=91, keys=(a_key(used_days_ago=91, service="SES"),))
    assert ("key 1 last used for SES",) == machine_evidence(user, RULES, NOW)


@pytest.mark.parametrize("text", ["kind=robot", "kind=", "kind=a=b"])
def test_a_tag_rule_is_a_key_and_a_value(text: str):
    rules = the_rules(machines=MachineRules(tags=(text,)))
    key, _, value = text.partition("=")
    assert (f"tag {text}",) == machine_evidence(a_user(tags={key: value}), rules, NOW)
    assert () == machine_evidence(a_user(tags={key: value + "x"}), rules, NOW)
    assert () == machine_evidence(a_user(), rules, NOW)


@given(st.integers(0, 400), st.integers(1, 200))
def test_a_key_is_in_use_for_so_many_days_after_its_last_use(used: int, days: int):
    user = a_user(keys=(a_key(used_days_ago=used),))
    assert (used <= days) == bool(keys_in_use(user, the_rules(keys_in_use_days=days), NOW))


@given(st.one_of(st.none(), st.integers(-5, 400)), st.one_of(st.none(), st.integers(-5, 400)))
def test_a_key_counts_from_the_later_of_creation_and_last_use_and_always_where_neither_is_known(
    created: int | None, used: int | None
):
    key = replace(
        a_key(),
        created=None if created is None else days_ago(created),
        last_used=None if used is None else days_ago(used),
    )
    known = [days for days in (created, used) if days is not None]
    assert (min(known, default=0) <= 90) == key.in_use(NOW, 90)
    assert not replace(key, active=False).in_use(NOW, 90)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (a_key(used_days_ago=2), "key 1 used 2 days ago for s3 in N/A"),
        (replace(a_key(2, used_days_ago=2), region="eu-west-1"), "key 2 used 2 days ago for s3 in eu-west-1"),
        (replace(a_key(used_days_ago=0), service=None, region=None), "key 1 used today"),
        (a_key(created_days_ago=1), "key 1 never used since its creation yesterday"),
        (replace(a_key(), created=None), "key 1 never used"),
        (
            replace(a_key(used_days_ago=2, service="s3"), id="AKIAIOSFODNN7EXAMP3F", region="eu-west-1"),
            "key AKIA…3F used 2 days ago for s3 in eu-west-1",
        ),
    ],
    ids=range(6),
)
def test_a_key_is_said_with_its_age_and_without_its_id(key, said: str):
    assert said == say_key(key, NOW)


@pytest.mark.parametrize(
    ("hours", "said"),
    [(-5, "today"), (0, "today"), (23, "today"), (24, "yesterday"), (47, "yesterday"), (48, "2 days ago")],
)
def test_ages_are_told_in_whole_days(hours: int, said: str):
    assert said == ago(NOW - timedelta(hours=hours), NOW)
