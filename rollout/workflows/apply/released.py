"""Looks for users who are under the policy in spite of a release; they are let out, whatever the gates say."""

from __future__ import annotations

from collections.abc import Mapping

from rollout.domain.people.observations import Observed
from rollout.domain.people.organization import Account
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.release_state import accounts_released
from rollout.errors import Interrupted
from rollout.workflows.apply.order import Order
from rollout.workflows.inventory import Premises, left_alone
from rollout.workflows.ports import CannotEnter
from rollout.workflows.run_context import JudgementBasis, RunContext


def released_yet_enforced(
    order: Order, run: RunContext, where: Premises, progress: Progress
) -> Mapping[str, tuple[str, ...]]:
    """Read the accounts for which a release lasts; by account, the ARNs of whoever is enforced there nevertheless.

    Reads nothing without a release. Raises Interrupted if the run is asked to stop.
    """
    ids = accounts_released(run.releases(progress), progress, run.now())
    accounts = [account for account in where.accounts if account.id in ids and _is_chosen(account, order)]
    if not accounts:
        return {}
    basis = JudgementBasis(order.rules, None)

    def look(account: Account) -> tuple[str, ...]:
        try:
            entered = run.access.enter(account)
            observed = Observed(account, entered.role, entered.read(), None)
        except CannotEnter as refusal:
            run.progress.say(
                f"Cannot tell whether everybody released in account {account.id} is out: {refusal.why}"
            )
            return ()
        context = basis.context(observed, progress, run.releases(progress), run.now())
        return tuple(user.arn for user in context.released_yet_enforced)

    found: dict[str, tuple[str, ...]] = {}
    answered = 0
    run.progress.begin("Checking that released users are not enforced", len(accounts))
    for account, users in run.engine.map(look, accounts):
        answered += 1
        if users:
            found[account.id] = users
        run.progress.advance(f"{account.id} {account.name}")
    run.progress.finish()
    if answered < len(accounts):
        raise Interrupted("stopped as requested while reading; nothing was written")
    return found


def _is_chosen(account: Account, order: Order) -> bool:
    taken = order.selection.takes_account(account.id, account.name, account.ou)
    return taken and not left_alone(account, order.scope)
