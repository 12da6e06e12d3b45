"""Tells what was done, noted and left alone, as typed rows in the order of the journal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Released, Reminded, RunStarted, Told
from rollout.domain.progress.replay import Done, Progress
from rollout.domain.progress.stages import Stage
from rollout.reporting import moments
from rollout.reporting.user_standing import is_rehearsal, user_of


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One thing that was done, noted or left alone, in the journal's order."""

    at: datetime
    run: str
    stage: str
    plan_id: str
    wave: str
    account_id: str
    user_name: str
    user_id: str
    change: str
    target: str
    before: str
    outcome: str
    detail: str
    request_id: str
    attempts: int | None
    address: str
    due: date | None
    delivery: str
    caller: str


_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def word_of(change: Change) -> str:
    """Name a kind of change: `add-member` for AddMember."""
    return _WORDS.sub("-", type(change).__name__).lower()


def target_of(change: Change) -> str:
    """Name the policy or group that a change touches; both, where one is hung on the other."""
    match change:
        case CreateGroup(group=group) | DeleteGroup(group=group):
            return f"group {group}"
        case AddMember(group=group) | RemoveMember(group=group):
            return f"group {group}"
        case AttachToGroup(group=group, policy_arn=arn) | DetachFromGroup(group=group, policy_arn=arn):
            return f"{arn} on group {group}"
        case SetDefaultVersion(policy_arn=arn, version_id=version):
            return f"{arn} version {version}"
        case DeleteVersion(policy_arn=arn, version_id=version):
            return f"{arn} version {version}"
        case (
            CreatePolicy(policy_arn=arn)
            | CreateVersion(policy_arn=arn)
            | DeletePolicy(policy_arn=arn)
            | AttachToUser(policy_arn=arn)
            | DetachFromUser(policy_arn=arn)
        ):
            return arn


@dataclass(frozen=True, slots=True)
class _Result:
    """An outcome in the words of the table."""

    outcome: str
    detail: str = ""
    request_id: str = ""
    attempts: int | None = None


def _result(outcome: Outcome | None) -> _Result:
    match outcome:
        case None:
            return _Result("unsettled", "the run broke off before it knew")
        case Applied(request_id=request_id, attempts=attempts, unconfirmed=unconfirmed):
            detail = "unconfirmed: the answer was lost, the effect was found" if unconfirmed else ""
            return _Result("applied", detail, request_id, attempts)
        case AlreadyInPlace():
            return _Result("already-in-place")
        case Skipped(code=code, detail=detail):
            return _Result("skipped", _joined(code, detail))
        case Failed(why=why, attempts=attempts):
            return _Result("failed", why, attempts=attempts)


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def history(progress: Progress, rehearsal: Progress | None = None) -> list[ChangeRow]:
    """Tell what the journal has, and after it what a rehearsal noted."""
    told = _of_runs(progress, frozenset(progress.runs), rehearsed=False)
    if rehearsal:
        told += _of_runs(rehearsal, _noted_runs(progress, rehearsal), rehearsed=True)
    return told


def _noted_runs(progress: Progress, rehearsal: Progress) -> frozenset[str]:
    """Find the runs that only a rehearsal knows in full: what it read of the real journal is no news."""
    return frozenset(
        run
        for run, started in rehearsal.runs.items()
        if started.stage is Stage.DRY_RUN or run not in progress.runs
    )


def _of_runs(progress: Progress, only: frozenset[str], *, rehearsed: bool) -> list[ChangeRow]:
    """Put everything that some runs of a journal did in its order.

    Records of one moment go by account and by their number there, so that accounts worked on side by side by a
    clock that stands still come out the same every time.
    """
    runs = {run: number for number, run in enumerate(progress.runs)}
    rows = [
        ((row.at, runs.get(row.run, -1), row.account_id, rank, number), row)
        for rank, number, row in _unsorted(progress, rehearsed=rehearsed)
        if row.run in only
    ]
    if not rehearsed:
        beside = (*_approvals(progress), *_releases(progress))
        rows += [((row.at, -1, "", 0, number), row) for number, row in enumerate(beside)]
    rows.sort(key=lambda pair: pair[0])
    return [row for _, row in rows]


def _unsorted(progress: Progress, *, rehearsed: bool) -> Iterator[tuple[int, int, ChangeRow]]:
    for number, override in enumerate(progress.overrides):
        started = progress.runs[override.run]
        yield (
            0,
            number,
            _row(
                override.at,
                started,
                change="override-gate",
                wave=override.wave,
                target=f"gate {override.gate}",
                outcome="overridden",
                detail=override.reason,
                caller=override.caller,
            ),
        )
    for number, failure in enumerate(progress.account_failures):
        yield (
            1,
            number,
            _row(
                failure.at,
                progress.runs[failure.run],
                change="enter-account",
                account_id=failure.account_id,
                outcome="failed",
                detail=". ".join(part for part in (failure.reason, failure.cure) if part),
            ),
        )
    for number, done in enumerate(progress.changes):
        yield 2, number, _change(done, rehearsed=rehearsed or is_rehearsal(done))
    for number, row in enumerate(_notices(progress, rehearsed=rehearsed)):
        yield 3, number, row
    for number, passed in enumerate(progress.passed):
        started = progress.runs[passed.run]
        noted = rehearsed or started.stage is Stage.DRY_RUN
        left = "failed" if passed.code is SkipCode.FAILED else "skipped"
        yield (
            4,
            number,
            _row(
                passed.at,
                started,
                change="skip",
                wave=passed.wave,
                user=passed.user,
                outcome="rehearsed" if noted else left,
                detail=_joined(passed.code, passed.detail),
            ),
        )


