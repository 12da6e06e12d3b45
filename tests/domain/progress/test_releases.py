"""What a journal says of releases: who is to come back, whose brake is pulled, and which waves were disturbed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rollout.domain.gates import Result
from rollout.domain.gates.soak import SOAK
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    AttachToUser,
    CreateVersion,
    DetachFromUser,
    Failed,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Deadlocked, Released, ReleaseEnded, RunStarted, WaveUndone
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    OPERATOR,
    ORGANIZATION,
    POLICY,
    a_carried,
    a_change,
    a_progress,
    a_ref,
    a_run,
)
from tests.domain.gates.asked import ask
from tests.domain.judging import DOCUMENTS

ALICE, BOB = a_ref("alice"), a_ref("bob")
LATER = NOW + timedelta(days=2)
IN, OUT = AddMember(ACCOUNT, GROUP, ALICE), RemoveMember(ACCOUNT, GROUP, ALICE)
BRAKE = SetDefaultVersion(ACCOUNT, POLICY, "v1")
ENROLMENT = RemoveMember(ACCOUNT, f"{GROUP}Enrolment", ALICE)


def a_command(command: str = "release", run: str = "run-2", at: Any = LATER) -> RunStarted:
    return RunStarted(run, at, ORGANIZATION, "", "", Stage.ENFORCE, OPERATOR, "1.0.0", command)


def told(*records: Any) -> Progress:
    """Alice and bob were enforced in wave canary by run-1; then comes what is given."""
    return a_progress(
        a_run("run-1"),
        *a_change(IN, wave="canary"),
        *a_change(AddMember(ACCOUNT, GROUP, BOB), number=2, wave="canary"),
        a_carried("canary"),
        *records,
    )


def made(change: Any, run: str = "run-2", **more: Any) -> tuple[Any, ...]:
    return a_change(change, run=run, at=LATER, wave="canary", **more)


def a_release(release_scope: ReleaseScope, run: str = "run-2") -> Released:
    return Released(run, LATER, release_scope, None, "INC-7", OPERATOR)


def test_who_is_released_is_to_come_back_and_keeps_the_notice():
    progress = told(a_command(), *made(OUT))
    assert ALICE.id not in progress.placed
    assert ("canary", ALICE) == (
        progress.releases.to_return[ALICE.id].wave,
        progress.releases.to_return[ALICE.id].user,
    )
    assert {} == progress.left_alone_until


def test_who_is_taken_out_for_good_is_not_to_come_back():
    for command in ("apply", "rollback"):
        progress = told(a_command(command), *made(OUT))
        assert {} == progress.releases.to_return
        assert {ALICE.id: LATER} == progress.left_alone_until


def test_an_exemption_after_a_release_ends_the_waiting():
    progress = told(a_command(), *made(OUT), a_command("apply", "run-3"), *made(OUT, "run-3"))
    assert {} == progress.releases.to_return


def test_who_is_put_back_is_back():
    for back in (IN, AttachToUser(ACCOUNT, ALICE, POLICY)):
        progress = told(a_command(), *made(OUT), a_command("release --end", "run-3"), *made(back, "run-3"))
        assert {} == progress.releases.to_return
        assert "canary" == progress.placed[ALICE.id].wave


def test_a_removal_that_failed_changes_nothing():
    progress = told(a_command(), *made(OUT, outcome=Failed("AccessDenied")))
    assert {} == progress.releases.to_return
    assert ALICE.id in progress.placed


def test_losing_enrolment_rights_is_no_release():
    progress = told(a_command(), *made(ENROLMENT))
    assert {} == progress.releases.to_return
    assert ALICE.id in progress.placed


def test_a_pulled_brake_is_known_until_somebody_lets_it_go():
    pulled = told(a_command(), *made(BRAKE))
    assert {ACCOUNT: "run-2"} == pulled.releases.braked
    for change in (SetDefaultVersion(ACCOUNT, POLICY, "v2"), CreateVersion(ACCOUNT, POLICY, DOCUMENTS.full)):
        lifted = told(a_command(), *made(BRAKE), a_command("apply", "run-3"), *made(change, "run-3"))
        assert {} == lifted.releases.braked


def test_a_new_enrolment_document_does_not_let_go_of_the_brake():
    change = CreateVersion(ACCOUNT, f"{POLICY}Enrolment", DOCUMENTS.enrolment)
    progress = told(a_command(), *made(BRAKE), a_command("apply", "run-3"), *made(change, "run-3"))
    assert {ACCOUNT: "run-2"} == progress.releases.braked


def test_a_brake_found_pulled_by_a_release_is_that_releases():
    progress = told(a_command(), *made(BRAKE, outcome=AlreadyInPlace(), before="present"))
    assert {ACCOUNT: "run-2"} == progress.releases.braked


# --- What it means for waves ---


def test_each_user_let_out_is_a_failure_of_their_wave_until_they_are_back():
    assert 0 == len(told().failed_users("canary"))
    released = (a_command(), *made(OUT))
    assert 1 == len(told(*released).failed_users("canary"))
    assert 0 == len(told(*released).failed_users("rest"))
    assert 0 == len(
        told(*released, a_command("release --end", "run-3"), *made(IN, "run-3")).failed_users("canary")
    )


def test_a_braked_account_fails_all_who_are_enforced_there():
    progress = told(a_command(), *made(BRAKE))
    assert 2 == len(progress.failed_users("canary"))


def test_a_user_attached_directly_counts_too():
    out = DetachFromUser(ACCOUNT, ALICE, POLICY)
    assert 1 == len(told(a_command(), *made(out)).failed_users("canary"))


def test_a_release_restarts_the_soak_of_its_wave():
    wait = timedelta(days=3)
    now = NOW + timedelta(days=4)
    users = {"canary": 1, "rest": 1}
    assert Result.PASS is ask(SOAK, wait, told(), users=users, now=now).result
    for release_scope in (
        ReleaseScope(users=(ALICE,)),
        ReleaseScope(wave="canary"),
        ReleaseScope(accounts=(ACCOUNT,)),
        ReleaseScope(everybody=True),
    ):
        answer = ask(SOAK, wait, told(a_command(), a_release(release_scope)), users=users, now=now)
        assert Result.FAIL is answer.result
        assert LATER + wait == answer.opens_at
        assert "disturbed by a release" in answer.detail


def test_the_end_of_a_release_restarts_it_once_more():
    end = ReleaseEnded("run-3", LATER + timedelta(days=1), ReleaseScope(everybody=True), "", OPERATOR)
    progress = told(
        a_command(), a_release(ReleaseScope(everybody=True)), a_command("release --end", "run-3"), end
    )
    assert {"canary": end.at} == progress.releases.disturbed


def test_a_release_elsewhere_shakes_nobody_here():
    progress = told(a_command(), a_release(ReleaseScope(accounts=("222233334444",))))
    assert {} == progress.releases.disturbed


def test_a_deadlocked_user_is_a_failure_until_seen_free_or_let_out():
    deadlocked = Deadlocked("run-2", LATER, ORGANIZATION, ALICE, "canary", "the password has expired")
    assert 1 == len(told(deadlocked).failed_users("canary"))
    assert {"canary": LATER} == told(deadlocked).releases.disturbed
    free = Deadlocked("run-3", LATER, ORGANIZATION, ALICE, "canary", "", over=True)
    assert 0 == len(told(deadlocked, free).failed_users("canary"))
    assert {ALICE.id} == told(deadlocked, a_command(), *made(OUT)).failed_users("canary")


def test_what_other_organizations_found_is_passed_over():
    deadlocked = Deadlocked("run-2", LATER, "o-other", ALICE, "canary", "")
    assert 0 == len(told(deadlocked).failed_users("canary"))


def test_an_undone_wave_is_to_be_told_and_carried_anew():
    carried = a_carried("canary", "notify", run="run-1")
    progress = told(carried, a_command("rollback"), WaveUndone("run-2", LATER, "canary"))
    assert {} == progress.carried
