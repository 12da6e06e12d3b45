"""Finds where AWS differs from plan and journal, each difference with its likely cause and its cure."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.drift.drift_kinds import Drift, Drifted
from rollout.domain.drift.head_count import HeadCount
from rollout.domain.drift.meanwhile import written_between
from rollout.domain.drift.of_accounts import about_accounts, about_policy, about_records
from rollout.domain.drift.of_users import (
    SOON,
    about_class,
    about_out,
    about_user,
    deadlock,
    new_user,
    seen,
)
from rollout.domain.drift.unsettled_writes import about_unsettled, as_settled, unsettled_writes
from rollout.domain.plan.entries import AccountPlan

__all__ = [
    "SOON",
    "Drift",
    "Drifted",
    "HeadCount",
    "about_accounts",
    "about_records",
    "about_unsettled",
    "as_settled",
    "deadlock",
    "drift_of",
    "seen",
    "unsettled_writes",
    "written_between",
]


def drift_of(context: AccountContext, part: AccountPlan | None) -> Iterator[Drift]:
    """Find all drift in one account; `part` is its part of the plan, or None if the plan does not have it."""
    of_policy = tuple(about_policy(context))
    yield from of_policy
    entries = {entry.user.id: entry for entry in part.entries} if part else {}
    gone = {user.id: context.was_released(user) for user in context.taken_out}
    for user in context.facts.users:
        if user.id in gone:
            yield from about_out(context, user, by_us=gone[user.id])
        else:
            yield from about_user(context, user, explained=bool(of_policy))
        entry = entries.get(user.id)
        if entry is not None:
            yield from about_class(context, user, entry)
        elif part is not None:
            yield new_user(context, user)
