"""What a report tells of releases, rollbacks and repairs."""

from __future__ import annotations

from datetime import timedelta

from rollout.domain.policy.changes import RemoveMember, SetDefaultVersion
from rollout.domain.progress.records import Record, Released, ReleaseEnded, RunStarted
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.reporting.change_columns import ChangeLine
from rollout.reporting.change_history import change_lines
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    OPERATOR,
    ORGANIZATION,
    POLICY,
    a_change,
    a_membership,
    a_progress,
    a_ref,
    a_run,
)

LATER = NOW + timedelta(hours=1)
BRAKE = SetDefaultVersion(ACCOUNT, POLICY, "v3")
OUT = RemoveMember(ACCOUNT, GROUP, a_ref())


def a_command(command: str, run: str = "run-2", stage: Stage = Stage.ENFORCE) -> RunStarted:
    return RunStarted(run, LATER, ORGANIZATION, "", "", stage, OPERATOR, "1.0.0", command)


def a_release(release_scope: ReleaseScope, hours: float | None = None) -> Released:
    return Released(
        "run-2", LATER, release_scope, LATER + timedelta(hours=hours) if hours else None, "INC-7", "bob"
    )


def rows(*records: Record) -> list[ChangeLine]:
    return change_lines(a_progress(a_run(), *a_change(a_membership()), *records))[1:]


def test_a_release_is_a_row_of_its_own_before_its_writes():
    said, write = rows(
        a_command("release"),
        a_release(ReleaseScope(accounts=(ACCOUNT,)), hours=4),
        *a_change(BRAKE, run="run-2", at=LATER),
    )
    assert ("release", "release", f"account {ACCOUNT}", "released until 2026-11-24 14:00 UTC", "INC-7") == (
        said.stage,
        said.change,
        said.target,
        said.outcome_text,
        said.detail,
    )
    assert (ACCOUNT, "bob") == (said.account_id, said.caller)
    assert ("release", "set-default-version", "applied") == (write.stage, write.change, write.outcome)


def test_one_user_is_named_and_so_is_a_wave():
    (user,) = rows(a_command("release"), a_release(ReleaseScope(users=(a_ref("alice"),))))
    assert ("alice", "released") == (user.user and user.user.name, user.outcome)
    (wave,) = rows(a_command("release"), a_release(ReleaseScope(wave="canary")))
    assert ("canary", 'wave "canary"') == (wave.wave, wave.target)


def test_its_end_is_a_row_too():
    end = ReleaseEnded("run-2", LATER, ReleaseScope(everybody=True), "all well", "ana")
    (row,) = rows(a_command("release --end"), end)
    assert ("release --end", "end-release", "everybody", "ended") == (
        row.stage,
        row.change,
        row.target,
        row.outcome,
    )


def test_what_a_rollback_did_is_told_as_such_and_what_it_rehearsed_as_a_dry_run():
    (row,) = rows(a_command("rollback"), *a_change(OUT, run="run-2", at=LATER))
    assert ("rollback", "remove-member") == (row.stage, row.change)
    (row,) = rows(a_command("rollback", stage=Stage.DRY_RUN), *a_change(OUT, run="run-2", at=LATER))
    assert "dry-run" == row.stage
