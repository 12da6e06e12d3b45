"""Sums up one account of a plan, so that a command can tell which accounts it has to read whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rollout.domain.plan.entries import AccountPlan
from rollout.domain.verdicts.verdict import Impact


@dataclass(frozen=True, slots=True)
class OutlineGroup:
    """How many users of a wave have the same impact and either have an MFA device or none."""

    wave: str
    impact: Impact | None
    mfa_active: bool
    users: int


@dataclass(frozen=True, slots=True)
class AccountOutline:
    """What stands in an account's part, in short.

    `groups` count the users who are in a wave. `enforced` tells whether the inventory found any user under our policy.
    """

    account_id: str
    name: str
    ou: str
    groups: tuple[OutlineGroup, ...] = ()
    enforced: bool = False


def outline_of(part: AccountPlan) -> AccountOutline:
    """Sum up an account's part."""
    counted = Counter(
        (entry.wave, entry.impact, entry.facts.mfa_active) for entry in part.entries if entry.wave
    )
    groups = tuple(OutlineGroup(*key, users) for key, users in counted.items())
    enforced = any(entry.enforced_by_us for entry in part.entries)
    return AccountOutline(part.account_id, part.name, part.ou, groups, enforced)
