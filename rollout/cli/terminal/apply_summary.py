"""Prints the result of an apply: the users by outcome, those left alone and why, and the accounts that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollout.cli.terminal.console import err, out, shortly, table
from rollout.domain.progress.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.domain.gates import GateAnswer
    from rollout.domain.plan.entries import Header
    from rollout.domain.progress.records import AccountFailed, UserSkipped
    from rollout.workflows.apply.order import Applied

# The counters of users in order of interest, with their texts after a run and after a rehearsal.
USERS: Mapping[str, tuple[str, str]] = {
    "enforced": ("enforced now", "would be enforced"),
    "already enforced": ("enforced before", "enforced before"),
    "told": ("told", "would be told"),
    "queued": ("notice queued, delivery not confirmed", "would be told"),
    "already told": ("told before", "told before"),
    "reminded": ("reminded", "would be reminded"),
    "reminders not sent": ("reminder could not be sent", "reminder could not be sent"),
    "unaffected": ("unaffected: no notice needed", "unaffected: no notice needed"),
    "enrolment rights": ("given permission to enrol a device", "would be given permission to enrol a device"),
    "let out": ("released, because exempt now", "would be released, because exempt now"),
    "waiting": ("waiting for the date they were told", "waiting for the date they were told"),
    "notice": ("not told yet, so not enforced", "not told yet, so not enforced"),
    "not reached": ("could not be told", "could not be told"),
    "failed": ("failed", "would fail"),
    "budget": (
        "not attempted: too many failures in their wave",
        "would not be attempted: too many failures in their wave",
    ),
    "drift": ("changed since the plan: left alone", "changed since the plan: left alone"),
    "exempt": ("exempt now: left alone", "exempt now: left alone"),
    "released": ("released: left alone", "released: left alone"),
    "gone": ("deleted since the plan", "deleted since the plan"),
    "excluded": ("in an account that is excluded now", "in an account that is excluded now"),
}
# The counters of other things, in the singular and the plural.
OTHERS: Mapping[str, tuple[str, str]] = {
    "messages": ("message", "messages"),
    "writes": ("write to AWS", "writes to AWS"),
    "new default versions": ("new default policy version", "new default policy versions"),
    "policy versions held back": ("policy version not activated", "policy versions not activated"),
}
SHOWN = 15


def tell(result: Applied, run: str, header: Header, report: str | None) -> None:
    """Print the outcome of a run."""
    if not result.waves:
        tell_gates(result.gates, result.inherited, {})
        out.print(f"Nothing is due: {result.why_nothing}.", markup=False)
        return
    rehearsal = result.stage is Stage.DRY_RUN
    waves = f"wave{'s' if len(result.waves) > 1 else ''} {', '.join(result.waves)}"
    what = {Stage.DRY_RUN: "Rehearsal", Stage.NOTIFY: "Notices", Stage.ENFORCE: "Enforcement"}[result.stage]
    rows = list(_user_rows(result, rehearsal=rehearsal))
    out.print(
        table(f"{what} by plan {header.id}, {waves}", ("outcome", "#users"), rows or [("nothing to do", 0)])
    )
    out.print(_other_counts(result, rehearsal=rehearsal), markup=False)
    _tell_left_alone(result, run)
    _tell_failed_accounts(result, run)
    if result.why_nothing:
        out.print(f"Nothing more is due: {result.why_nothing}.", markup=False)
    if report is not None:
        out.print(f"Report: {report}", markup=False)


def tell_gates(
    gates: Iterable[GateAnswer], inherited: Mapping[str, str], overrides: Mapping[str, str]
) -> None:
    """Print each gate's answer with its numbers, and its override if there is one."""
    for answer in gates:
        err.print(f"Gate {answer.gate}: {answer.result} ({answer.detail})", markup=False)
        if not answer.passes and answer.gate in overrides:
            err.print(f"  overridden now: {overrides[answer.gate]}", markup=False)
        elif answer.gate in inherited:
            err.print(f"  {inherited[answer.gate]}", markup=False)


def _user_rows(result: Applied, *, rehearsal: bool) -> Iterator[tuple[str, int]]:
    counts = dict(result.tally.counts)
    for word, sayings in USERS.items():
        if counts.get(word):
            yield sayings[rehearsal], counts[word]
    for word in sorted(counts.keys() - USERS.keys() - OTHERS.keys()):
        yield word, counts[word]


def _other_counts(result: Applied, *, rehearsal: bool) -> str:
    told = [
        f"{count} {one if count == 1 else many}"
        for word, (one, many) in OTHERS.items()
        if (count := result.tally[word])
    ]
    if rehearsal:
        return f"Recorded but not carried out: {', '.join(told)}." if told else "Nothing would be written."
    if not result.tally["writes"]:
        told.append("no write to AWS was needed")
    text = ", ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def _tell_left_alone(result: Applied, run: str) -> None:
    groups: dict[tuple[str, str], dict[str, UserSkipped]] = {}
    for passed in result.progress.passed:
        if passed.run == run:
            groups.setdefault((passed.code, passed.detail), {})[passed.user.id] = passed
    rows = [
        (USERS.get(code, (code, code))[0], len(users), why, shortly([_called(one) for one in users.values()]))
        for (code, why), users in sorted(groups.items())
    ]
    if not rows:
        return
    out.print(table("\nLeft alone in this run", ("outcome", "#users", "why", "who"), rows[:SHOWN]))
    if len(rows) > SHOWN:
        out.print(f"and {len(rows) - SHOWN} more reasons: see changes.csv in the report")


def _called(passed: UserSkipped) -> str:
    return f"{passed.user.account_id}/{passed.user.name}"


def _tell_failed_accounts(result: Applied, run: str) -> None:
    last: dict[str, AccountFailed] = {}
    for failure in result.progress.account_failures:
        if failure.run == run and failure.account_id in result.failed_accounts:
            last[failure.account_id] = failure
    rows = [(account, failure.reason, failure.cure) for account, failure in sorted(last.items())]
    if rows:
        out.print(table("\nFailed accounts", ("account", "reason", "cure"), rows))


def as_json(result: Applied, report: str | None) -> dict[str, object]:
    """Return the result of a run as JSON-compatible values."""
    return {
        "stage": str(result.stage),
        "waves": list(result.waves),
        "counts": dict(result.tally.counts),
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
