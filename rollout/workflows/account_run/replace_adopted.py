"""Puts our own policy in the place of one of somebody else's that an earlier version attached.

Whoever may change that policy decides what our group may do (design.md#policy-documents).
"""

from __future__ import annotations

from rollout.domain.actions.writes import replacing
from rollout.domain.people.users import User
from rollout.domain.policy.changes import Skipped
from rollout.workflows.account_run.account_command import AccountCommand, AccountWork, Wanted
from rollout.workflows.account_run.repair_account import why_not_back


class ReplaceAdopted(AccountCommand):
    """One account in which an earlier version attached policies of others."""

    def wants(self, at: AccountWork) -> Wanted:
        """Replace each of them, for the users whom it denies everything without MFA already."""
        found = replacing(at.context)
        at.result.left += found.left
        people = {user.ref: at.context.wave_of(user) for user in found.kept}
        return Wanted(tuple(found.writes), people, frozenset(user.id for user in found.kept))

    def why_not(self, at: AccountWork, user: User) -> Skipped | None:
        """Judge somebody who was asked live just now: whom theirs denies everything, ours changes nothing for."""
        context = at.context_now()
        return None if context.is_denied(user) else why_not_back(user, context)
