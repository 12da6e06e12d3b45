"""May this user move? Only when told, in time, and of nothing milder than what will happen.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.gates.readiness import (
    Notified,
    Recipient,
    Rehearsed,
    needs_notice,
    worth_of,
)
from rollout.domain.policy.changes import RemoveMember
from rollout.domain.progress.messages import Delivery, NoticeWorth
from rollout.domain.progress.records import Record
from rollout.domain.verdicts.verdict import Impact
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOTIFIED,
    NOW,
    TODAY,
    a_change,
    a_progress,
    a_ref,
    a_run,
    a_told,
    an_id,
    days_ago,
)

LEAD = timedelta(days=14)
ALICE = an_id(ACCOUNT, "alice")
ADDRESS = "alice@example.com"
SECOND = timedelta(seconds=1)


def alice(
    impact: Impact | str = "enrol", address: str = ADDRESS, free_until: datetime | None = None
) -> Recipient:
    return Recipient(ALICE, Impact(impact), address, free_until)


def wait(*records, impact: Impact | str = "enrol", now: datetime = NOW, lead=LEAD, unaffected=False, **more):
    progress = a_progress(a_run(at=days_ago(60)), *records)
    held = Notified(lead, unaffected).holds_back(alice(impact, **more), progress, now)
    return (held.code, held.detail) if held else None


def told(at: float, due: float, impact: str = "enrol", delivery: str = "delivered"):
    """Told so many days ago, for a time so many days from now."""
    return a_told("alice", at=days_ago(at), due=NOW + timedelta(days=due), impact=impact, delivery=delivery)


def test_nobody_moves_who_was_not_told():
    assert ("notice", "not told yet: apply --stage notify first") == wait()


def test_what_somebody_else_was_told_does_not_count():
    assert "notice" == wait(a_told("bob", at=days_ago(20), due=TODAY))[0]


def test_whom_nothing_changes_for_need_not_be_told_unless_the_rules_say_so():
    assert None is wait(impact="none")
    assert ("notice", "not told yet: apply --stage notify first") == wait(impact="none", unaffected=True)
    assert not needs_notice(Impact.NONE, unaffected_too=False)
    assert all(needs_notice(impact, unaffected_too=False) for impact in Impact if impact is not Impact.NONE)


def test_ready_when_lead_time_and_date_have_passed():
    assert None is wait(told(14, 0))


def test_the_lead_time_counts_to_the_second():
    notice = told(14, -1)
    assert None is wait(notice)
    assert "waiting" == wait(notice, now=NOW - SECOND)[0]


def test_the_date_told_is_kept_though_the_lead_time_has_passed():
    code, detail = wait(told(40, 1))
    assert "waiting" == code
    assert "told for 2026-11-25 09:00 UTC" == detail
    assert None is wait(told(40, 1), now=datetime(2026, 11, 25, 9, tzinfo=UTC))


def test_a_day_that_was_told_has_to_begin_everywhere():
    notice = a_told("alice", at=days_ago(40), due=TODAY, impact="enrol")
    assert "told for 2026-11-24 12:00 UTC" == wait(notice)[1]
    assert "waiting" == wait(notice, now=NOW + timedelta(hours=3) - SECOND)[0]
    assert None is wait(notice, now=NOW + timedelta(hours=3))


def test_the_lead_time_is_kept_though_the_date_told_has_passed():
    code, detail = wait(told(3, -1))
    assert ("waiting", True) == (code, "ready from 2026-12-05 09:00 UTC" in detail)


def test_a_queued_mail_is_not_a_delivered_one():
    assert ("notice", "the notice is queued, not known to be delivered") == wait(
        told(20, 0, delivery="queued")
    )


def test_a_notice_that_failed_is_void():
    assert ("notice", "the notice could not be sent: apply --stage notify again") == wait(
        told(20, 0, delivery="refused")
    )


def test_the_newest_notice_counts():
    assert None is wait(told(30, 0, delivery="refused"), told(20, 0))
    assert "notice" == wait(told(30, 0), told(20, 0, delivery="refused"))[0]
    assert "waiting" == wait(told(30, 0), told(2, 12))[0]


@pytest.mark.parametrize("told_of", list(Impact))
@pytest.mark.parametrize("now_is", list(Impact))
def test_a_notice_of_something_milder_is_void(told_of: Impact, now_is: Impact):
    expected = None
    if now_is.worse_than(told_of):
        expected = ("notice", f'told about "{told_of}", but now it is "{now_is}": apply --stage notify again')
    assert expected == wait(told(20, 0, told_of), impact=now_is)


def test_a_notice_goes_stale_14_days_past_its_date():
    assert None is wait(told(40, -14))
    code, detail = wait(told(40, -14), now=NOW + SECOND)
    assert ("notice", True) == (code, "2026-11-10 09:00 UTC, is more than 14 days past" in detail)


def test_a_notice_from_before_a_release_or_exemption_is_used_up():
    code, detail = wait(told(20, 0), free_until=days_ago(1))
    assert ("notice", True) == (code, "told before" in detail)
    assert None is not wait(told(20, 0), free_until=days_ago(20))
    assert None is wait(told(20, 0), free_until=days_ago(21))


def test_a_notice_to_another_address_is_void():
    code, detail = wait(told(20, 0), address="eve@example.com")
    assert "notice" == code
    assert f"told at {ADDRESS}, but the address is eve@example.com now: apply --stage notify again" == detail


@pytest.mark.parametrize("address", ["Alice@Example.COM", "ALICE@example.com"])
def test_capitals_make_no_other_address(address: str):
    assert None is wait(told(20, 0), address=address)


def test_a_rehearsal_takes_everybody_to_be_told():
    assert None is Rehearsed().holds_back(alice(Impact.PASSKEY_ONLY), a_progress(), NOW)


moments = st.integers(0, 60 * 24).map(lambda hours: NOW - timedelta(hours=hours))
days = st.integers(-40, 40)


@given(
    moments,
    days,
    st.sampled_from(list(Impact)),
    st.sampled_from(list(Impact)),
    st.sampled_from(list(Delivery)),
    st.integers(0, 30),
)
def test_whoever_moves_was_told_in_time_of_what_happens(at, due, told_of, now_is, delivery, lead):
    notice = a_told("alice", at=at, due=(NOW + timedelta(days=due)).date(), impact=told_of, delivery=delivery)
    span = timedelta(days=lead)
    if wait(notice, impact=now_is, lead=span) is None and now_is is not Impact.NONE:
        assert notice.delivery is Delivery.DELIVERED
        assert NOW >= notice.at + span
        assert notice.due <= NOW
        assert not now_is.worse_than(told_of)
        assert NOW - notice.due <= timedelta(days=14)


@given(moments, days, st.integers(0, 30))
def test_who_waits_is_ready_at_the_moment_that_was_named(at, due, lead):
    notice = a_told("alice", at=at, due=(NOW + timedelta(days=due)).date(), impact="enrol")
    span = timedelta(days=lead)
    opens = Notified(span).opens_at(notice)
    if worth_of(notice, alice(), opens) == (NoticeWorth.COUNTS, ""):
        assert "waiting" == wait(notice, now=opens - SECOND, lead=span)[0]
        assert None is wait(notice, now=opens, lead=span)


# --- Who comes back from a release ---


def returning(*records: Record, impact: str = "enrol", **more) -> bool:
    out = a_change(RemoveMember(ACCOUNT, GROUP, a_ref("alice")), run="run-2", at=days_ago(1))
    progress = a_progress(a_run(at=days_ago(60)), *records, replace(a_run("run-2"), command="release"), *out)
    return NOTIFIED.comes_back(alice(impact, **more), progress, NOW)


def test_who_was_told_and_released_comes_back_to_nothing_worse():
    assert returning(told(20, -3), impact="enrol")
    assert returning(told(20, -3), impact="cli")
    assert not returning(told(20, -3), impact="passkey-only")


def test_however_long_ago_that_was():
    assert returning(told(55, -40))


def test_whom_nothing_changes_for_comes_back_without_having_been_told():
    assert returning(impact="none")
    assert not returning(impact="enrol")


def test_whoever_has_the_user_now_does_not_come_back_for_what_another_was_told():
    assert not returning(told(20, -3), address="eve@example.com")


def test_who_was_exempt_in_between_does_not_come_back():
    assert not returning(told(20, -3), free_until=days_ago(2))


def test_a_new_notice_has_its_date_also_for_who_comes_back():
    assert not returning(told(20, -3), told(0.5, 13))


@pytest.mark.parametrize("delivery", ["refused", "queued"])
def test_a_new_notice_has_to_arrive_also_at_who_comes_back(delivery: str):
    assert not returning(told(20, -3), told(0.5, -3, delivery=delivery))


def test_a_new_notice_goes_stale_also_for_who_comes_back():
    records = (told(55, -40), told(30, -16))
    out = a_change(RemoveMember(ACCOUNT, GROUP, a_ref("alice")), run="run-2", at=days_ago(40))
    progress = a_progress(a_run(at=days_ago(60)), *records, replace(a_run("run-2"), command="release"), *out)
    assert not NOTIFIED.comes_back(alice(), progress, NOW)


def test_who_was_not_released_does_not_come_back():
    assert not NOTIFIED.comes_back(alice("none"), a_progress(a_run(), told(20, -3)), NOW)
