"""Prints the result of an apply: the users by outcome, those left alone and why, and the accounts that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollout.cli.terminal.console import err, next_step, out, shortly, table, warn
from rollout.cli.terminal.impact_table import impact_as_json, names_as_json, names_table
from rollout.counted import number_of
from rollout.domain.policy.changes import Failed, SkipCode, user_of
from rollout.domain.progress.stages import Stage
from rollout.workflows.apply.order import Counted, CountKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.domain.gates import GateAnswer
    from rollout.domain.people.users import UserRef
    from rollout.domain.plan.entries import Header
    from rollout.domain.plan.impact_counts import ImpactCounts
    from rollout.domain.progress.records import AccountFailed
    from rollout.workflows.apply.order import ApplyResult, RunPreview

# The counters of users in order of interest, with their texts after a run and after a rehearsal.
USERS: Mapping[CountKey, tuple[str, str]] = {
    Counted.ENFORCED: ("enforced now", "would be enforced"),
    Counted.ALREADY_ENFORCED: ("enforced before", "enforced before"),
    Counted.TOLD: ("told", "would be told"),
    Counted.QUEUED: ("notice queued, delivery not confirmed", "would be told"),
    Counted.SENT: ("notice sent, delivery not confirmed", "would be told"),
    Counted.PERHAPS_TWICE: ("perhaps told twice: an earlier run died while sending", "perhaps told twice"),
    Counted.ALREADY_TOLD: ("told before", "told before"),
    Counted.REMINDED: ("reminded", "would be reminded"),
    Counted.ANNOUNCED: ("told that they are enforced now", "would be told that they are enforced"),
    Counted.REMINDERS_NOT_SENT: ("reminder could not be sent", "reminder could not be sent"),
    Counted.UNAFFECTED: ("unaffected: no notice needed", "unaffected: no notice needed"),
    Counted.ENROLMENT_RIGHTS: (
        "given permission to enrol a device",
        "would be given permission to enrol a device",
    ),
    Counted.LET_OUT: ("released, because exempt now", "would be released, because exempt now"),
    Counted.LET_OUT_AGAIN: (
        "enforced in spite of a release: released again",
        "enforced in spite of a release: would be released again",
    ),
    SkipCode.WAITING: ("waiting for their date", "would wait for their date"),
    SkipCode.GATE: ("kept back by a gate that has shut", "would be kept back by a gate"),
    SkipCode.NOTICE: ("not told yet, so not enforced", "not told yet, so would not be enforced"),
    Counted.NOT_REACHED: ("could not be told", "could not be told"),
    SkipCode.FAILED: ("failed", "would fail"),
    SkipCode.BUDGET: (
        "not attempted: too many failures in their wave",
        "would not be attempted: too many failures in their wave",
    ),
    SkipCode.DRIFT: ("changed since the plan: skipped", "changed since the plan: would be skipped"),
    SkipCode.EXEMPT: ("exempt now: skipped", "exempt now: would be skipped"),
    SkipCode.RELEASED: ("released: skipped", "released: would be skipped"),
    SkipCode.GONE: ("deleted since the plan", "deleted since the plan"),
    SkipCode.EXCLUDED: ("in an account that is excluded now", "in an account that is excluded now"),
}
# The counters of other things, in the singular and the plural.
OTHERS: Mapping[CountKey, tuple[str, str]] = {
    Counted.MESSAGES: ("message", "messages"),
    Counted.WRITES: ("write to AWS", "writes to AWS"),
    Counted.BRAKES: (
        "account released again, where the policy was in force in spite of a release",
        "accounts released again, where the policy was in force in spite of a release",
    ),
    Counted.NEW_VERSIONS: ("new default policy version", "new default policy versions"),
    Counted.VERSIONS_HELD_BACK: ("policy version not activated", "policy versions not activated"),
}
SHOWN = 15
NEXT = {
    Stage.DRY_RUN: "read the report, then notify the first wave: rollout apply --stage notify",
    Stage.NOTIFY: "see when the wave is due: rollout status; then rollout apply --stage enforce",
    Stage.ENFORCE: "see who is enforced in fact: rollout verify",
}


def tell(result: ApplyResult, run: str, header: Header, report: str | None, *, names: bool) -> None:
    """Print the outcome of a run."""
    if not result.waves and not result.tally.counts:
        tell_gates(result.gates, result.inherited, {})
        out.print(f"Nothing is due: {result.why_nothing}.")
        return
    rehearsal = result.stage is Stage.DRY_RUN
    waves = f", wave{'s' if len(result.waves) > 1 else ''} {', '.join(result.waves)}" if result.waves else ""
    what = {Stage.DRY_RUN: "Rehearsal", Stage.NOTIFY: "Notices", Stage.ENFORCE: "Enforcement"}[result.stage]
    rows = list(_user_rows(result, rehearsal=rehearsal))
    out.print(
        table(f"{what} by plan {header.id}{waves}", ("outcome", "#users"), rows or [("nothing to do", 0)])
    )
    _tell_impact(result)
    out.print(_other_counts(result, rehearsal=rehearsal))
    if names:
        out.print(names_table(result.affected))
    _tell_left_alone(result, run)
    _tell_failed_accounts(result, run)
    if result.why_nothing:
        out.print(f"Nothing more is due: {result.why_nothing}.")
    if report is not None:
        out.print(f"Report: {report}")
    next_step(NEXT[result.stage])


def tell_gates(
    gates: Iterable[GateAnswer], inherited: Mapping[str, str], overrides: Mapping[str, str]
) -> None:
    """Print each gate's answer with its numbers, and its override if there is one."""
    for answer in gates:
        err.print(f"Gate {answer.gate}: {answer.result} ({answer.detail})")
        if not answer.passes and answer.gate in overrides:
            err.print(f"  overridden now: {overrides[answer.gate]}")
        elif answer.gate in inherited:
            err.print(f"  {inherited[answer.gate]}")


