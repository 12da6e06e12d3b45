"""Finds the users on whom MFA is still to be enforced, and what that means for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rollout.domain.gates.readiness import needs_notice
from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.plan.impact_counts import Affected
from rollout.domain.status.user_status import Statuses, UserStatus


def to_come(members: Iterable[tuple[PlanEntry, UserStatus]], *, unaffected_too: bool) -> Iterator[Affected]:
    """Yield the users on whom MFA is still to be enforced.

    Devices are as the plan's inventory found them. `unaffected_too` is `gates.notice_for_unaffected`.
    """
    for entry, status in members:
        if status.to_come and entry.impact is not None:
            told = needs_notice(entry.impact, unaffected_too=unaffected_too)
            yield Affected(entry.user, entry.wave, entry.impact, entry.facts.mfa_active, told)


def to_come_in(
    accounts: Iterable[AccountPlan], statuses: Statuses, *, unaffected_too: bool
) -> Iterator[Affected]:
    """Yield the users of accounts on whom MFA is still to be enforced."""
    members = ((entry, statuses.of(entry.user, entry)) for part in accounts for entry in part.entries)
    return to_come(members, unaffected_too=unaffected_too)
