"""Where a user stands: the newest of the plan's inventory, the journal and a look at AWS."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rollout.domain.plan.entries import PlanEntry
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.projection import KnownEnforcement, Progress
from rollout.domain.progress.records import (
    Enforcement,
    EnforcementSeen,
    Record,
    Released,
    RunStarted,
    WaveUndone,
)
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.domain.status.user_status import Statuses, UserStatus, counts_of
from rollout.domain.status.waiting_gates import gates_that_wait, say_gate
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOTIFIED,
    NOW,
    OPERATOR,
    ORGANIZATION,
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


def state_of(entry: PlanEntry, *records: Record, now=NOW) -> UserStatus:
    return by_journal(entry, a_progress(a_run(), *records), now)


def by_journal(entry: PlanEntry, progress: Progress, now=NOW) -> UserStatus:
    header = a_header(an_account_plan(entry))
    gates = {wave: say_gate(reads[0]) for wave, reads in gates_that_wait(progress, header).items()}
    return Statuses(header, progress, NOTIFIED, now, gates).of(entry.user, entry)


def a_release(*made: Change) -> tuple[Record, ...]:
    """A release made changes, in a run of its own."""
    started = RunStarted("run-2", NOW, ORGANIZATION, "", "", Stage.ENFORCE, OPERATOR, "1.0.0", "release")
    changes = (a_change(change, number=number, run="run-2") for number, change in enumerate(made))
    return started, *(record for pair in changes for record in pair)


def a_release_of_nobody() -> tuple[Record, ...]:
    """A release found that there was nothing to take away."""
    started, *_ = a_release()
    return started, *a_change(remove, AlreadyInPlace(), run="run-2")


def an_enforcement_seen(enforcement: Enforcement, wave: str = "rest", by: str = BY_GROUP) -> EnforcementSeen:
    return EnforcementSeen("verify-1", NOW, ORGANIZATION, a_ref(), wave, enforcement, by)


def changes(*made) -> tuple[Record, ...]:
    """The changes were made one after the other."""
    return tuple(record for number, change in enumerate(made) for record in a_change(change, number=number))


# --- Enforced is a fact ---


def test_the_look_saw_it():
    assert "enforced" == state_of(an_entry(enforced_by=BY_GROUP)).state_code


@pytest.mark.parametrize(
    ("made", "by"),
    [
        ((a_membership(),), "group ForceMFA"),
        ((AttachToGroup(ACCOUNT, GROUP, POLICY), a_membership()), BY_GROUP),
        ((AttachToUser(ACCOUNT, a_ref(), POLICY),), "ForceMFA (attached to the user)"),
        ((a_membership(), remove, a_membership()), "group ForceMFA"),
    ],
)
def test_the_journal_put_it_there_since(made, by):
    answer = state_of(an_entry(), *changes(*made))
    assert (True, by, "enforced") == (answer.enforced, answer.enforced_by, answer.state_code)


@pytest.mark.parametrize("back", [let_go, CreateVersion(ACCOUNT, POLICY, {})])
def test_the_brake_lets_out_until_somebody_lets_it_go(back):
    pulled = (*changes(a_membership()), *a_release(brake))
    answer = state_of(an_entry(), *pulled)
    assert (False, True, "released") == (answer.enforced, answer.released, answer.state_code)
    again = state_of(an_entry(), *pulled, a_run("run-3"), *a_change(back, run="run-3"))
    assert (True, "group ForceMFA", "enforced") == (again.enforced, again.enforced_by, again.state_code)


@pytest.mark.parametrize(
    "released",
    [
        a_release(remove),
        (*changes(a_membership()), *a_release(remove)),
        a_release(DetachFromUser(ACCOUNT, a_ref(), POLICY)),
        a_release(brake),
        a_release(CreateVersion(ACCOUNT, POLICY, {})),
        a_release(DetachFromGroup(ACCOUNT, GROUP, POLICY)),
    ],
)
def test_whom_a_release_lets_out_is_released_and_not_enforced(released):
    answer = state_of(an_entry(enforced_by=BY_GROUP), *released)
    assert (False, True, "", "released") == (
        answer.enforced,
        answer.released,
        answer.enforced_by,
        answer.state_code,
    )


@pytest.mark.parametrize("released", [a_release(brake), a_release_of_nobody(), (a_passed(code="released"),)])
def test_who_was_never_enforced_is_never_released(released):
    answer = state_of(an_entry(), *released)
    assert (False, False) == (answer.enforced, answer.released)
    assert "released" != answer.state_code


@pytest.mark.parametrize("command", ["apply", "rollback"])
def test_who_was_taken_out_for_good_is_neither_enforced_nor_released(command):
    started = RunStarted("run-2", NOW, ORGANIZATION, "", "", Stage.ENFORCE, OPERATOR, "1.0.0", command)
    undone = (*changes(a_membership()), started, *a_change(remove, run="run-2"))
    for entry in (an_entry(), an_entry(enforced_by=BY_GROUP)):
        answer = state_of(entry, *undone)
        assert (False, False, "waiting") == (answer.enforced, answer.released, answer.state_code)


def test_after_a_rollback_nobody_of_the_wave_is_released():
    """Whoever was taken out by hand before it was not there to be rolled back."""
    out = an_enforcement_seen(Enforcement.TAKEN_OUT, wave="rest")
    assert state_of(an_entry(), *changes(a_membership()), out).released
    undone = WaveUndone("run-1", NOW, "rest")
    answer = state_of(an_entry(), *changes(a_membership()), out, undone)
    assert (False, False, "waiting") == (answer.enforced, answer.released, answer.state_code)


@pytest.mark.parametrize(
    "made",
    [AttachToUser(ACCOUNT, a_ref(), ENROLMENT), a_membership(group="ForceMFAEnrolment")],
)
def test_the_enrolment_policy_enforces_nothing(made):
    assert not state_of(an_entry(), *changes(made)).enforced


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
    assert state_of(an_entry(enforced_by=BY_GROUP), *changes(a_membership(), made)).enforced


def test_already_in_place_is_in_place():
    assert state_of(an_entry(), *a_change(a_membership(), AlreadyInPlace())).enforced


@pytest.mark.parametrize("outcome", [Failed("AccessDenied"), Skipped(SkipCode.DRIFT)])
def test_what_was_not_done_is_not_there(outcome):
    assert not state_of(an_entry(), *a_change(a_membership(), outcome)).enforced


def test_the_look_outweighs_what_was_done_before_it():
    """Somebody took the membership away by hand between the last plan and this one."""
    earlier = a_progress(a_run(plan_id="old"), *a_change(a_membership(), at=days_ago(2)))
    entry = an_entry()
    assert not by_journal(entry, earlier).enforced


def test_runs_of_the_plan_itself_count_whatever_the_clocks_say():
    assert state_of(an_entry(), *a_change(a_membership(), at=days_ago(2))).enforced


def test_a_dry_run_enforces_nobody():
    entry = an_entry()
    rehearsed = a_progress(a_run(stage="dry-run"), *a_change(a_membership()))
    assert not by_journal(entry, rehearsed).enforced


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
        state_of(an_entry(enforced_by=BY_GROUP), *missed),
        state_of(an_entry(), *changes(a_membership()), *missed),
    ):
        assert (False, state) == (seen.enforced, seen.state_code)
        assert "by hand" in seen.waits_for


def test_what_is_not_seen_when_read_back_is_not_there():
    answer = state_of(an_entry(), *changes(a_membership()), a_passed(code="failed", detail="not seen"))
    assert (False, "failed", "another try: not seen") == (answer.enforced, answer.state, answer.waits_for)


def test_what_was_put_there_again_is_there():
    missed = (a_run("run-2"), a_passed(code="released", run="run-2"))
    again = (a_run("run-3"), *a_change(a_membership(), run="run-3"))
    assert state_of(an_entry(), *changes(a_membership()), *missed, *again).enforced


@pytest.mark.parametrize(("stage", "code"), [("notify", "failed"), ("enforce", "drift")])
def test_a_run_that_did_not_look_for_it_says_nothing_of_it(stage, code):
    passed = (a_run("run-2", stage=stage), a_passed(code=code, run="run-2"))
    assert state_of(an_entry(enforced_by=BY_GROUP), *passed).enforced


def test_covered_is_not_enforced():
    answer = state_of(an_entry(verdict="covered"))
    assert (False, "", "covered") == (answer.enforced, answer.enforced_by, answer.state_code)
    assert state_of(an_entry(verdict="covered", enforced_by=BY_GROUP)).enforced
    assert not state_of(an_entry(verdict="covered", enforced_by=BY_GROUP), *a_release(remove)).enforced


def test_the_brake_of_one_account_leaves_the_others_alone():
    pulled = SetDefaultVersion("222233334444", POLICY, "v1")
    assert state_of(an_entry(enforced_by=BY_GROUP), *a_release(pulled)).enforced


# --- What a look has found ---


@pytest.mark.parametrize(
    ("found", "state", "released"),
    [
        (Enforcement.TAKEN_OUT, "released", True),
        (Enforcement.BRAKE_PULLED, "released", True),
        (Enforcement.WITHOUT_EFFECT, "drifted", False),
        (Enforcement.GONE, "skipped(gone)", False),
    ],
)
def test_what_a_look_has_found_counts_from_then_on(found, state, released):
    for answer in (
        state_of(an_entry(), *changes(a_membership()), an_enforcement_seen(found)),
        state_of(an_entry(enforced_by=BY_GROUP), an_enforcement_seen(found)),
        statuses_of(*changes(a_membership())).of(a_ref(), an_entry(), KnownEnforcement(a_ref(), NOW, found)),
    ):
        assert (False, released, state) == (answer.enforced, answer.released, answer.state_code)


def statuses_of(*records: Record) -> Statuses:
    return Statuses(a_header(an_account_plan(an_entry())), a_progress(a_run(), *records), NOTIFIED, NOW)


def test_a_look_may_find_somebody_enforced_whom_nobody_knew_of():
    answer = state_of(an_entry(), an_enforcement_seen(Enforcement.ENFORCED))
    assert (True, BY_GROUP, "enforced") == (answer.enforced, answer.enforced_by, answer.state_code)


def test_what_is_put_back_is_enforced_again():
    out = (*changes(a_membership()), an_enforcement_seen(Enforcement.TAKEN_OUT), a_run("run-2"))
    assert state_of(an_entry(), *out, *a_change(a_membership(), run="run-2")).enforced
    brake_by_hand = (*changes(a_membership()), an_enforcement_seen(Enforcement.BRAKE_PULLED), a_run("run-2"))
    assert state_of(an_entry(), *brake_by_hand, *a_change(let_go, run="run-2")).enforced
    assert not state_of(an_entry(), *out, *a_change(let_go, run="run-2")).enforced


def test_a_plan_made_after_a_hand_has_taken_somebody_out_knows_it():
    earlier = a_progress(a_run(plan_id="old"), *a_change(a_membership(), at=days_ago(2)))
    answer = by_journal(an_entry(), earlier)
    assert (True, "released") == (answer.released, answer.state_code)
    assert "release --end" in answer.waits_for


def test_a_release_that_is_over_waits_for_the_next_run():
    started, *taken_out = a_release(remove)
    lasts = Released(
        "run-2", NOW, ReleaseScope(users=(a_ref(),)), NOW + timedelta(hours=4), "INC-7", OPERATOR
    )
    released = (*changes(a_membership()), started, lasts, *taken_out)
    assert "the end of the release" == state_of(an_entry(), *released).waits_for
    over = state_of(an_entry(), *released, now=NOW + timedelta(hours=5))
    assert ("released", "the next enforce run, or rollout verify --fix: the release is over") == (
        over.state_code,
        over.waits_for,
    )


def test_who_is_not_in_the_plan_stands_somewhere_too():
    assert "unplanned" == statuses_of().of(a_ref("zed")).state_code
    assert "enforced" == statuses_of(*changes(a_membership())).of(a_ref()).state_code


def test_told_are_those_whose_latest_notice_was_delivered():
    for records, numbers in (
        ((), (0, 0)),
        ((a_told(),), (0, 1)),
        ((a_told(delivery="queued"),), (1, 0)),
        ((a_told(delivery="refused"),), (0, 0)),
        ((a_told(), a_told(delivery="queued")), (1, 0)),
    ):
        counts = counts_of([state_of(an_entry(), *records)])
        assert numbers == (counts.queued, counts.told)


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
    answer = state_of(entry)
    assert (state, "") == (answer.state, answer.waits_for)


# --- Who waits, for what ---


@pytest.mark.parametrize(
    ("records", "state", "waits_for"),
    [
        ((), "waiting", "its wave's turn"),
        ((a_told(),), "told", "the date told: 2026-12-08 12:00 UTC"),
        ((a_told(at=days_ago(14), due=NOW),), "told", "the next enforce run"),
        (
            (a_told(at=days_ago(14), due=NOW, delivery="queued"),),
            "queued",
            "proof that the notice was delivered",
        ),
        ((a_told(at=days_ago(13), due=NOW),), "told", "the end of the lead time: 2026-11-25 09:00 UTC"),
        ((a_told(delivery="refused", detail="mailbox unknown"),), "undelivered", "mailbox unknown"),
        ((a_told(delivery="refused"),), "undelivered", "the last one failed"),
        ((a_told(wave="canary"),), "told", "the date told: 2026-12-08 12:00 UTC"),
        (
            (a_told(due=days_ago(20).date()),),
            "told",
            "a new notice: the date told, 2026-11-04 12:00 UTC, is more than",
        ),
        ((a_told(), a_passed(code="drift", detail="a key came")), "skipped(drift)", "drift: a key came"),
        ((a_told(), a_passed()), "skipped(notice)", "notice: not told yet"),
        (
            (a_told(), a_passed(code="waiting", detail="told for later")),
            "told",
            "the date told: 2026-12-08 12:00 UTC",
        ),
        ((a_passed(code="failed", detail="no answer"),), "failed", "another try: no answer"),
        ((a_passed(code="gone", detail=""),), "skipped(gone)", "gone"),
        (a_change(outcome=Failed("AccessDenied")), "failed", "another try: AccessDenied"),
        ((an_intent(),), "unsettled", "cut off"),
        ((an_account_failure(),), "failed", "could not be entered: AccessDenied on sts:AssumeRole"),
        ((a_gate_read(result="fail", detail="1 of 3 days"),), "waiting", "gate soak (fail): 1 of 3 days"),
        ((a_gate_read(result="fail"), an_override()), "waiting", "its wave's turn"),
        ((a_gate_read(result="fail"), a_gate_read()), "waiting", "its wave's turn"),
        (
            (a_told(at=days_ago(14), due=NOW), a_gate_read(result="inconclusive")),
            "told",
            "gate soak (inconclusive)",
        ),
    ],
)
def test_who_waits_waits_for_something(records, state, waits_for):
    answer = state_of(an_entry(), *records)
    assert state == answer.state_code
    assert waits_for in answer.waits_for


@pytest.mark.parametrize(
    ("gate", "waits_for"),
    [("failure_tolerance", "gate failure_tolerance (fail): 5 of 3"), ("soak", "its wave's turn")],
)
def test_an_override_lasts_as_long_as_it_holds(gate: str, waits_for: str):
    """One of a moment is over with its run; one of the wave holds for the run that goes on where it was cut short."""
    later = NOW + timedelta(days=1)
    read = a_gate_read(gate, result="fail", detail="5 of 3", at=later)
    assert waits_for == state_of(an_entry(), an_override(gate), read).waits_for


def test_a_notice_about_less_is_no_notice():
    answer = state_of(an_entry(impact="cli"), a_told(at=days_ago(14), due=NOW))
    assert 'a new notice: told about "none", but now it is "cli"' == answer.waits_for


def test_who_must_be_told_first_waits_for_a_notice():
    assert "a notice" == state_of(an_entry(impact="enrol")).waits_for


def test_a_rehearsal_leaves_nobody_skipped():
    entry = an_entry()
    noted = a_progress(a_run(stage="dry-run"), a_passed(code="drift"), an_account_failure())
    assert "waiting" == by_journal(entry, noted).state_code


def test_a_later_notice_outweighs_an_earlier_skip():
    later = a_told(due=date(2027, 1, 1), run="run-2", at=NOW + timedelta(days=1))
    answer = state_of(an_entry(), a_passed(), a_run("run-2"), later)
    assert ("told", "the date told: 2027-01-01 12:00 UTC") == (answer.state, answer.waits_for)


def test_a_change_of_another_user_says_nothing_of_this_one():
    other: AddMember = a_membership("bob")
    assert "waiting" == state_of(an_entry(), *a_change(other, Failed("AccessDenied"))).state_code