def _notices(progress: Progress, *, rehearsed: bool) -> Iterator[ChangeRow]:
    """Tell who was told, and who was reminded."""
    for notices in progress.told.values():
        for told in notices:
            yield _notice(told, progress, "notice", f"impact {told.impact}", rehearsed=rehearsed)
    for reminders in progress.reminded.values():
        for reminder in reminders:
            before = f"{moments.span(reminder.mark)} before the day told"
            yield _notice(reminder, progress, "reminder", before, rehearsed=rehearsed)


def _notice(
    said: Told | Reminded, progress: Progress, change: str, detail: str, *, rehearsed: bool
) -> ChangeRow:
    started = progress.runs[said.run]
    noted = rehearsed or started.stage is Stage.DRY_RUN
    sent = "failed" if said.delivery is Delivery.FAILED else "told"
    return _row(
        said.at,
        started,
        change=change,
        wave=said.wave,
        user=said.user,
        outcome="rehearsed" if noted else sent,
        detail=said.detail or detail,
        address=said.address,
        due=said.due,
        delivery="" if noted else str(said.delivery),
    )


def _approvals(progress: Progress) -> Iterator[ChangeRow]:
    """Tell who approved which wave. An approval stands outside of runs, and knows its plan by the checksum alone."""
    plans = {started.plan_checksum: started.plan_id for started in progress.runs.values()}
    for given in progress.approvals.values():
        plan = plans.get(given.plan_checksum, "")
        standing_alone = RunStarted(
            given.run,
            given.at,
            given.organization_id,
            plan,
            given.plan_checksum,
            Stage.ENFORCE,
            given.caller,
            "",
            "approve",
        )
        yield _row(
            given.at,
            standing_alone,
            change="approve",
            wave=given.wave,
            target="gate approval",
            outcome="approved",
            detail=given.reason,
        )


def _releases(progress: Progress) -> Iterator[ChangeRow]:
    """Tell who was let out by whom and until when, and when that was ended; the writes of it follow each."""
    for word in progress.releases.words:
        until = f" until {word.until:%Y-%m-%d %H:%M} UTC" if isinstance(word, Released) and word.until else ""
        yield _row(
            word.at,
            progress.runs[word.run],
            change="release" if isinstance(word, Released) else "end-release",
            wave=word.release_scope.wave,
            account_id=word.release_scope.accounts[0] if len(word.release_scope.accounts) == 1 else "",
            user=word.release_scope.users[0] if len(word.release_scope.users) == 1 else None,
            target=word.release_scope.words,
            outcome=f"released{until}" if isinstance(word, Released) else "ended",
            detail=word.reason,
            caller=word.caller,
        )


def stage_of(started: RunStarted) -> str:
    """Name what a run was: the stage that it carried, or the command that it was."""
    other = started.command not in ("apply", "approve") and started.stage is not Stage.DRY_RUN
    return started.command if other else str(started.stage)


def _change(done: Done, *, rehearsed: bool) -> ChangeRow:
    result = _result(done.outcome)
    if rehearsed:
        would = _joined("would be " + result.outcome.replace("-", " "), result.detail)
        result = _Result("rehearsed", would if done.outcome else "")
    intent = done.intent
    return _row(
        intent.at,
        done.started,
        change=word_of(intent.change),
        wave=intent.wave,
        account_id=intent.change.account_id,
        user=user_of(intent.change),
        target=target_of(intent.change),
        before=intent.before,
        outcome=result.outcome,
        detail=result.detail,
        request_id=result.request_id,
        attempts=result.attempts,
    )


def _row(  # noqa: PLR0913 - one parameter a column
    at: datetime,
    started: RunStarted,
    *,
    change: str,
    outcome: str,
    wave: str = "",
    account_id: str = "",
    user: UserRef | None = None,
    target: str = "",
    before: str = "",
    detail: str = "",
    request_id: str = "",
    attempts: int | None = None,
    address: str = "",
    due: date | None = None,
    delivery: str = "",
    caller: str = "",
) -> ChangeRow:
    return ChangeRow(
        at=at,
        run=started.run,
        stage=stage_of(started),
        plan_id=started.plan_id,
        wave=wave,
        account_id=account_id or (user.account_id if user else ""),
        user_name=user.name if user else "",
        user_id=user.id if user else "",
        change=change,
        target=target,
        before=before,
        outcome=outcome,
        detail=detail,
        request_id=request_id,
        attempts=attempts,
        address=address,
        due=due,
        delivery=delivery,
        caller=caller or started.caller,
    )
