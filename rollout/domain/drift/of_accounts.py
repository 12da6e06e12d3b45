"""Drift of a whole account: its policy, the version in force, the group, and accounts that nobody has planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.drift.drift_kinds import Drift, Drifted, drift
from rollout.domain.people.inventory import AccountView, NotEntered
from rollout.domain.plan.entries import AccountPlan
from rollout.domain.policy.our_resources import State


def about_accounts(
    views: Iterable[AccountView], planned: Mapping[str, AccountPlan], left_out: Iterable[str]
) -> Iterator[Drift]:
    """Name accounts that no plan has looked at."""
    known = {*planned, *left_out}
    for view in views:
        account = view.account
        if account.id not in known and not isinstance(view, NotEntered):
            yield drift(Drifted.NEW_ACCOUNT, account.id, account.name, account.name)


def about_policy(context: AccountContext) -> Iterator[Drift]:
    """Find what has become of our policy, its version in force, and where it hangs."""
    ours, account_id = context.ours, context.account.id
    arn, mine = ours.policy.arn, context.progress.policies_made
    released = context.release is not None
    if ours.policy.state is State.OURS and arn not in mine:
        yield drift(Drifted.UNKNOWN_TO_JOURNAL, account_id, arn)
    elif ours.policy.state is State.ABSENT and any(arn == known for known in mine):
        yield drift(Drifted.POLICY_DELETED, account_id, arn)
    elif context.brake_pulled:
        if context.release_over:
            yield drift(
                Drifted.RELEASE_EXPIRED,
                account_id,
                arn,
                "this account is over, and its brake still pulled",
            )
        elif not released:
            yield drift(Drifted.BRAKE_PULLED, account_id, arn)
    elif ours.policy.state is State.OURS and not ours.policy.current and context.attached:
        yield drift(Drifted.DOCUMENT_EDITED, account_id, arn)
    if ours.policy.state is State.OURS and context.is_detached and not released:
        yield drift(Drifted.POLICY_DETACHED, account_id, f"group {ours.group.name}")
