"""Counts where everybody stands whom this tool has put under the policy; what a record claims, AWS has to show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.people.users import User


class KnownBy(StrEnum):
    """What AWS shows of a user who is released."""

    BRAKE = "the version in force denies nothing"
    OUT = "neither in the group nor with the policy attached"


@dataclass(frozen=True, slots=True)
class LetOutBy:
    """Whose release it is, and until when, None for without end; by nobody on record, it was somebody's hand."""

    caller: str
    until: datetime | None
    known_by: KnownBy

    @property
    def text(self) -> str:
        """Say who released."""
        until = f", until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"by {self.caller}{until}" if self.caller else "by hand: no release is on record"


@dataclass(slots=True)
class HeadCount:
    """Numbers of users in the accounts that were read.

    `placed`: put under the policy by this tool, and never taken out for good. Each of them is `enforced` in fact, by
    evaluation of all policies; or `released`, on record or by hand, and AWS shows it; or `missing`. `record_alone`:
    those for whom a release lasts that AWS does not show. `strangers`: enforced, and not placed by this tool.
    `unread`: placed in accounts that could not be read.
    """

    placed: int = 0
    enforced: int = 0
    released: Counter[LetOutBy] = field(default_factory=Counter)
    missing: int = 0
    record_alone: int = 0
    strangers: int = 0
    unread: int = 0

    def add(self, context: AccountContext) -> None:
        """Count the users of an account as it was read."""
        progress = context.progress
        for user in context.facts.users:
            enforced = bool(context.verdict(user).enforced_by_us)
            if user.id not in progress.placed and user.id not in progress.releases.to_return:
                self.strangers += enforced
                continue
            self.placed += 1
            let_out = None if enforced else _let_out(context, user)
            self.enforced += enforced
            if let_out is not None:
                self.released[let_out] += 1
            elif not enforced:
                self.missing += 1
            if let_out is None and context.is_released(user):
                self.record_alone += 1


def _let_out(context: AccountContext, user: User) -> LetOutBy | None:
    """Say by whom somebody is released, as far as AWS shows it; None where a release is over, or there is none."""
    if context.is_under_adopted(user):
        return None
    if not context.is_under_policy(user):
        known_by = KnownBy.OUT
    elif context.brake_pulled:
        known_by = KnownBy.BRAKE
    else:
        return None
    if release := context.release_of(user):
        return LetOutBy(release.caller, release.until, known_by)
    over = context.release_over if known_by is KnownBy.BRAKE else context.was_released(user)
    return None if over else LetOutBy("", None, known_by)
