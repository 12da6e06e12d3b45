"""`rollout inventory`: judges all users by today's `rollout.yaml`, without a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollout.counted import number_of
from rollout.domain.people.scope import Selection, Unmatched
from rollout.domain.plan.entries import Header
from rollout.domain.progress.projection import Progress
from rollout.errors import EmptySelection
from rollout.workflows.inventory import Look
from rollout.workflows.judging.draft import PlanOrder, draft
from rollout.workflows.ports import Journal, PlanParts


@dataclass(frozen=True, slots=True)
class Listed:
    """The users and their verdicts, in the shape of a plan that is not stored. `parts` has the accounts."""

    header: Header
    accounts: int
    parts: PlanParts
    progress: Progress

    @property
    def users(self) -> int:
        """The number of users listed."""
        return sum(self.header.verdicts.values())


def list_users(
    look: Look, order: PlanOrder, journal: Journal, selection: Selection, parts: PlanParts
) -> Listed:
    """Judge all users, and keep those that `--user` selects. Raises EmptySelection if a glob matches nobody.

    Unlike a plan, this allows users without a wave and any number of exemptions.
    """
    progress = journal.progress(look.where.organization.id)
    users = Selection(users=selection.users)
    drafted = draft(look, replace(order, id=""), progress, parts, users=users)
    if users.users:
        unreachable = sum(left.state == "unreachable" for left in drafted.header.left_out)
        _refuse_unmatched(parts, users, unreachable)
    return Listed(drafted.header, len(drafted.accounts), parts, progress)


def _refuse_unmatched(parts: PlanParts, users: Selection, unreachable: int) -> None:
    unmatched = Unmatched(users)
    for part in parts.accounts():
        for entry in part.entries:
            unmatched.see_user(entry.user.arn, entry.user.name, entry.user.id)
    if unmatched.words:
        unseen = f"; {number_of(unreachable, 'account')} could not be read" if unreachable else ""
        raise EmptySelection(
            f"nobody in the accounts that were read matches {unmatched.words}{unseen}",
            cure="give a user's ARN, name or UserId; globs may be quoted: '*/alice'",
        )
