"""Drift of a whole account: its policy, the version in force, the group, and accounts that nobody has planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.drift.drift_kinds import BY_MACHINE, FIX, PLAN_AGAIN, Drift, Drifted
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
            yield Drift(
                Drifted.NEW_ACCOUNT,
                account.id,
                account.name,
                f"account {account.name} is not in the plan",
                "created or invited since, or active again",
                PLAN_AGAIN,
            )


def about_policy(context: AccountContext) -> Iterator[Drift]:
    """Find what has become of our policy, its version in force, and where it hangs."""
    ours, account_id = context.ours, context.account.id
    arn, mine = ours.policy.arn, context.progress.policies_made
    released = context.release is not None
    if ours.policy.state is State.OURS and arn not in mine:
        yield Drift(
            Drifted.UNKNOWN_TO_JOURNAL,
            account_id,
            arn,
            "our policy stands here, but the journal of this store knows nothing of it",
            "another store was used, or the journal was lost",
            "use the store (store: in rollout.yaml) that it was made from, or remove the policy by hand",
        )
    elif ours.policy.state is State.ABSENT and any(arn == known for known in mine):
        yield Drift(
            Drifted.POLICY_DELETED,
            account_id,
            arn,
            "the policy is not there any more",
            f"deleted {BY_MACHINE}",
            FIX,
        )
    elif context.brake_pulled:
        if context.release_over:
            yield Drift(
                Drifted.RELEASE_EXPIRED,
                account_id,
                arn,
                "the release of this account is over, and its brake still pulled",
                "nobody has run apply or verify --fix since",
                FIX,
            )
        elif not released:
            yield Drift(
                Drifted.BRAKE_PULLED,
                account_id,
                arn,
                "the version in force denies nothing: nobody is enforced here",
                "somebody has changed the default version by hand: that counts as a release",
                f"rollout release --account {account_id} --end",
            )
    elif ours.policy.state is State.OURS and not ours.policy.current and context.attached:
        yield Drift(
            Drifted.DOCUMENT_EDITED,
            account_id,
            arn,
            "the version in force says something else than the plan's document",
            f"edited {BY_MACHINE}, or the settings have changed since",
            FIX,
        )
    if ours.policy.state is State.OURS and context.is_detached and not released:
        yield Drift(
            Drifted.POLICY_DETACHED,
            account_id,
            f"group {ours.group.name}",
            "the policy does not hang on the group any more",
            f"detached {BY_MACHINE}",
            FIX,
        )
