"""The writes that let people out: the brake of an account, users one by one, rights that are needed no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.people.inventory import ManagedPolicy
from rollout.domain.people.users import User, UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.policy.our_resources import Brake, State, brake_of, denies_nothing, number_of
from rollout.domain.progress.owned import OwnedResources, key_of


def braking(
    account_id: str, policy: ManagedPolicy, half: Mapping[str, object], quota: int = 5
) -> tuple[Change, ...]:
    """List the writes that let everybody attached out: one, unless somebody has deleted the Allow half.

    The newest version that denies nothing is taken, so that people keep as much self-service as they had.
    """
    if brake_of(policy) is Brake.PULLED:
        return ()
    halves = [version for version in policy.versions if denies_nothing(version.document)]
    if halves:
        newest = max(halves, key=number_of)
        return (SetDefaultVersion(account_id, policy.arn, newest.id),)
    again = CreateVersion(account_id, policy.arn, half)
    spare = [version for version in policy.versions if not version.is_default]
    if len(policy.versions) < quota or not spare:
        return (again,)
    return (DeleteVersion(account_id, policy.arn, min(spare, key=number_of).id), again)


def taking_back(
    change: Change, policy: ManagedPolicy | None, half: Mapping[str, object]
) -> tuple[Change, ...]:
    """List the writes that take a change back that enforces, for a release came while it was being made.

    `policy` is the one that it is about, as it stands now, where it is ours: its brake frees everybody attached.
    """
    match change:
        case AddMember(account_id=account_id, group=group, user=ref):
            return (RemoveMember(account_id, group, ref),)
        case AttachToUser(account_id=account_id, user=ref, policy_arn=arn):
            return (DetachFromUser(account_id, ref, arn),)
        case CreateVersion(account_id=account_id) | SetDefaultVersion(account_id=account_id) if policy:
            return braking(account_id, policy, half)
        case AttachToGroup(account_id=account_id, group=group, policy_arn=arn):
            return braking(account_id, policy, half) if policy else (DetachFromGroup(account_id, group, arn),)
        case _:
            return ()


def releasing(
    ref: UserRef, group: str, members: Iterable[str], carriers: Mapping[str, Iterable[str]]
) -> tuple[Change, ...]:
    """List the writes that let one user out: of the group, and off the user.

    `members` are UserIds in our group, `carriers` the UserIds that carry each policy of ours, by ARN.
    """
    leaves = (RemoveMember(ref.account_id, group, ref),) if ref.id in members else ()
    off = (DetachFromUser(ref.account_id, ref, arn) for arn, ids in carriers.items() if ref.id in ids)
    return (*leaves, *off)


def exempting(context: AccountContext, users: Iterable[User]) -> tuple[Change, ...]:
    """List the writes that take users out from under our policy again, who are exempt now."""
    return tuple(change for user in users for change in _removals(context, user))


def _removals(context: AccountContext, user: User) -> Iterator[Change]:
    policy, group = context.ours.policy, context.ours.group
    if group.name in user.groups and group.state is State.OURS:
        yield RemoveMember(context.account.id, group.name, user.ref)
    # A foreign policy on the user itself may be somebody else's doing: only the journal could tell.
    if policy.state is State.OURS and policy.arn in user.attached:
        yield DetachFromUser(context.account.id, user.ref, policy.arn)


def tidying(context: AccountContext, users: Iterable[User], owned: OwnedResources) -> tuple[Change, ...]:
    """List the writes that take enrolment rights away again, only where this tool gave them."""
    account_id, group = context.account.id, context.ours.enrolment_group.name
    arn = context.ours.enrolment.arn
    wanted: list[Change] = []
    for user in users:
        if group in user.groups:
            wanted.append(RemoveMember(account_id, group, user.ref))
        if arn in user.attached:
            wanted.append(DetachFromUser(account_id, user.ref, arn))
    return tuple(change for change in wanted if key_of(change) in owned.things)
