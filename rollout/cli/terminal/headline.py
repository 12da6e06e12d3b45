"""Says in a few lines where the rollout stands, as the head of the report's page does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rollout.counted import number_are, number_of
from rollout.domain.status.over_time import Past, pace_of, say_pace
from rollout.domain.status.state_codes import UserState
from rollout.domain.verdicts.verdict import Code, Kind

if TYPE_CHECKING:
    from datetime import datetime

    from rollout.domain.plan.entries import Header
    from rollout.workflows.status import Overview

BAR = 40
OPEN = (
    UserState.UNDELIVERED,
    UserState.FAILED,
    UserState.UNSETTLED,
    UserState.DRIFTED,
    UserState.EXEMPTION_OVER,
)
"""States that somebody has to do something about; holds are named by their reason."""


def bar(parts: Sequence[tuple[str, int]], width: int = BAR) -> str:
    """Draw numbers as one line of signs; what is there at all has a sign where there is room."""
    total, edge, done, line = sum(number for _, number in parts), 0, 0, ""
    for sign, number in parts:
        done += number
        at = done * width // total if total else 0
        line += sign * (at - edge)
        edge = at
    return f"[{line.ljust(width)}]"


def headline(header: Header, stands: Overview, past: Past, now: datetime) -> Iterator[str]:
    """Yield the lines: how many users are under MFA enforcement, where the others stand, and the forecast."""
    verdicts, in_waves = header.verdicts, sum(one.enforced for one in stands.waves)
    users, covered = sum(verdicts.values()), verdicts.get(Kind.COVERED, 0)
    enforced = in_waves + stands.outside
    safe = enforced + covered
    share = f" ({safe * 1000 // users / 10:g} %)" if users else ""
    yield (
        f"{safe:,} of {number_of(users, 'user')}{share} {number_are(safe).rpartition(' ')[2]} under MFA enforcement: "
        f"{enforced:,} by this tool, {covered:,} by other policies."
    )
    waiting = sum(one.users - one.enforced for one in stands.waves)
    others = users - safe - waiting
    yield (
        f"{bar((('#', enforced), ('=', covered), ('.', waiting), ('!', others)))} # {enforced:,} enforced, "
        f"= {covered:,} covered, . {waiting:,} waiting, ! {others:,} on hold or exempt"
    )
    yield say_pace(pace_of(past.looks, users - safe, now), users - safe)


def to_decide(header: Header, past: Past) -> list[tuple[str, int, str, str]]:
    """Count what waits for a person: the reason, how many, since when at least, and what to do."""
    oldest: dict[str, datetime] = {}
    for stand in past.stands.users.values():
        oldest[stand.state] = min(stand.since, oldest.get(stand.state, stand.since))
    counts = past.looks[-1].states if past.looks else {}
    rows = []
    for state in (
        *OPEN,
        *(code for code in Code if code.leads_to is Kind.HOLD and code is not Code.BREAK_GLASS),
    ):
        if number := counts.get(str(state), 0):
            since = f"{oldest[state]:%Y-%m-%d}" if state in oldest else ""
            rows.append((str(state), number, since, state.cure if isinstance(state, Code) else state.meaning))
    unseen = sum(left.state == "unreachable" for left in header.left_out)
    if unseen:
        rows.append(("accounts not entered", unseen, "", "rollout doctor"))
    return rows
