"""Where everything stands is derived from the journal alone: waves, notices, places, and what a crash left open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    DeleteGroup,
    DeletePolicy,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.records import Record
from rollout.domain.progress.stages import Stage
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    POLICY,
    a_carried,
    a_change,
    a_gate_read,
    a_membership,
    a_passed,
    a_progress,
    a_ref,
    a_run,
    a_settlement,
    a_told,
    an_account_failure,
    an_approval,
    an_end,
    an_id,
    an_intent,
    an_override,
    days_ago,
)

ALICE = an_id(ACCOUNT, "alice")
REF = a_ref("alice")
CREATE = CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", {}, {})


def after(change: Change, outcome: Outcome | None = None, **more: Any):
    return a_progress(a_run(), *a_change(change, outcome, **more))


# --- Whose records ---


def test_an_empty_journal_says_nothing():
    progress = a_progress()
    assert ({}, [], {}, ()) == (progress.runs, progress.changes, progress.placed, progress.open)
    assert None is progress.latest_notice(ALICE)
    assert 0 == len(progress.failed_users("rest"))


def test_records_of_another_organization_are_passed_over():
    other = "o-zzzzzzzzzz"
    progress = a_progress(
        a_run("theirs", organization_id=other),
        *a_change(run="theirs"),
        a_told(run="theirs"),
        a_carried(run="theirs"),
        an_end(run="theirs"),
        an_override(run="theirs"),
        an_approval(organization_id=other),
        a_run("ours"),
    )
    assert ["ours"] == list(progress.runs)
    assert ([], {}, {}, {}, [], {}) == (
        progress.changes,
        progress.notices,
        progress.carried,
        progress.ended,
        progress.overrides,
        progress.approvals,
    )


def test_records_of_a_run_that_never_began_are_passed_over():
    assert [] == a_progress(*a_change(run="lost"), a_carried(run="lost")).changes


def test_everything_else_is_kept_as_it_was_said():
    progress = a_progress(
        a_run(),
        a_gate_read(),
        an_override(),
        an_account_failure(),
        a_passed(),
        an_end("in part"),
        an_approval("rest"),
    )
    assert [a_gate_read()] == [last.read for last in progress.gates.values()]
    assert [an_override()] == progress.overrides
    assert [an_account_failure()] == progress.account_failures
    assert [a_passed()] == progress.skips
    assert {"run-1": an_end("in part")} == progress.ended
    assert [[an_approval("rest")]] == list(progress.approvals.values())


# --- Intents and outcomes ---


def test_an_intent_without_an_outcome_is_open():
    progress = a_progress(a_run(), an_intent())
    assert [an_intent()] == [done.intent for done in progress.open]
    assert {} == progress.placed


def test_an_outcome_closes_its_intent_whichever_run_says_so():
    progress = a_progress(a_run(), an_intent(), a_run("run-2"), a_settlement(run="run-2", of="run-1", at=NOW))
    assert () == progress.open
    assert [("run-1", NOW)] == [(done.started.run, done.settled_at) for done in progress.changes]
    assert ALICE in progress.placed


def test_a_run_that_was_taken_for_dead_may_say_later_that_its_change_was_made():
    """It was only slow: another run looked meanwhile, and did not find the effect yet."""
    not_made = a_settlement(Skipped(SkipCode.NOT_MADE), run="run-2", of="run-1")
    progress = a_progress(a_run(), an_intent(), a_run("run-2"), not_made, a_settlement())
    assert [ALICE] == list(progress.placed)
    assert [ALICE] == [key[-1] for key in progress.owned.things]


def test_what_was_made_stays_made_whatever_another_run_says():
    not_made = a_settlement(Skipped(SkipCode.NOT_MADE), run="run-2", of="run-1")
    progress = a_progress(a_run(), an_intent(), a_settlement(), a_run("run-2"), not_made)
    assert [ALICE] == list(progress.placed)
    assert () == progress.open


def test_numbers_belong_to_their_run():
    progress = a_progress(
        a_run(),
        an_intent(number=1),
        a_run("run-2"),
        an_intent(a_membership("bob"), number=1, run="run-2"),
        a_settlement(number=1, run="run-2"),
    )
    assert ["alice"] == [
        done.intent.change.user.name for done in progress.open if isinstance(done.intent.change, AddMember)
    ]


def test_changes_keep_the_order_of_their_intents():
    progress = a_progress(
        a_run(),
        an_intent(CREATE, number=1),
        an_intent(number=2),
        a_settlement(number=2),
        a_settlement(number=1),
    )
    assert [1, 2] == [done.intent.number for done in progress.changes]


# --- Who is placed, and what is ours ---


@pytest.mark.parametrize(
    "outcome",
    [Applied("r"), Applied("", unconfirmed=True), AlreadyInPlace()],
    ids=lambda one: type(one).__name__,
)
def test_who_was_added_is_placed(outcome: Outcome):
    progress = after(a_membership(), outcome, wave="canary")
    placed = progress.placed[ALICE]
    assert ("canary", f"group {GROUP}", NOW) == (placed.wave, placed.by, placed.at)


@pytest.mark.parametrize(
    "outcome", [Failed("AccessDenied"), Skipped(SkipCode.GONE)], ids=lambda one: type(one).__name__
)
def test_who_was_not_added_is_not_placed(outcome: Outcome):
    assert {} == after(a_membership(), outcome).placed


def test_who_was_attached_is_placed_by_the_policy():
    assert POLICY == after(AttachToUser(ACCOUNT, REF, POLICY)).placed[ALICE].by


def test_enrolment_places_nobody():
    assert {} == after(AddMember(ACCOUNT, f"{GROUP}Enrolment", REF)).placed
    assert {} == after(AttachToUser(ACCOUNT, REF, f"{POLICY}Enrolment")).placed


def test_taking_enrolment_away_lets_nobody_out():
    progress = a_progress(
        a_run(),
        *a_change(number=1),
        *a_change(RemoveMember(ACCOUNT, f"{GROUP}Enrolment", REF), number=2),
        *a_change(DetachFromUser(ACCOUNT, REF, f"{POLICY}Enrolment"), number=3),
    )
    assert ALICE in progress.placed
    assert {} == progress.left_alone_until


@pytest.mark.parametrize(
    "change",
    [RemoveMember(ACCOUNT, GROUP, REF), DetachFromUser(ACCOUNT, REF, POLICY)],
    ids=lambda one: type(one).__name__,
)
def test_who_was_taken_out_is_not_placed_and_was_let_out(change: Change):
    progress = a_progress(a_run(), *a_change(number=1, at=days_ago(1)), *a_change(change, number=2))
    assert {} == progress.placed
    assert {ALICE: NOW} == progress.left_alone_until


def test_a_removal_that_failed_takes_nobody_out():
    progress = a_progress(
        a_run(), *a_change(number=1), *a_change(RemoveMember(ACCOUNT, GROUP, REF), Failed("x"), number=2)
    )
    assert ALICE in progress.placed


def test_the_first_placing_counts_until_there_is_a_removal():
    progress = a_progress(
        a_run(),
        *a_change(number=1, at=days_ago(9), wave="canary"),
        *a_change(outcome=AlreadyInPlace(), number=2, at=days_ago(5), wave="rest"),
    )
    assert (days_ago(9), "canary") == (progress.placed[ALICE].at, progress.placed[ALICE].wave)
    again = a_progress(
        a_run(),
        *a_change(number=1, at=days_ago(9), wave="canary"),
        *a_change(RemoveMember(ACCOUNT, GROUP, REF), number=2, at=days_ago(7)),
        *a_change(number=3, at=days_ago(5), wave="rest"),
    )
    assert (days_ago(5), "rest") == (again.placed[ALICE].at, again.placed[ALICE].wave)


def test_a_user_is_known_by_id():
    renamed = a_ref("alice-smith")
    progress = a_progress(
        a_run(), *a_change(number=1), *a_change(AddMember(ACCOUNT, GROUP, renamed), number=2)
    )
    assert 2 == len(progress.placed)


def test_groups_and_policies_that_we_made_are_ours_until_they_are_deleted():
    made = a_progress(
        a_run(),
        *a_change(CREATE, number=1),
        *a_change(CreateGroup(ACCOUNT, GROUP, "/rollout/"), number=2),
        *a_change(AttachToGroup(ACCOUNT, "Other", POLICY), number=3),
        *a_change(CreateGroup("9", GROUP, "/rollout/"), Failed("x"), number=4),
    ).made_in
    assert {GROUP, "Other"} == made(ACCOUNT).groups.keys()
    assert {POLICY} == made(ACCOUNT).policies.keys()
    assert {} == made("9").groups
    undone = a_progress(
        a_run(),
        *a_change(CREATE, number=1),
        *a_change(CreateGroup(ACCOUNT, GROUP, "/rollout/"), number=2),
        *a_change(DeletePolicy(ACCOUNT, POLICY), number=3),
        *a_change(DeleteGroup(ACCOUNT, GROUP), number=4),
    )
    assert ({}, {}) == (undone.made_in(ACCOUNT).groups, undone.made_in(ACCOUNT).policies)


# --- Notices ---


def test_the_newest_notice_is_the_last():
    progress = a_progress(
        a_run(), a_told(at=days_ago(9)), a_told("bob", at=days_ago(1)), a_told(at=days_ago(5))
    )
    told = progress.latest_notice(ALICE)
    assert told
    assert days_ago(5) == told.at
    assert 2 == len(progress.told[ALICE])


def test_notices_outlive_plans_and_runs():
    progress = a_progress(a_run(plan_id="old"), a_told(), a_run("run-2", plan_id="new", checksum="sha256:n"))
    assert progress.latest_notice(ALICE)


# --- Waves and rehearsals ---


def test_a_wave_is_carried_once_and_late_joiners_do_not_carry_it_anew():
    progress = a_progress(a_run(), a_carried(at=days_ago(9)), a_carried(at=days_ago(1)))
    assert {(Stage.ENFORCE, "rest"): days_ago(9)} == progress.carried


def test_each_stage_is_carried_by_itself():
    progress = a_progress(a_run(), a_carried(stage="notify"), a_carried("canary"))
    assert {(Stage.NOTIFY, "rest"), (Stage.ENFORCE, "canary")} == set(progress.carried)


@pytest.mark.parametrize(
    ("stage", "ending", "counts", "rehearsed"),
    [
        ("dry-run", "done", {}, True),
        ("dry-run", "in part", {}, True),
        ("dry-run", "in part", {"failed": 0}, True),
        ("dry-run", "in part", {"failed": 2}, False),
        ("dry-run", "interrupted", {}, False),
        ("dry-run", "refused", {}, False),
        ("dry-run", "narrowed", {}, False),
        ("notify", "done", {}, False),
        ("enforce", "done", {}, False),
    ],
)
def test_a_plan_is_rehearsed_when_a_dry_run_of_its_very_bytes_came_to_its_end(
    stage, ending, counts, rehearsed
):
    progress = a_progress(a_run(stage=stage, checksum="sha256:p"), an_end(ending, counts=counts))
    assert ({"sha256:p": NOW} if rehearsed else {}) == progress.rehearsed


def test_a_dry_run_that_died_rehearsed_nothing():
    assert {} == a_progress(a_run(stage="dry-run")).rehearsed


# --- Failures ---


def test_a_user_whose_change_failed_counts_once_until_made_good():
    failed: list[Record] = [
        a_run(),
        *a_change(outcome=Failed("x"), number=1),
        *a_change(outcome=Failed("x"), number=2),
    ]
    assert 1 == len(a_progress(*failed).failed_users("rest"))
    assert 0 == len(a_progress(*failed).failed_users("canary"))
    assert 0 == len(a_progress(*failed, *a_change(number=3)).failed_users("rest"))
    assert 1 == len(a_progress(*failed, *a_change(a_membership("bob"), number=3)).failed_users("rest"))


def test_a_user_left_alone_as_failed_counts_and_for_want_of_budget_still_does():
    assert 1 == len(a_progress(a_run(), a_passed(code="failed")).failed_users("rest"))
    assert 1 == len(
        a_progress(a_run(), a_passed(code="failed"), a_passed(code="budget")).failed_users("rest")
    )
    assert 0 == len(
        a_progress(a_run(), a_passed(code="failed"), a_passed(code="exempt")).failed_users("rest")
    )


def test_a_policy_that_failed_is_nobody_s_failure_by_itself():
    assert 0 == len(after(CREATE, Failed("x")).failed_users("rest"))


def test_seen_exempt_is_let_out():
    assert {ALICE: NOW} == a_progress(a_run(), a_passed(code="exempt")).left_alone_until


# --- Any journal at all ---


outcomes = st.sampled_from([None, Applied("r"), AlreadyInPlace(), Failed("x"), Skipped(SkipCode.GONE)])
steps = st.lists(
    st.tuples(st.sampled_from(["alice", "bob"]), st.sampled_from([AddMember, RemoveMember]), outcomes),
    max_size=12,
)


@given(steps)
def test_who_is_placed_is_whoever_was_last_added_with_effect(taken: list[tuple[str, Any, Outcome | None]]):
    records: list[Any] = [a_run()]
    expected: set[str] = set()
    opened = 0
    for number, (who, kind, outcome) in enumerate(taken, start=1):
        change = kind(ACCOUNT, GROUP, a_ref(who))
        records.append(an_intent(change, number=number))
        if outcome is None:
            opened += 1
            continue
        records.append(a_settlement(outcome, number=number))
        if isinstance(outcome, Applied | AlreadyInPlace):
            (expected.add if kind is AddMember else expected.discard)(an_id(ACCOUNT, who))
    progress = a_progress(*records)
    assert expected == set(progress.placed)
    assert opened == len(progress.open)
    assert len(taken) == len(progress.changes)


@given(steps, st.integers(0, 24))
def test_a_journal_cut_anywhere_can_be_read_and_only_the_last_change_may_be_open(taken, cut: int):
    records: list[Any] = [a_run()]
    for number, (who, kind, outcome) in enumerate(taken, start=1):
        records += a_change(kind(ACCOUNT, GROUP, a_ref(who)), outcome or Applied("r"), number=number)
    progress = a_progress(*records[: cut + 1])
    assert len(progress.open) <= 1
    assert all(done == progress.changes[-1] for done in progress.open)
