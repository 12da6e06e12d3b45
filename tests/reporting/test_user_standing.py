"""Where a user stands: the plan's look, moved on by the journal."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rollout.domain.plan.entries import Entry
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    AttachToGroup,
    AttachToUser,
    CreateVersion,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.records import Record
from rollout.reporting.user_standing import Standing, Standings
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    POLICY,
    a_change,
    a_gate_read,
    a_header,
    a_membership,
    a_passed,
    a_progress,
    a_ref,
    a_run,
    a_told,
    an_account_failure,
    an_account_plan,
    an_entry,
    an_intent,
    an_override,
    days_ago,
)

BY_GROUP = "ForceMFA (group ForceMFA)"
ENROLMENT = f"{POLICY}Enrolment"
remove = RemoveMember(ACCOUNT, GROUP, a_ref())
brake = SetDefaultVersion(ACCOUNT, POLICY, "v1")
let_go = SetDefaultVersion(ACCOUNT, POLICY, "v2")


def standing(entry: Entry, *records: Record, now=NOW) -> Standing:
    header = a_header(an_account_plan(entry))
    return Standings(header, a_progress(a_run(), *records), now).of(entry)


def changes(*made) -> tuple[Record, ...]:
    """The changes were made one after the other."""
    return tuple(record for number, change in enumerate(made) for record in a_change(change, number=number))


# --- Enforced is a fact ---


def test_the_look_saw_it():
    assert "enforced" == standing(an_entry(enforced_by=BY_GROUP)).state


@pytest.mark.parametrize(
    ("made", "by"),
    [
        ((a_membership(),), "group ForceMFA"),
        ((AttachToGroup(ACCOUNT, GROUP, POLICY), a_membership()), BY_GROUP),
        ((AttachToUser(ACCOUNT, a_ref(), POLICY),), "ForceMFA (attached to the user)"),
        ((a_membership(), remove, a_membership()), "group ForceMFA"),
        ((a_membership(), brake, let_go), "group ForceMFA"),
        ((a_membership(), brake, CreateVersion(ACCOUNT, POLICY, {})), "group ForceMFA"),
    ],
)
def test_the_journal_put_it_there_since(made, by):
    answer = standing(an_entry(), *changes(*made))
    assert (True, by, "enforced") == (answer.enforced, answer.enforced_by, answer.state)


@pytest.mark.parametrize(
    "made",
    [
        (remove,),
        (a_membership(), remove),
        (DetachFromUser(ACCOUNT, a_ref(), POLICY),),
        (brake,),
        (DetachFromGroup(ACCOUNT, GROUP, POLICY),),
    ],
)
def test_what_was_undone_since_is_enforced_no_more(made):
    answer = standing(an_entry(enforced_by=BY_GROUP), *changes(*made))
    assert (False, "", "released") == (answer.enforced, answer.enforced_by, answer.state)


@pytest.mark.parametrize(
    "made",
    [AttachToUser(ACCOUNT, a_ref(), ENROLMENT), a_membership(group="ForceMFAEnrolment")],
)
def test_the_enrolment_policy_enforces_nothing(made):
    assert not standing(an_entry(), *changes(made)).enforced


@pytest.mark.parametrize(
    "made",
    [
        DetachFromUser(ACCOUNT, a_ref(), ENROLMENT),
        RemoveMember(ACCOUNT, "ForceMFAEnrolment", a_ref()),
        DetachFromGroup(ACCOUNT, "ForceMFAEnrolment", ENROLMENT),
        SetDefaultVersion(ACCOUNT, ENROLMENT, "v1"),
    ],
)
def test_tidying_up_the_enrolment_policy_releases_nobody(made):
    assert standing(an_entry(enforced_by=BY_GROUP), *changes(a_membership(), made)).enforced


def test_already_in_place_is_in_place():
    assert standing(an_entry(), *a_change(a_membership(), AlreadyInPlace())).enforced


@pytest.mark.parametrize("outcome", [Failed("AccessDenied"), Skipped(SkipCode.DRIFT)])
def test_what_was_not_done_is_not_there(outcome):
    assert not standing(an_entry(), *a_change(a_membership(), outcome)).enforced


def test_the_look_outweighs_what_was_done_before_it():
    """Somebody took the membership away by hand between the last plan and this one."""
    earlier = a_progress(a_run(plan_id="old"), *a_change(a_membership(), at=days_ago(2)))
    entry = an_entry()
    assert not Standings(a_header(an_account_plan(entry)), earlier, NOW).of(entry).enforced


def test_runs_of_the_plan_itself_count_whatever_the_clocks_say():
    assert standing(an_entry(), *a_change(a_membership(), at=days_ago(2))).enforced


def test_a_dry_run_enforces_nobody():
    entry = an_entry()
    rehearsed = a_progress(a_run(stage="dry-run"), *a_change(a_membership()))
    assert not Standings(a_header(an_account_plan(entry)), rehearsed, NOW).of(entry).enforced


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("released", "released"),
        ("gone", "skipped(gone)"),
        ("failed", "failed"),
        ("notice", "skipped(notice)"),
    ],
)
def test_a_later_run_that_did_not_find_it_outweighs_the_look(code, state):
    """Somebody took the user out by hand, or removed the user, after the look or the change."""
    missed = (a_run("run-2"), a_passed(code=code, detail="by hand", run="run-2"))
    for seen in (
        standing(an_entry(enforced_by=BY_GROUP), *missed),
        standing(an_entry(), *changes(a_membership()), *missed),
    ):
        assert (False, state) == (seen.enforced, seen.state)
        assert "by hand" in seen.waits_for


def test_what_is_not_seen_when_read_back_is_not_there():
    answer = standing(an_entry(), *changes(a_membership()), a_passed(code="failed", detail="not seen"))
    assert (False, "failed", "another try: not seen") == (answer.enforced, answer.state, answer.waits_for)


def test_what_was_put_there_again_is_there():
    missed = (a_run("run-2"), a_passed(code="released", run="run-2"))
    again = (a_run("run-3"), *a_change(a_membership(), run="run-3"))
    assert standing(an_entry(), *changes(a_membership()), *missed, *again).enforced


@pytest.mark.parametrize(("stage", "code"), [("notify", "failed"), ("enforce", "drift")])
def test_a_run_that_did_not_look_for_it_says_nothing_of_it(stage, code):
    passed = (a_run("run-2", stage=stage), a_passed(code=code, run="run-2"))
    assert standing(an_entry(enforced_by=BY_GROUP), *passed).enforced


def test_others_policies_stand_when_ours_is_undone():
    answer = standing(an_entry(verdict="covered", enforced_by=BY_GROUP), *changes(remove))
    assert (True, "policy RequireMfa", "covered") == (answer.enforced, answer.enforced_by, answer.state)


def test_the_brake_of_one_account_leaves_the_others_alone():
    pulled = SetDefaultVersion("222233334444", POLICY, "v1")
    assert standing(an_entry(enforced_by=BY_GROUP), *changes(pulled)).enforced


# --- Everybody who is not to be enforced ---


@pytest.mark.parametrize(
    ("entry", "state"),
    [
        (an_entry(verdict="covered"), "covered"),
        (an_entry(verdict="hold"), "held"),
        (an_entry(verdict="hold", enforced_by=BY_GROUP), "enforced"),
        (an_entry(verdict="exempt"), "exempt"),
        (an_entry(verdict="exempt", exempt_until=NOW.date()), "exempt"),
        (an_entry(verdict="exempt", exempt_until=days_ago(1).date()), "exemption-over"),
        (an_entry(verdict="exempt", enforced_by=BY_GROUP), "enforced"),
    ],
)
def test_those_left_alone_have_a_word_too(entry, state):
    answer = standing(entry)
    assert (state, "") == (answer.state, answer.waits_for)


# --- Who waits, for what ---


@pytest.mark.parametrize(
    ("records", "state", "waits_for"),
    [
        ((), "waiting", "its wave's turn"),
        ((a_told(),), "told", "the date told: 2026-12-08"),
        ((a_told(due=NOW.date()),), "told", "the next enforce run"),
        ((a_told(due=NOW.date(), delivery="queued"),), "told", "proof that the notice was delivered"),
        ((a_told(delivery="failed", detail="mailbox unknown"),), "undelivered", "mailbox unknown"),
        ((a_told(delivery="failed"),), "undelivered", "the last one failed"),
        ((a_told(wave="canary"),), "told", "the date told: 2026-12-08"),
        ((a_told(due=days_ago(20).date()),), "told", "a new notice: the date told, 2026-11-04, is more than"),
        ((a_told(), a_passed(code="drift", detail="a key came")), "skipped(drift)", "drift: a key came"),
        ((a_told(), a_passed()), "skipped(notice)", "notice: not told yet"),
        ((a_told(), a_passed(code="waiting", detail="told for later")), "told", "the date told: 2026-12-08"),
        ((a_passed(code="failed", detail="no answer"),), "failed", "another try: no answer"),
        ((a_passed(code="gone", detail=""),), "skipped(gone)", "gone"),
        (a_change(outcome=Failed("AccessDenied")), "failed", "another try: AccessDenied"),
        ((an_intent(),), "unsettled", "broke off"),
        ((an_account_failure(),), "failed", "could not be entered: AccessDenied on sts:AssumeRole"),
        ((a_gate_read(result="fail", detail="1 of 3 days"),), "waiting", "gate soak (fail): 1 of 3 days"),
        ((a_gate_read(result="fail"), an_override()), "waiting", "its wave's turn"),
        ((a_gate_read(result="fail"), a_gate_read()), "waiting", "its wave's turn"),
        ((a_told(due=NOW.date()), a_gate_read(result="inconclusive")), "told", "gate soak (inconclusive)"),
    ],
)
def test_who_waits_waits_for_something(records, state, waits_for):
    answer = standing(an_entry(), *records)
    assert state == answer.state
    assert waits_for in answer.waits_for


@pytest.mark.parametrize(
    ("gate", "waits_for"),
    [("failure_tolerance", "gate failure_tolerance (fail): 5 of 3"), ("soak", "its wave's turn")],
)
def test_an_override_lasts_as_long_as_it_holds(gate: str, waits_for: str):
    """One of a moment is over with its run; one of the wave holds for the run that goes on where it was cut short."""
    later = NOW + timedelta(days=1)
    read = a_gate_read(gate, result="fail", detail="5 of 3", at=later)
    assert waits_for == standing(an_entry(), an_override(gate), read).waits_for


def test_a_notice_about_less_is_no_notice():
    answer = standing(an_entry(impact="cli"), a_told(due=NOW.date()))
    assert 'a new notice: told about "none", but now it is "cli"' == answer.waits_for


def test_who_must_be_told_first_waits_for_a_notice():
    assert "a notice" == standing(an_entry(impact="enrol")).waits_for


def test_a_rehearsal_leaves_nobody_skipped():
    entry = an_entry()
    noted = a_progress(a_run(stage="dry-run"), a_passed(code="drift"), an_account_failure())
    assert "waiting" == Standings(a_header(an_account_plan(entry)), noted, NOW).of(entry).state


def test_a_later_notice_outweighs_an_earlier_skip():
    later = a_told(due=date(2027, 1, 1), run="run-2", at=NOW + timedelta(days=1))
    answer = standing(an_entry(), a_passed(), a_run("run-2"), later)
    assert ("told", "the date told: 2027-01-01") == (answer.state, answer.waits_for)


def test_a_change_of_another_user_says_nothing_of_this_one():
    other: AddMember = a_membership("bob")
    assert "waiting" == standing(an_entry(), *a_change(other, Failed("AccessDenied"))).state
