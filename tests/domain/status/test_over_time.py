"""What a look counts and remembers, who changed since, and the pace at which it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from rollout.domain.plan.entries import AccountPlan
from rollout.domain.progress.records import Record
from rollout.domain.status import over_time
from rollout.domain.status.over_time import GONE, KeptLook, Stands, StateChange, look_back, pace_of
from rollout.domain.status.user_status import Statuses
from tests.builders import (
    NOTIFIED,
    NOW,
    a_change,
    a_header,
    a_membership,
    a_progress,
    a_run,
    an_account_plan,
    an_entry,
    days_ago,
    the_facts,
)

LATER = NOW + timedelta(days=3)
KEY_USED = the_facts(key_last_used=days_ago(3), active_keys=1)


def looked(
    *parts: AccountPlan, records: tuple[Record, ...] = (), now: datetime = NOW, before: Stands | None = None
) -> tuple[KeptLook, Stands]:
    header = a_header(*parts)
    statuses = Statuses(header, a_progress(*records), NOTIFIED, now)
    return look_back("plan", header, parts, statuses, now, before or Stands())


def test_a_look_counts_users_by_ou_account_verdict_state_device_and_keys():
    part = an_account_plan(
        an_entry("alice", facts=KEY_USED),
        an_entry("bob", "covered", facts=KEY_USED),
        an_entry("ci", "hold", facts=the_facts(mfa_active=False, key_last_used=days_ago(40))),
        ou="Workloads",
    )
    enforced = (a_run(), *a_change(a_membership("alice"), at=NOW))
    for records, safe, keys in (((), 1, 1), (enforced, 2, 0)):
        look, _ = looked(part, records=records, now=LATER)
        assert (3, safe, 3 - safe) == (look.users, look.under_mfa, look.unprotected)
        assert (1, keys) == (look.no_device, look.key_users)
        assert {"Workloads": (3, safe)} == look.ous
        assert {part.account_id: (3, safe)} == look.accounts
        assert {"enforce": 1, "covered": 1, "hold": 1} == look.verdicts
        assert look.states["machine"] == 1


def test_the_next_look_names_who_changed_and_remembers_since_when_the_others_stand():
    first = an_account_plan(an_entry("alice"), an_entry("ci", "hold"), an_entry("dan"))
    look, stands = looked(first)
    assert (None, 0) == (look.before, look.changes)
    second = an_account_plan(an_entry("alice"), an_entry("ci", "hold"), an_entry("erin"))
    enforced = (a_run(), *a_change(a_membership("alice"), at=NOW))
    look, stands = looked(second, records=enforced, now=LATER, before=stands)
    assert (NOW, 3) == (look.before, look.changes)
    account = first.account_id
    assert look.changed == (
        StateChange(account, "alice", "waiting", "enforced"),
        StateChange(account, "dan", "waiting", GONE),
        StateChange(account, "erin", "", "waiting"),
    )
    since = {stand.name: stand.since for stand in stands.users.values()}
    assert since == {"alice": LATER, "ci": NOW, "erin": LATER}


def test_too_many_users_are_counted_and_not_named(monkeypatch: pytest.MonkeyPatch):
    part = an_account_plan(an_entry("alice"), an_entry("bob"))
    _, stands = looked(part)
    monkeypatch.setattr(over_time, "NAMED_USERS", 1)
    look, after = looked(part, now=LATER, before=stands)
    assert (2, 0, {}) == (look.users, look.changes, after.users)


@pytest.mark.parametrize(
    ("looks", "left", "a_day", "ends"),
    [
        ([(10, 100)], 50, 5.0, date(2026, 12, 4)),
        ([(60, 1000), (20, 100), (5, 80)], 60, 33.5, date(2026, 11, 26)),
        ([(10, 100)], 100, 0.0, None),
        ([(10, 100)], 120, -2.0, None),
        ([(2000, 101)], 100, 0.0005, None),
    ],
)
def test_the_pace_is_that_of_four_weeks_and_has_an_end_where_it_falls(looks, left, a_day, ends):
    """Where the looks begin earlier, the last one before the four weeks is where they begin."""
    one, _ = looked(an_account_plan(an_entry()))
    known = [replace(one, at=days_ago(days), users=users, under_mfa=0) for days, users in looks]
    pace = pace_of(known, left, NOW)
    assert pace
    if len(looks) == 3:
        a_day, ends = (1000 - 60) / 60, date(2026, 11, 28)
    assert pytest.approx(a_day) == pace.a_day
    assert ends == pace.ends


def test_there_is_no_pace_without_a_look_of_an_earlier_day():
    one, _ = looked(an_account_plan(an_entry()))
    assert pace_of([], 5, NOW) is None
    assert pace_of([replace(one, at=NOW - timedelta(hours=1))], 5, NOW) is None
