"""Tells what was done, noted and left alone, in the order of the journal."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    user_of,
)
from rollout.domain.progress.history import History
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.projection import Done, is_rehearsal
from rollout.domain.progress.records import Released, Reminded, RunStarted, Told
from rollout.domain.progress.stages import Stage
from rollout.reporting import spelling
from rollout.reporting.change_columns import ChangeLine, ChangeOutcome

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def kind_of(change: Change) -> str:
    """Name a kind of change: `add-member` for AddMember."""
    return _CAPITAL.sub("-", type(change).__name__).lower()


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


def _outcome(outcome: Outcome | None) -> tuple[ChangeOutcome, str]:
    """Give an outcome and its detail."""
    match outcome:
        case None:
            return ChangeOutcome.UNSETTLED, "the run was cut off before the outcome was known"
        case Applied(unconfirmed=True):
            return (
                ChangeOutcome.APPLIED,
                "unconfirmed: the response was lost, but the change was found in place",
            )
        case Applied():
            return ChangeOutcome.APPLIED, ""
        case AlreadyInPlace():
            return ChangeOutcome.ALREADY_IN_PLACE, ""
        case Skipped(code=code, detail=detail):
            return ChangeOutcome.SKIPPED, _joined(code, detail)
        case Failed(why=why):
            return ChangeOutcome.FAILED, why


def _joined(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def change_lines(history: History, rehearsal: History | None = None) -> list[ChangeLine]:
    """Give what the journal has, and after it what a rehearsal noted."""
    lines = _of_runs(history, frozenset(history.runs), rehearsed=False)
    if rehearsal:
        lines += _of_runs(rehearsal, _noted_runs(history, rehearsal), rehearsed=True)
    return lines


def _noted_runs(history: History, rehearsal: History) -> frozenset[str]:
    """Find the runs that only a rehearsal knows in full: what it read of the real journal is no news."""
    return frozenset(
        run
        for run, started in rehearsal.runs.items()
        if started.stage is Stage.DRY_RUN or run not in history.runs
    )


def _of_runs(history: History, only: frozenset[str], *, rehearsed: bool) -> list[ChangeLine]:
    """Put everything that some runs of a journal did in its order.

    Records of one moment go by account and by their number there, so that accounts worked on side by side by a
    clock that stands still come out the same every time.
    """
    runs = {run: number for number, run in enumerate(history.runs)}
    kinds = (
        _overrides(history),
        _account_failures(history),
        (_change(done, rehearsed=rehearsed or is_rehearsal(done)) for done in history.changes),
        _notices(history, rehearsed=rehearsed),
        _skips(history, rehearsed=rehearsed),
    )
    lines = [
        ((line.at, runs.get(line.started.run, -1), line.account_id, rank, number), line)
        for rank, kind in enumerate(kinds)
        for number, line in enumerate(kind)
        if line.started.run in only
    ]
    if not rehearsed:
        beside = (*_approvals(history), *_releases(history), *_deliveries(history))
        lines += [((line.at, -1, "", 0, number), line) for number, line in enumerate(beside)]
    lines.sort(key=lambda pair: pair[0])
    return [line for _, line in lines]


def _overrides(history: History) -> Iterator[ChangeLine]:
    for override in history.overrides:
        yield ChangeLine(
            override.at,
            history.runs[override.run],
            "override-gate",
            ChangeOutcome.OVERRIDDEN,
            wave=override.wave,
            target=f"gate {override.gate}",
            detail=override.reason,
            caller=override.caller,
        )


def _account_failures(history: History) -> Iterator[ChangeLine]:
    for failure in history.account_failures:
        yield ChangeLine(
            failure.at,
            history.runs[failure.run],
            "enter-account",
            ChangeOutcome.FAILED,
            account=failure.account_id,
            detail=failure.reason,
            cure=failure.cure,
        )


def _change(done: Done, *, rehearsed: bool) -> ChangeLine:
    intent, result = done.intent, done.outcome
    outcome, detail = _outcome(result)
    if rehearsed:
        detail = _joined("would be " + outcome.replace("-", " "), detail) if result else ""
        outcome, result = ChangeOutcome.REHEARSED, result if isinstance(result, Failed) else None
    return ChangeLine(
        intent.at,
        done.started,
        kind_of(intent.change),
        outcome,
        wave=intent.wave,
        account=intent.change.account_id,
        user=user_of(intent.change),
        target=target_of(intent.change),
        before=intent.before,
        detail=detail,
        result=result,
    )


def _notices(history: History, *, rehearsed: bool) -> Iterator[ChangeLine]:
    """Tell who was told, and who was reminded."""
    for notices in history.told.values():
        for told in notices:
            yield _notice(told, history, "notice", f"impact {told.impact}", rehearsed=rehearsed)
    for reminders in history.reminders.values():
        for reminder in reminders:
            before = (
                f"{spelling.span(reminder.mark)} before the date in the notice"
                if reminder.mark
                else "on the day: enforced"
            )
            yield _notice(reminder, history, "reminder", before, rehearsed=rehearsed)


def _notice(
    sent: Told | Reminded, history: History, change: str, detail: str, *, rehearsed: bool
) -> ChangeLine:
    started = history.runs[sent.run]
    noted = rehearsed or started.stage is Stage.DRY_RUN
    outcome = ChangeOutcome.FAILED if sent.delivery is Delivery.REFUSED else ChangeOutcome.TOLD
    return ChangeLine(
        sent.at,
        started,
        change,
        ChangeOutcome.REHEARSED if noted else outcome,
        wave=sent.wave,
        user=sent.user,
        detail=sent.detail or detail,
        address=sent.address,
        due=sent.due,
        delivery="" if noted else str(sent.delivery),
    )


def _deliveries(history: History) -> Iterator[ChangeLine]:
    """Tell how messages fared later, as their channel said. That is outside of runs."""
    for seen in history.deliveries:
        told = next(
            (one for one in history.told.get(seen.user.id, ()) if one.message_id == seen.message_id), None
        )
        if told is None:
            continue
        yield ChangeLine(
            seen.at,
            history.runs[told.run],
            "delivery",
            ChangeOutcome.FAILED if seen.delivery.failed else ChangeOutcome.TOLD,
            wave=told.wave,
            user=seen.user,
            detail=seen.detail,
            address=seen.address,
            due=told.due,
            delivery=str(seen.delivery),
        )


def _skips(history: History, *, rehearsed: bool) -> Iterator[ChangeLine]:
    """Tell who was left alone, except users whose write failed in the same run: that line tells it already."""
    failed = {
        (done.started.run, user.id)
        for done in history.changes
        if isinstance(done.outcome, Failed) and (user := user_of(done.intent.change))
    }
    for skip in history.skips:
        is_failure = skip.code is SkipCode.FAILED
        if is_failure and (skip.run, skip.user.id) in failed:
            continue
        started = history.runs[skip.run]
        noted = rehearsed or started.stage is Stage.DRY_RUN
        outcome = ChangeOutcome.FAILED if is_failure else ChangeOutcome.SKIPPED
        yield ChangeLine(
            skip.at,
            started,
            "skip",
            ChangeOutcome.REHEARSED if noted else outcome,
            wave=skip.wave,
            user=skip.user,
            detail=_joined(skip.code, skip.detail),
        )


def _approvals(history: History) -> Iterator[ChangeLine]:
    """Tell who approved which wave. An approval is outside of runs, and knows its plan by the checksum alone."""
    plans = {started.plan_checksum: started.plan_id for started in history.runs.values()}
    for given in (one for approvals in history.approvals.values() for one in approvals):
        outside = RunStarted(
            given.run,
            given.at,
            given.organization_id,
            plans.get(given.plan_checksum, ""),
            given.plan_checksum,
            Stage.ENFORCE,
            given.caller,
            version="",
            command="approve",
        )
        yield ChangeLine(
            given.at,
            outside,
            "approve",
            ChangeOutcome.APPROVED,
            wave=given.wave,
            target="gate approval",
            detail=given.reason,
        )


def _releases(history: History) -> Iterator[ChangeLine]:
    """Tell who released whom and until when, and when that was ended; the writes for it follow each."""
    for record in history.releases.records:
        scope, begins = record.release_scope, isinstance(record, Released)
        yield ChangeLine(
            record.at,
            history.runs[record.run],
            "release" if begins else "end-release",
            ChangeOutcome.RELEASED if begins else ChangeOutcome.ENDED,
            wave=scope.wave,
            account=scope.accounts[0] if len(scope.accounts) == 1 else "",
            user=scope.users[0] if len(scope.users) == 1 and not scope.wave else None,
            target=scope.text,
            detail=record.reason,
            until=record.until if isinstance(record, Released) else None,
            caller=record.caller,
        )
