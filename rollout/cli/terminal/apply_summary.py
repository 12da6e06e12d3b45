"""Says what came of an apply: to how many users, who was left alone and why, which accounts stayed shut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollout.cli.terminal.console import err, out, shortly, table
from rollout.domain.policy.changes import Failed, user_of
from rollout.domain.progress.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rollout.domain.gates import GateAnswer
    from rollout.domain.people.users import UserRef
    from rollout.domain.plan.entries import Header
    from rollout.domain.progress.records import AccountFailed
    from rollout.workflows.apply.order import ApplyResult

# The words of a tally that count users, in the order of interest: what to say after a run, and after a rehearsal.
USERS: Mapping[str, tuple[str, str]] = {
    "enforced": ("enforced now", "would be enforced"),
    "already enforced": ("enforced before", "enforced before"),
    "told": ("told", "would be told"),
    "queued": ("mail queued, not known to be delivered", "would be told"),
    "already told": ("told before", "told before"),
    "reminded": ("reminded of the day told", "would be reminded of the day told"),
    "reminders not sent": ("reminder could not be sent", "reminder could not be sent"),
    "unaffected": ("need no notice: nothing changes for them", "need no notice: nothing changes for them"),
    "enrolment rights": ("may enrol a device from now on", "would get the right to enrol a device"),
    "let out": ("let out, now exempt", "would be let out, now exempt"),
    "waiting": ("wait for the day told", "wait for the day told"),
    "notice": ("not told yet, so not enforced", "not told yet, so not enforced"),
    "not reached": ("could not be told", "could not be told"),
    "failed": ("failed", "would fail"),
    "budget": ("not tried: too many of their wave have failed", "not tried: too many would fail"),
    "drift": ("changed since the plan: left alone", "changed since the plan: left alone"),
    "exempt": ("exempt by now: left alone", "exempt by now: left alone"),
    "released": ("let out by hand: left so", "let out by hand: left so"),
    "gone": ("gone", "gone"),
    "excluded": ("in an account that is excluded now", "in an account that is excluded now"),
}
# Those that count something else.
OTHERS: Mapping[str, tuple[str, str]] = {
    "messages": ("message", "messages"),
    "writes": ("write to AWS", "writes to AWS"),
    "new default versions": ("new default policy version", "new default policy versions"),
    "policy versions held back": ("policy version held back", "policy versions held back"),
}
SHOWN = 15


def tell(result: ApplyResult, run: str, header: Header, report: str | None) -> None:
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
    """Print what the gates said, with their numbers, and who lets the wave through all the same."""
    for answer in gates:
        err.print(f"Gate {answer.gate}: {answer.result} ({answer.detail})", markup=False)
        if not answer.passes and answer.gate in overrides:
            err.print(f"  overridden now: {overrides[answer.gate]}", markup=False)
        elif answer.gate in inherited:
            err.print(f"  {inherited[answer.gate]}", markup=False)


def _user_rows(result: ApplyResult, *, rehearsal: bool) -> Iterator[tuple[str, int]]:
    counts = dict(result.tally.counts)
    for word, sayings in USERS.items():
        if counts.get(word):
            yield sayings[rehearsal], counts[word]
    for word in sorted(counts.keys() - USERS.keys() - OTHERS.keys()):
        yield word, counts[word]


def _other_counts(result: ApplyResult, *, rehearsal: bool) -> str:
    told = [
        f"{count} {one if count == 1 else many}"
        for word, (one, many) in OTHERS.items()
        if (count := result.tally[word])
    ]
    if rehearsal:
        return f"Only noted, not done: {', '.join(told)}." if told else "Nothing would be written."
    if not result.tally["writes"]:
        told.append("no write to AWS was needed")
    text = ", ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def _tell_left_alone(result: ApplyResult, run: str) -> None:
    """Print who was not moved, once each reason: failures with AWS's sentence and the cure."""
    groups: dict[tuple[str, str], dict[str, UserRef]] = {}
    for code, why, user in _not_moved(result, run):
        groups.setdefault((code, why), {})[user.id] = user
    rows = [
        (USERS.get(code, (code, code))[0], len(users), why, shortly([_called(one) for one in users.values()]))
        for (code, why), users in sorted(groups.items())
    ]
    if not rows:
        return
    out.print(table("\nNot moved in this run", ("outcome", "#users", "why", "who"), rows[:SHOWN]))
    if len(rows) > SHOWN:
        out.print(f"and {len(rows) - SHOWN} more reasons: see changes.csv in the report")


def _not_moved(result: ApplyResult, run: str) -> Iterator[tuple[str, str, UserRef]]:
    for skipped in result.progress.passed:
        if skipped.run == run:
            yield skipped.code, skipped.detail, skipped.user
    for done in result.progress.changes:
        user, outcome = user_of(done.intent.change), done.outcome
        if done.started.run == run and user is not None and isinstance(outcome, Failed):
            yield "failed", outcome.sentence, user


def _called(user: UserRef) -> str:
    return f"{user.account_id}/{user.name}"


def _tell_failed_accounts(result: ApplyResult, run: str) -> None:
    last: dict[str, AccountFailed] = {}
    for failure in result.progress.account_failures:
        if failure.run == run and failure.account_id in result.failed_accounts:
            last[failure.account_id] = failure
    rows = [(account, failure.reason, failure.cure) for account, failure in sorted(last.items())]
    if rows:
        out.print(table("\nAccounts that could not be worked on", ("account", "reason", "cure"), rows))


def as_json(result: ApplyResult, report: str | None) -> dict[str, object]:
    """Give the outcome of a run as JSON-able values."""
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
