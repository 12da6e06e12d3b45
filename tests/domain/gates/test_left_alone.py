"""Who was left alone on purpose is to hear of it anew, whatever becomes of the line that spared them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rollout.domain.gates.left_alone import Witness, left_alone_until
from rollout.domain.people.exemptions import UserMatch
from rollout.domain.people.observations import AccountView, NotEntered, Unreachable
from rollout.domain.people.organization import AccountState
from rollout.domain.policy.changes import RemoveMember
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import LeftAlone, Record
from rollout.domain.verdicts.rules import DecisionRules
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    ORGANIZATION,
    a_change,
    a_passed,
    a_progress,
    a_ref,
    a_run,
    a_told,
    a_user,
    an_account,
    an_exemption,
    an_inventory,
    an_observed,
    days_ago,
)
from tests.domain.judging import the_rules

USER = a_user("alice")
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
TOLD = a_told("alice", at=days_ago(9))


# --- Until when? ---


def test_who_was_never_let_out_was_never_free():
    assert None is left_alone_until(USER, (), a_progress(), NOW)


def test_an_exemption_frees_until_the_day_after_its_last():
    lines = (
        an_exemption(USER.arn, days=-3),
        an_exemption(USER.id, days=-9),
        an_exemption("AIDAOTHER", days=-1),
    )
    assert MIDNIGHT == left_alone_until(USER, lines, a_progress(), NOW)


def test_a_living_exemption_has_not_ended():
    assert None is left_alone_until(USER, (an_exemption(USER.arn, days=0),), a_progress(), NOW)


@pytest.mark.parametrize("code", ["exempt", "excluded"])
def test_who_was_seen_exempt_or_excluded_or_taken_out_was_free_then(code: str):
    seen = a_progress(a_run(), a_passed("alice", code, at=days_ago(5)))
    assert days_ago(5) == left_alone_until(USER, (), seen, NOW)
    out = a_progress(a_run(), *a_change(RemoveMember(ACCOUNT, GROUP, a_ref("alice")), at=days_ago(2)))
    assert days_ago(2) == left_alone_until(USER, (), out, NOW)


def test_the_last_of_all_these_counts():
    seen = a_progress(a_run(), a_passed("alice", "exempt", at=days_ago(5)))
    assert MIDNIGHT == left_alone_until(USER, (an_exemption(USER.arn, days=-3),), seen, NOW)
    assert days_ago(5) == left_alone_until(USER, (an_exemption(USER.arn, days=-30),), seen, NOW)


# --- What the journal is to keep ---


def found(rules: DecisionRules, *records: Record) -> list[LeftAlone]:
    witness = Witness(rules, progress(*records), "look", ORGANIZATION, NOW)
    return list(witness.saw((USER, a_user("bob"))))


def progress(*records: Record) -> Progress:
    return a_progress(a_run(at=days_ago(60)), *records)


LIVING = the_rules(exemptions=(an_exemption(USER.arn, days=9),))
OVER = the_rules(exemptions=(an_exemption(USER.arn, days=-3),))


def test_a_living_exemption_is_kept_as_of_now_lest_its_end_void_what_is_told_after_it_was_deleted():
    (one,) = found(LIVING, TOLD)
    assert (USER.ref, NOW, ORGANIZATION) == (one.user, one.until, one.organization_id)
    assert "until role-based backup ships" in one.why


def test_an_exemption_that_is_over_is_kept_as_of_its_end():
    (one,) = found(OVER, TOLD)
    assert MIDNIGHT == one.until


def test_an_emergency_user_is_left_alone_too():
    (one,) = found(the_rules(break_glass=(UserMatch(USER.arn),)), TOLD)
    assert (NOW, "rules.break_glass") == (one.until, one.why)


def test_nothing_is_kept_of_who_was_not_told():
    assert [] == found(LIVING)
    assert [] == found(LIVING, a_told("bob"))


def test_nothing_is_kept_where_the_notice_came_later():
    assert [] == found(OVER, a_told("alice", at=days_ago(1)))


def test_it_is_kept_once_for_each_notice():
    (one,) = found(LIVING, TOLD)
    day, hour = timedelta(days=1), timedelta(hours=1)
    earlier = replace(one, at=one.at - day, until=one.until - day)
    assert [] == found(LIVING, TOLD, earlier)
    assert [] == found(LIVING, earlier, TOLD)
    assert [one] == found(LIVING, TOLD, earlier, a_told("alice", at=NOW - hour))


def test_what_is_kept_counts():
    (one,) = found(LIVING, TOLD)
    assert NOW == left_alone_until(USER, (), progress(TOLD, one), NOW)


def test_an_older_end_takes_nothing_back():
    (one,), (over,) = found(LIVING, TOLD), found(OVER, TOLD)
    assert NOW == left_alone_until(USER, (), progress(TOLD, one, over), NOW)


@pytest.mark.parametrize(
    ("view", "kept"),
    [
        (NotEntered(an_account(), 'excluded by OU "Suspended"'), True),
        (NotEntered(an_account(), "not selected by --account / --ou", asked_for=False), False),
        (NotEntered(an_account(state=AccountState.CLOSED), "closed"), False),
        (NotEntered(an_account("999999999999"), "excluded"), False),
        (Unreachable(an_account(), "no role lets us in"), False),
        (an_observed(USER), False),
    ],
    ids=["excluded", "not selected", "closed", "another", "unreachable", "entered"],
)
def test_who_was_told_in_an_account_that_is_excluded_now(view: AccountView, kept: bool):
    witness = Witness(the_rules(), progress(TOLD), "look", ORGANIZATION, NOW)
    seen = witness.saw_all(an_inventory(view))
    assert ([USER.ref] if kept else []) == [one.user for one in seen]
