"""`rollout acknowledge`: turns what people answered to their notice into lines for `rollout.yaml`, to be reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from rollout.domain.people.users import UserRef
from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.status.user_status import Statuses
from rollout.domain.verdicts.verdict import Kind


class AnswerKind(StrEnum):
    """What somebody answers."""

    READY = "ready"
    """Go ahead: the user may be enforced earlier."""
    MACHINE = "machine"
    """No person uses this: its owner has to replace it first."""
    UNTIL = "until"
    """I need more time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the file: about a user, named by ARN or by account and name. `line` is its number."""

    line: int
    said: AnswerKind
    arn: str = ""
    account: str = ""
    user: str = ""
    until: date | None = None
    reason: str = ""
    owner: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class RequestedExemption:
    """A line for `exemptions`, if somebody agrees to it."""

    user: UserRef
    owner: str
    reason: str
    expires: date
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the answers come to: who may go first, who asks to be left alone, and what leads to nothing and why."""

    ready: tuple[UserRef, ...]
    requested: tuple[RequestedExemption, ...]
    left: tuple[tuple[int, str], ...]


def acknowledge(
    answers: Iterable[Answer],
    accounts: Iterable[AccountPlan],
    statuses: Statuses,
    today: date,
    machine_for: timedelta,
) -> Acknowledged:
    """Weigh each answer by the plan. The last line about a user counts; `machine_for` is how long machines ask for."""
    known = _by_name(accounts)
    ready: dict[str, UserRef] = {}
    requested: dict[str, RequestedExemption] = {}
    left: list[tuple[int, str]] = []
    for answer in answers:
        entry = known.get(answer.arn) or known.get(f"{answer.account}/{answer.user.casefold()}")
        found = _weighed(answer, entry, statuses, today, machine_for)
        if isinstance(found, str) or entry is None:
            left.append((answer.line, str(found)))
            continue
        ready.pop(entry.user.id, None)
        requested.pop(entry.user.id, None)
        if isinstance(found, RequestedExemption):
            requested[entry.user.id] = found
        else:
            ready[entry.user.id] = found
    return Acknowledged(tuple(ready.values()), tuple(requested.values()), tuple(left))


def _by_name(accounts: Iterable[AccountPlan]) -> Mapping[str, PlanEntry]:
    known: dict[str, PlanEntry] = {}
    for part in accounts:
        for entry in part.entries:
            known[entry.user.arn] = entry
            known[f"{part.account_id}/{entry.user.name.casefold()}"] = entry
    return known


def _weighed(
    answer: Answer, entry: PlanEntry | None, statuses: Statuses, today: date, machine_for: timedelta
) -> UserRef | RequestedExemption | str:
    """Return what an answer leads to, or why to nothing."""
    if entry is None:
        who = answer.arn or f"{answer.account}/{answer.user}"
        return f"the plan has no user {who}"
    if answer.said is AnswerKind.READY:
        if entry.verdict is not Kind.ENFORCE:
            return f"{entry.user.arn} is {entry.verdict} ({', '.join(entry.because)}), whatever they say"
        if statuses.of(entry.user, entry).enforced:
            return f"{entry.user.arn} is enforced already"
        return entry.user
    if not answer.owner:
        return f"nobody is named who is responsible for {entry.user.arn} until then (owner)"
    expires = answer.until or (today + machine_for if answer.said is AnswerKind.MACHINE else None)
    if expires is None:
        return f"it says no day until which {entry.user.arn} needs to be left alone (until)"
    if expires <= today:
        return f"the day {expires} has passed"
    reason = answer.reason or (
        "a machine uses it" if answer.said is AnswerKind.MACHINE else "needs more time"
    )
    return RequestedExemption(entry.user, answer.owner, reason, expires, answer.ticket)
