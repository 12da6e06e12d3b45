"""Gates that the journal alone can answer, always with numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.gates import GateAnswer, Result, Tolerance, next_due
from rollout.domain.gates.dry_run_done import DRY_RUN_DONE
from rollout.domain.gates.failure_tolerance import FAILURE_TOLERANCE
from rollout.domain.gates.soak import SOAK
from rollout.domain.policy.changes import Failed
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Record
from rollout.domain.progress.stages import Stage
from tests.builders import (
    NOW,
    a_carried,
    a_change,
    a_membership,
    a_progress,
    a_run,
    an_end,
    days_ago,
)
from tests.domain.gates.asked import CHECKSUM, ask

ORDER = ("canary", "early", "rest")
THREE_DAYS = timedelta(days=3)


# --- Rehearsed ---


def dry_run_done(progress: Progress, checksum: str = CHECKSUM) -> GateAnswer:
    return ask(DRY_RUN_DONE, None, progress, checksum=checksum)


def rehearsal(ending: str | None, **more):
    records: list[Record] = [
        a_run(stage="dry-run", at=days_ago(1), **more),
        *([an_end(ending)] if ending else []),
    ]
    return dry_run_done(a_progress(*records), CHECKSUM)


def test_a_plan_rehearsed_to_the_end_passes_and_says_when():
    answer = rehearsal("done")
    assert (Result.PASS, "rehearsed 2026-11-24 09:00 UTC") == (answer.result, answer.detail)


def test_a_plan_never_rehearsed_fails():
    answer = dry_run_done(a_progress(), CHECKSUM)
    assert (Result.FAIL, "this plan has not been rehearsed: apply --stage dry-run first") == (
        answer.result,
        answer.detail,
    )


@pytest.mark.parametrize("ending", ["interrupted", "refused", "narrowed"])
def test_a_rehearsal_that_was_not_with_everybody_is_inconclusive(ending: str):
    answer = rehearsal(ending)
    assert Result.INCONCLUSIVE == answer.result
    assert f'ended "{ending}", not with everybody' in answer.detail


def test_a_rehearsal_that_died_is_none():
    assert Result.FAIL == rehearsal(None).result


def test_another_plan_s_rehearsal_does_not_count():
    assert Result.FAIL == rehearsal("done", checksum="sha256:other").result


def test_an_old_rehearsal_of_these_bytes_counts_after_a_narrower_one():
    progress = a_progress(
        a_run(stage="dry-run"),
        an_end("done"),
        a_run("run-2", stage="dry-run"),
        an_end("narrowed", run="run-2"),
    )
    assert Result.PASS == dry_run_done(progress, CHECKSUM).result


# --- Soak ---


def soaked(*records, wave: str = "early", order=ORDER, wait=THREE_DAYS):
    users = dict.fromkeys(order, 100)
    return ask(SOAK, wait, a_progress(a_run(at=days_ago(30)), *records), wave=wave, users=users)


def test_the_first_wave_waits_for_nobody():
    assert (Result.PASS, "the first wave waits for no other") == (
        soaked(wave="canary").result,
        soaked(wave="canary").detail,
    )
    assert Result.PASS == soaked(wave="rest", order=("rest",)).result


def test_the_wave_before_has_to_be_enforced():
    assert (Result.FAIL, 'wave "canary" is not enforced yet') == (soaked().result, soaked().detail)
    assert Result.FAIL == soaked(a_carried("canary", Stage.NOTIFY, at=days_ago(9))).result


def test_soak_ends_to_the_second_and_says_when():
    young = soaked(a_carried("canary", at=days_ago(3) + timedelta(seconds=1)))
    assert Result.FAIL == young.result
    assert NOW + timedelta(seconds=1) == young.opens_at
    assert "soak of 3 days ends 2026-11-24 09:00 UTC" in young.detail
    done = soaked(a_carried("canary", at=days_ago(3)))
    assert (Result.PASS, True) == (done.result, "soaked 3 days of 3 days" in done.detail)


def test_the_wave_before_is_the_one_before_with_users():
    carried = a_carried("canary", at=days_ago(9))
    assert Result.FAIL == soaked(carried, wave="rest").result
    assert Result.PASS == soaked(carried, wave="rest", order=("canary", "rest")).result


def test_without_a_soak_the_next_wave_may_follow_at_once():
    assert Result.PASS == soaked(a_carried("canary", at=NOW), wait=timedelta()).result


@given(st.integers(0, 40 * 24), st.integers(0, 30))
def test_a_soak_opens_at_the_moment_that_it_names(hours: int, days: int):
    wait = timedelta(days=days)
    carried = a_carried("canary", at=NOW - timedelta(hours=hours))
    answer = soaked(carried, wait=wait)
    assert (timedelta(hours=hours) >= wait) == (answer.result is Result.PASS)
    if answer.result is Result.FAIL:
        assert answer.opens_at
        later = ask(SOAK, wait, a_progress(a_run(), carried), wave="early", now=answer.opens_at)
        assert Result.PASS == later.result


# --- Next due ---


def test_the_next_wave_is_the_first_that_was_not_carried_to_the_stage():
    progress = a_progress(
        a_run(), a_carried("canary", "notify"), a_carried("rest", "notify"), a_carried("canary")
    )
    assert "early" == next_due(progress, Stage.NOTIFY, ORDER)
    assert "early" == next_due(progress, Stage.ENFORCE, ORDER)
    assert None is next_due(progress, Stage.NOTIFY, ("canary", "rest"))
    assert None is next_due(progress, Stage.NOTIFY, ())


# --- Failures ---


def failing(*names: str, wave: str = "canary"):
    changes = [
        record
        for number, name in enumerate(names, start=1)
        for record in a_change(a_membership(name), Failed("x"), number=number, wave=wave)
    ]
    return a_progress(a_run(), *changes)


@pytest.mark.parametrize(
    ("count", "percent", "users", "limit"),
    [
        (3, 5, 100, 3),
        (3, 5, 40, 2),
        (3, 5, 39, 1),
        (3, 5, 19, 0),
        (3, 5, 0, 0),
        (0, 100, 100, 0),
        (10**6, 57, 10_000, 5_700),
        (10**6, 29, 100, 29),
        (10**6, 100, 7, 7),
    ],
)
def test_the_smaller_of_count_and_share_may_fail(count: int, percent: float, users: int, limit: int):
    assert limit == Tolerance(count, percent).limit(users)


@given(st.integers(0, 100_000), st.integers(0, 100))
def test_a_share_is_never_rounded_up(users: int, percent: int):
    limit = Tolerance(10**9, percent).limit(users)
    assert limit * 100 <= percent * users < (limit + 1) * 100 or percent * users == limit * 100


def tolerated(progress, wave: str = "canary", users: int = 100):
    each = dict.fromkeys(ORDER, users)
    return ask(FAILURE_TOLERANCE, Tolerance(2, 50), progress, wave=wave, users=each)


def test_as_many_may_fail_as_the_tolerance_says_and_not_one_more():
    assert (Result.PASS, 'wave "canary": 2 of 100 users failed (limit 2)') == (
        tolerated(failing("a", "b")).result,
        tolerated(failing("a", "b")).detail,
    )
    answer = tolerated(failing("a", "b", "c"))
    assert (Result.FAIL, 'wave "canary": 3 of 100 users failed (limit 2)') == (
        answer.result,
        answer.detail,
    )


def test_a_user_who_failed_often_failed_once():
    assert Result.PASS == tolerated(failing("a", "a", "a")).result


def test_failures_of_the_wave_before_stop_this_one_and_those_further_ahead_do_not():
    progress = failing("a", "b", "c")
    assert Result.FAIL == tolerated(progress, "early").result
    assert Result.PASS == tolerated(progress, "rest").result
