"""The writes that let people out: the brake of an account, users one by one, rights that are needed no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.writes.undoing import document_of
from rollout.domain.actions.writes.write import Write
from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.people.users import User, UserRef
from rollout.domain.policy.brake import Brake, brake_of, denies_nothing, number_of
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
from rollout.domain.policy.our_resources import State
from rollout.domain.progress.owned import OwnedResources, key_of

Documents = Sequence[Mapping[str, object]]


def halves(policy_arn: str, half: Mapping[str, object], owned: OwnedResources) -> Documents:
    """List the documents that the brake may put in force: today's, and those of the journal that deny nothing."""
    written = (document_of(done) for done in owned.versions.get(policy_arn, ()))
    return (half, *(document for document in written if denies_nothing(document)))


def braking(account_id: str, policy: ManagedPolicy, ours: Documents, quota: int = 5) -> tuple[Change, ...]:
    """List the writes that let everybody attached out: one, unless somebody has deleted the Allow half.

    `ours` are the documents of `halves`, today's first. No other version is put in force, even if it denies nothing:
    somebody else's may allow everything. Of ours the newest is taken, so that people keep as much self-service as they
    had.
    """
    if brake_of(policy) is Brake.PULLED:
        return ()
    found = [
        version
        for version in policy.versions
        if any(equal_documents(version.document, document) for document in ours)
    ]
    if found:
        newest = max(found, key=number_of)
        return (SetDefaultVersion(account_id, policy.arn, newest.id),)
    again = CreateVersion(account_id, policy.arn, ours[0])
    spare = [version for version in policy.versions if not version.is_default]
    if len(policy.versions) < quota or not spare:
        return (again,)
    return (DeleteVersion(account_id, policy.arn, min(spare, key=number_of).id), again)


def taking_back(change: Change, policy: ManagedPolicy | None, ours: Documents) -> tuple[Change, ...]:
    """List the writes that take a change back that enforces, for a release came while it was being made.

    `policy` is the one that it is about, as it stands now, where it is ours: its brake frees everybody attached.
    """
    match change:
        case AddMember(account_id=account_id, group=group, user=ref):
            return (RemoveMember(account_id, group, ref),)
        case AttachToUser(account_id=account_id, user=ref, policy_arn=arn):
            return (DetachFromUser(account_id, ref, arn),)
        case CreateVersion(account_id=account_id) | SetDefaultVersion(account_id=account_id) if policy:
            return braking(account_id, policy, ours)
        case AttachToGroup(account_id=account_id, group=group, policy_arn=arn):
            return braking(account_id, policy, ours) if policy else (DetachFromGroup(account_id, group, arn),)
        case _:
            return ()


def releasing(
    ref: UserRef, groups: Mapping[str, Mapping[str, str]], carriers: Mapping[str, Mapping[str, str]]
) -> tuple[Change, ...]:
    """List the writes that let one user out: of our groups, and off the user.

    `groups` holds the members of each group of ours by its name, `carriers` those who carry each policy of ours by its
    ARN; both as UserId and the name that the user has now, which may differ from the one in `ref`.
    """
    account_id = ref.account_id
    leaves = (
        RemoveMember(account_id, group, renamed(ref, names[ref.id]))
        for group, names in groups.items()
        if ref.id in names
    )
    off = (
        DetachFromUser(account_id, renamed(ref, names[ref.id]), arn)
        for arn, names in carriers.items()
        if ref.id in names
    )
    return (*leaves, *off)


def renamed(ref: UserRef, name: str) -> UserRef:
    """Give a user under the name that AWS knows now: the UserId decides who it is."""
    if ref.name == name:
        return ref
    return replace(ref, name=name, arn=f"{ref.arn.rpartition('/')[0]}/{name}")


def keeping_released(context: AccountContext) -> tuple[Write, ...]:
    """List the writes that let those out again who are under the policy although a release lasts for them."""
    policy = context.ours.policy
    users = tuple(user for user in context.facts.users if context.disregarded_release(user))
    writes: list[Write] = []
    if context.brake_let_go and policy.state is State.OURS and policy.found is not None:
        ours = halves(policy.arn, context.rules.documents.brake, context.progress.owned)
        quota = context.facts.quotas.versions_per_policy
        braked = braking(context.account.id, policy.found, ours, quota)
        writes += (Write(change, to_return=True) for change in braked)
    for user in users:
        changes = taking_out(context, (user,))
        writes += (Write(change, context.wave_of(user), to_return=True) for change in changes)
    return tuple(writes)


def taking_out(context: AccountContext, users: Iterable[User]) -> tuple[Change, ...]:
    """List the writes that take users out from under our policy again."""
    return tuple(change for user in users for change in _removals(context, user))


def _removals(context: AccountContext, user: User) -> Iterator[Change]:
    policy, group = context.ours.policy, context.ours.group
    if group.name in user.groups and group.state is State.OURS:
        yield RemoveMember(context.account.id, group.name, user.ref)
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
