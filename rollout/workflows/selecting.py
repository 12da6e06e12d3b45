"""Applies `--account`, `--ou` and `--user`, and refuses those that match nothing: that is never "everything".

See design.md#commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rollout.domain.people.organization import Account
from rollout.domain.people.scope import Selection, Unmatched
from rollout.domain.plan.entries import AccountPlan
from rollout.errors import EmptySelection
from rollout.workflows.ports import StoredPlan


def check_accounts(selection: Selection, accounts: Iterable[Account], organization_id: str) -> None:
    """Check each glob against the organization's accounts. Raises EmptySelection, naming the globs without a match."""
    unmatched = Unmatched(selection)
    for account in accounts:
        unmatched.see_account(account.id, account.name, account.ou)
    if unmatched.words:
        raise EmptySelection(
            f"no account of organization {organization_id} matches {unmatched.words}",
            cure="give an account's id, its name, or the path of an OU (Workloads/Prod); globs may be quoted: 'prod-*'",
        )


def check_in_plan(selection: Selection, plan: StoredPlan) -> None:
    """Check each glob against a plan. Raises EmptySelection, naming the globs without a match."""
    unmatched = Unmatched(selection)
    if not unmatched.words:
        return
    for outline in plan.outlines():
        unmatched.see_account(outline.account_id, outline.name, outline.ou)
    for part in plan.accounts() if selection.users else ():
        for entry in part.entries:
            unmatched.see_user(entry.user.arn, entry.user.name, entry.user.id)
    if unmatched.words:
        message = f"nothing in plan {plan.header.id} matches {unmatched.words}"
        for left in plan.header.left_out:
            if selection.takes_account(left.account_id, left.name, left.ou):
                raise EmptySelection(
                    f"{message}: account {left.account_id} {left.name} was left out ({left.reason})",
                    cure=left.cure or "list the accounts that the plan leaves out: rollout show",
                )
        raise EmptySelection(message, cure="list the plan's users: rollout show")


def chosen_parts(plan: StoredPlan, selection: Selection) -> Iterator[AccountPlan]:
    """Yield the accounts of a plan that are selected; the others are not read."""
    if not (selection.accounts or selection.ous):
        return plan.accounts()
    wanted = (one for one in plan.outlines() if selection.takes_account(one.account_id, one.name, one.ou))
    return plan.accounts(frozenset(one.account_id for one in wanted))
