"""Finds drift of whole accounts: the policy, the version in force, the group, and accounts without a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.drift.drift_kinds import Drift, Drifted, drift
from rollout.domain.people.observations import AccountView, NotEntered
from rollout.domain.plan.entries import AccountPlan
from rollout.domain.policy.our_resources import State
from rollout.domain.progress.progress import Progress
from rollout.domain.progress.release_state import describe_release


def about_accounts(
    views: Iterable[AccountView], planned: Mapping[str, AccountPlan], left_out: Iterable[str]
) -> Iterator[Drift]:
    """Find accounts that the plan has not looked at."""
    known = {*planned, *left_out}
    for view in views:
        account = view.account
        if account.id not in known and not isinstance(view, NotEntered):
            yield drift(Drifted.NEW_ACCOUNT, account.id, account.name, account.name)


def about_records(progress: Progress) -> Iterator[Drift]:
    """Find what the journal cannot say: one difference an account and reason, however much somebody wrote there."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for account_id, what, why in sorted(progress.impossible):
        found[account_id, why].append(what)
    for (account_id, why), changes in found.items():
        more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        yield drift(Drifted.IMPOSSIBLE_RECORD, account_id, f"{changes[0]}{more}", why)


def _about_attachments(context: AccountContext) -> Iterator[Drift]:
    """Find policies of others on our groups, and those that an earlier version attached to users."""
    ours, account_id = context.ours, context.account.id
    for arn in sorted(ours.adopted):
        groups = [
            f"group {group.name}" for group in (ours.group, ours.enrolment_group) if arn in group.attached
        ]
        users = [user.name for user in context.facts.users if arn in user.attached]
        if groups or users:
            yield drift(Drifted.ADOPTED_POLICY, account_id, arn, ", ".join([*groups, *users]))
    for name in context.made.groups:
        group = context.facts.groups.get(name)
        if group is None or group.path != context.rules.names.path:
            continue
        mine = {*ours.adopted, *context.made.policies, ours.policy.arn, ours.enrolment.arn}
        inline = (f"inline policy {policy.name}" for policy in group.inline)
        for foreign in (*(arn for arn in group.attached if arn not in mine), *inline):
            yield drift(Drifted.FOREIGN_POLICY, account_id, foreign, group.name)


def about_policy(context: AccountContext) -> Iterator[Drift]:
    """Find drift of our policy, of its version in force, and of its attachment to the group."""
    ours, account_id = context.ours, context.account.id
    arn, released = ours.policy.arn, context.release is not None
    for policy in (ours.policy, ours.enrolment):
        if policy.unknown:
            yield drift(Drifted.UNKNOWN_TO_JOURNAL, account_id, policy.arn, policy.why)
    yield from _about_attachments(context)
    if context.release is not None and context.brake_let_go:
        yield drift(Drifted.RELEASED_BUT_ENFORCED, account_id, arn, describe_release(context.release))
    if ours.policy.state is State.ABSENT and context.is_known:
        yield drift(Drifted.POLICY_DELETED, account_id, arn)
    elif context.brake_pulled:
        if context.release_over:
            detail = "this account is over, but its brake is still pulled"
            yield drift(Drifted.RELEASE_EXPIRED, account_id, arn, detail)
        elif not released:
            yield drift(Drifted.BRAKE_PULLED, account_id, arn)
    elif ours.policy.state is State.OURS and not ours.policy.current and context.attached and not released:
        yield drift(Drifted.DOCUMENT_EDITED, account_id, arn)
    if ours.policy.state is State.OURS and context.is_detached and not released:
        yield drift(Drifted.POLICY_DETACHED, account_id, f"group {ours.group.name}")
