"""Reads the current users of a wave for the gates about people's progress; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.gates import Members
from rollout.domain.people.exemptions import Exemption, exemption_for
from rollout.domain.people.organization import Account
from rollout.domain.people.scope import Scope
from rollout.domain.people.users import User
from rollout.errors import Interrupted
from rollout.workflows.inventory import Premises, left_alone
from rollout.workflows.ports import CannotEnter, StoredPlan
from rollout.workflows.run_context import RunContext

Share = tuple[Account, frozenset[str]]


def members_of(
    wave: str,
    plan: StoredPlan,
    scope: Scope,
    exemptions: tuple[Exemption, ...],
    run: RunContext,
    where: Premises,
) -> Members:
    """Read the wave's accounts. Users of unreadable accounts count as unseen; deleted and exempt users do not count.

    Raises Interrupted if the run is asked to stop.
    """
    shares = list(_shares(wave, plan, scope, where))
    users: list[User] = []
    unseen = answered = 0
    run.progress.begin(f'Reading wave "{wave}"', sum(len(ids) for _, ids in shares))
    for (account, ids), found in run.engine.map(lambda share: _read(share, run), shares):
        answered += 1
        if found is None:
            unseen += len(ids)
        else:
            users += found
        run.progress.advance(f"{account.id} {account.name}", len(ids))
    run.progress.finish()
    if answered < len(shares):
        raise Interrupted("stopped as requested while reading; nothing was written")
    today = run.now().date()
    return Members(tuple(user for user in users if exemption_for(user, exemptions, today) is None), unseen)


def _shares(wave: str, plan: StoredPlan, scope: Scope, where: Premises) -> Iterator[Share]:
    accounts = {account.id: account for account in where.accounts}
    for part in plan.accounts():
        ids = frozenset(entry.user.id for entry in part.entries if entry.wave == wave)
        account = accounts.get(part.account_id)
        if ids and account is not None and not left_alone(account, scope):
            yield account, ids


def _read(share: Share, run: RunContext) -> tuple[User, ...] | None:
    account, ids = share
    try:
        facts = run.access.enter(account).read()
    except CannotEnter:
        return None
    return tuple(user for user in facts.users if user.id in ids)
