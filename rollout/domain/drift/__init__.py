"""Where AWS differs from what was decided: each difference with its likely cause and its cure."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.actions.sight import Sight
from rollout.domain.actions.wishes import out
from rollout.domain.drift.drift_kinds import Drift, Drifted
from rollout.domain.drift.of_accounts import about_accounts, about_policy
from rollout.domain.drift.of_users import (
    about_class,
    about_out,
    about_user,
    deadlock,
    in_fact,
    new_user,
    seen,
)
from rollout.domain.plan.entries import AccountPlan

__all__ = [
    "Drift",
    "Drifted",
    "about_accounts",
    "deadlock",
    "drift_of",
    "in_fact",
    "seen",
]


def drift_of(sight: Sight, part: AccountPlan | None) -> Iterator[Drift]:
    """Find everything that has drifted in one account; `part` is what the plan decided there."""
    account = tuple(about_policy(sight))
    yield from account
    explained = bool(account)
    entries = {entry.user.id: entry for entry in part.entries} if part else {}
    gone = {one.user.id: one.by_us for one in out(sight)}
    for user in sight.facts.users:
        if user.id in gone:
            yield from about_out(sight, user, by_us=gone[user.id])
        else:
            yield from about_user(sight, user, explained=explained)
        entry = entries.get(user.id)
        if entry is not None:
            yield from about_class(sight, user, entry)
        elif part is not None:
            yield new_user(sight, user)
