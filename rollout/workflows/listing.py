"""`rollout inventory`: judges all users by today's `rollout.yaml`, without a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollout.counted import number_of
from rollout.domain.people.observations import Inventory
from rollout.domain.people.scope import Selection, Unmatched
from rollout.domain.plan.entries import AccountPlan, Header, count_verdicts, count_waves
from rollout.domain.progress.projection import Progress
from rollout.errors import EmptySelection
from rollout.workflows.plan import PlanOrder, draft
from rollout.workflows.ports import Journal


@dataclass(frozen=True, slots=True)
class Listed:
    """The users and their verdicts, in the shape of a plan that is not stored."""

    header: Header
    accounts: tuple[AccountPlan, ...]
    progress: Progress

    @property
    def users(self) -> int:
        """The number of users listed."""
        return sum(len(account.entries) for account in self.accounts)


def list_users(inventory: Inventory, order: PlanOrder, journal: Journal, selection: Selection) -> Listed:
    """Judge all users, and keep those that `--user` selects. Raises EmptySelection if a glob matches nobody.

    Unlike a plan, this allows users without a wave and any number of exemptions.
    """
    progress = journal.progress(inventory.organization.id)
    drafted = draft(inventory, replace(order, id=""), progress)
    accounts = tuple(_narrowed(account, selection) for account in drafted.accounts)
    if selection.users:
        _refuse_unmatched(drafted.accounts, selection, len(inventory.unreachable))
    header = replace(
        drafted.header,
        waves=count_waves(accounts, tuple(drafted.header.waves)),
        verdicts=count_verdicts(accounts),
    )
    return Listed(header, accounts, progress)


def _narrowed(account: AccountPlan, selection: Selection) -> AccountPlan:
    chosen = (
        entry
        for entry in account.entries
        if selection.takes_user(entry.user.arn, entry.user.name, entry.user.id)
    )
    return replace(account, entries=tuple(chosen))


def _refuse_unmatched(accounts: tuple[AccountPlan, ...], selection: Selection, unreachable: int) -> None:
    unmatched = Unmatched(Selection(users=selection.users))
    for account in accounts:
        for entry in account.entries:
            unmatched.see_user(entry.user.arn, entry.user.name, entry.user.id)
    if unmatched.words:
        unseen = f"; {number_of(unreachable, 'account')} could not be read" if unreachable else ""
        raise EmptySelection(
            f"nobody in the accounts that were read matches {unmatched.words}{unseen}",
            cure="give a user's ARN, name or UserId; globs may be quoted: '*/alice'",
        )