def tell_wave(wave: str, users: int, counts: ImpactCounts | None, again: str) -> None:
    """Print for how many users of a wave the run will write and what that means to them, as far as is known."""
    if counts is None:
        err.print(f"  wave {wave}, {number_of(users, 'user')}{again}")
        return
    err.print(f"  wave {wave}, {counts.users} of {number_of(users, 'user')}{again}:")
    err.print(f"    {counts.sentence}")


def tell_unseen(preview: RunPreview) -> None:
    """Print how many users could not be read for the preview."""
    if preview.unseen:
        warn(
            f"accounts with {number_of(preview.unseen, 'user')} of these waves could not be read; "
            "the run will try them again"
        )


def warn_of_no_device(impact: Iterable[ImpactCounts], *, gated: bool) -> None:
    """Print how many users will be able to do nothing but enrol a device."""
    number = sum(counts.without_device for counts in impact)
    if number:
        gate = (
            ""
            if gated
            else " The gate gates.enrolment, which waits until enough users have enrolled, is off."
        )
        warn(
            f"{number_of(number, 'user has', 'users have')} no MFA device and will be able to do nothing but"
            f" enrol one from the next minute.{gate}"
        )


def _tell_impact(result: ApplyResult) -> None:
    """Print what the run means to the users for whom it wrote."""
    for wave, counts in result.impact.items():
        if counts.users:
            out.print(f"Impact in wave {wave}: {counts.sentence}")


def _user_rows(result: ApplyResult, *, rehearsal: bool) -> Iterator[tuple[str, int]]:
    for what, sayings in USERS.items():
        if count := result.tally[what]:
            yield sayings[rehearsal], count


def _other_counts(result: ApplyResult, *, rehearsal: bool) -> str:
    told = [
        number_of(count, one, many) for what, (one, many) in OTHERS.items() if (count := result.tally[what])
    ]
    if rehearsal:
        return f"Recorded but not carried out: {', '.join(told)}." if told else "Nothing would be written."
    if not result.tally[Counted.WRITES]:
        told.append("no write to AWS was needed")
    text = ", ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def _tell_left_alone(result: ApplyResult, run: str) -> None:
    """Print who was not moved, once each reason: failures with AWS's sentence and the cure."""
    groups: dict[tuple[SkipCode, str], dict[str, UserRef]] = {}
    for code, why, user in _not_moved(result, run):
        groups.setdefault((code, why), {})[user.id] = user
    rehearsal = result.stage is Stage.DRY_RUN
    rows = [
        (
            USERS.get(code, (code, code))[rehearsal],
            len(users),
            why,
            shortly([_called(one) for one in users.values()]),
        )
        for (code, why), users in sorted(groups.items())
    ]
    if not rows:
        return
    title = "\nWould be skipped" if rehearsal else "\nSkipped in this run"
    out.print(table(title, ("outcome", "#users", "why", "who"), rows[:SHOWN]))
    if len(rows) > SHOWN:
        out.print(f"and {number_of(len(rows) - SHOWN, 'more reason')}: see changes.csv in the report")


def _not_moved(result: ApplyResult, run: str) -> Iterator[tuple[SkipCode, str, UserRef]]:
    for skipped in result.history.skips:
        if skipped.run == run:
            yield skipped.code, skipped.detail, skipped.user
    for done in result.history.changes:
        user, outcome = user_of(done.intent.change), done.outcome
        if done.started.run == run and user is not None and isinstance(outcome, Failed):
            yield SkipCode.FAILED, outcome.sentence, user


def _called(user: UserRef) -> str:
    return f"{user.account_id}/{user.name}"


def _tell_failed_accounts(result: ApplyResult, run: str) -> None:
    last: dict[str, AccountFailed] = {}
    for failure in result.history.account_failures:
        if failure.run == run and failure.account_id in result.failed_accounts:
            last[failure.account_id] = failure
    rows = [(account, failure.reason, failure.cure) for account, failure in sorted(last.items())]
    if rows:
        out.print(table("\nFailed accounts", ("account", "reason", "cure"), rows))


def as_json(result: ApplyResult, report: str | None, *, names: bool) -> dict[str, object]:
    """Return the result of a run as JSON-compatible values."""
    return {
        "stage": str(result.stage),
        "waves": list(result.waves),
        "counts": result.tally.counts,
        "impact": impact_as_json(result.impact),
        **({"affected": names_as_json(result.affected)} if names else {}),
        "gates": [
            {
                "gate": answer.gate,
                "result": str(answer.result),
                "detail": answer.detail,
                "opens_at": answer.opens_at,
                "overridden": result.inherited.get(answer.gate),
            }
            for answer in result.gates
        ],
        "stopped": list(result.stopped),
        "refused": str(result.refused) if result.refused else None,
        "failed_accounts": list(result.failed_accounts),
        "interrupted": result.interrupted,
        "why_nothing": result.why_nothing,
        "report": report,
    }
