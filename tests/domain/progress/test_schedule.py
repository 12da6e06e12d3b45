"""From when a person is told: not before the lead time and the soak of the waves ahead, at the beginning of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.progress.records import Record, Released
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.schedule import Schedule, beginning_of
from rollout.domain.progress.stages import Stage
from tests.builders import NOW, TODAY, a_carried, a_progress, a_run, a_told, days_ago

LEAD, SOAK = timedelta(days=14), timedelta(days=3)
WAVES = ("canary", "early", "rest")


def dates(*records, order=WAVES, lead=LEAD, soak=SOAK) -> dict[str, date]:
    """The days whose beginnings are told to people who may be anywhere."""
    progress = a_progress(a_run(at=days_ago(60)), *records)
    found = Schedule(lead, soak).due(progress, order, NOW)
    assert all(12 == due.hour for due in found.values())
    return {wave: due.date() for wave, due in found.items()}


def after(days: int) -> date:
    return TODAY + timedelta(days=days)


def test_from_the_start_each_wave_waits_for_the_soak_of_the_one_before():
    assert {"canary": after(14), "early": after(17), "rest": after(20)} == dates()


def test_waves_without_users_are_not_asked_for():
    assert {"canary": after(14), "rest": after(17)} == dates(order=("canary", "rest"))
    assert {} == dates(order=())


def test_a_wave_told_already_is_taken_at_its_word():
    told = a_told("alice", wave="canary", at=days_ago(4), due=after(25))
    assert {"canary": after(14), "early": after(28), "rest": after(31)} == dates(told)


def test_the_latest_date_of_a_wave_counts_and_only_each_user_s_newest_notice():
    records = (
        a_told("alice", wave="canary", due=after(30)),
        a_told("alice", wave="canary", due=after(16)),
        a_told("bob", wave="canary", due=after(18)),
    )
    assert after(21) == dates(*records)["early"]


def test_who_has_moved_to_another_wave_holds_the_old_one_back_no_more():
    records = (a_told("alice", wave="canary", due=after(40)), a_told("alice", wave="rest", due=after(40)))
    assert after(17) == dates(*records)["early"]


def test_a_date_that_is_past_moves_nothing():
    assert after(17) == dates(a_told("alice", wave="canary", at=days_ago(40), due=TODAY))["early"]


def test_after_a_wave_was_enforced_the_next_waits_for_its_soak_or_the_lead_time_whichever_is_later():
    assert after(14) == dates(a_carried("canary", at=NOW))["early"]
    long = dates(a_carried("canary", at=NOW), soak=timedelta(days=30))
    assert after(30) == long["early"]
    assert after(60) == long["rest"]


def test_late_joiners_of_a_carried_wave_have_their_own_lead_time():
    assert after(14) == dates(a_carried("canary", at=days_ago(20)))["canary"]


def test_notified_is_not_enforced():
    assert after(17) == dates(a_carried("canary", Stage.NOTIFY, at=days_ago(20)))["early"]


def test_without_lead_time_and_soak_everything_may_go_today():
    assert dict.fromkeys(WAVES, TODAY) == dates(lead=timedelta(), soak=timedelta())


spans = st.integers(0, 60).map(lambda days: timedelta(days=days))


@given(
    st.lists(st.tuples(st.sampled_from(WAVES), st.integers(-30, 60)), max_size=6),
    st.dictionaries(st.sampled_from(WAVES), st.integers(0, 30), max_size=3),
    spans,
    spans,
)
def test_no_day_is_before_the_lead_time_and_no_wave_before_the_one_ahead(told, carried, lead, soak):
    records: list[Record] = [
        a_told(f"user-{place}", wave=wave, due=after(days)) for place, (wave, days) in enumerate(told)
    ]
    records += [a_carried(wave, at=days_ago(days)) for wave, days in carried.items()]
    found = dates(*records, lead=lead, soak=soak)
    assert all(day >= TODAY + lead for day in found.values())
    progress = a_progress(a_run(at=days_ago(60)), *records)
    for ahead, behind in pairwise(WAVES):
        enforced = progress.carried.get((Stage.ENFORCE, ahead))
        if enforced is None:
            assert found[behind] >= found[ahead] + soak
        else:
            assert found[behind] >= (enforced + soak).date()


def test_a_release_moves_what_comes_after_the_wave_that_it_shook():
    """The soak of canary starts anew from there."""
    released = Released("run-1", days_ago(1), ReleaseScope(wave="canary"), None, "INC-7", "ana")
    carried = a_carried("canary", at=days_ago(20))
    assert after(14) == dates(carried, lead=timedelta(0), soak=timedelta(days=14))["early"] + timedelta(
        days=14
    )
    assert after(13) == dates(carried, released, lead=timedelta(0), soak=timedelta(days=14))["early"]


# --- Where a day begins ---


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        (None, datetime(2026, 12, 8, 12, tzinfo=UTC)),
        (UTC, datetime(2026, 12, 8, tzinfo=UTC)),
        (ZoneInfo("Europe/Berlin"), datetime(2026, 12, 7, 23, tzinfo=UTC)),
        (ZoneInfo("America/Los_Angeles"), datetime(2026, 12, 8, 8, tzinfo=UTC)),
        (ZoneInfo("Pacific/Kiritimati"), datetime(2026, 12, 7, 10, tzinfo=UTC)),
    ],
)
def test_a_day_begins_at_midnight_there_and_without_a_zone_where_it_is_latest(zone: tzinfo | None, begins):
    assert begins == beginning_of(date(2026, 12, 8), zone)
    assert UTC is beginning_of(date(2026, 12, 8), zone).tzinfo


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.sampled_from(sorted(available_timezones())))
def test_without_a_zone_a_day_has_begun_in_every_zone(day: date, name: str):
    assert day <= beginning_of(day).astimezone(ZoneInfo(name)).date()


@pytest.mark.parametrize(
    ("now", "zone", "day"),
    [
        (datetime(2026, 11, 24, 23, 30, tzinfo=UTC), None, date(2026, 12, 8)),
        (datetime(2026, 11, 24, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"), date(2026, 12, 9)),
        (datetime(2026, 11, 24, 0, 9, tzinfo=UTC), ZoneInfo("America/Los_Angeles"), date(2026, 12, 7)),
    ],
)
def test_the_day_is_the_one_that_people_have_when_the_lead_time_ends(now: datetime, zone, day: date):
    due = Schedule(LEAD, SOAK, zone).due(a_progress(a_run(at=days_ago(60))), ("canary",), now)["canary"]
    assert beginning_of(day, zone) == due
