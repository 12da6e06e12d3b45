"""Applies changes to an account's facts in memory: what AWS would report after writes that are only rehearsed.

`after` returns the facts as AWS would report them after the change; `is_in_effect` tells whether a change is in effect.
Both cover every class of `Change`: mypy rejects a new class until it is handled here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import AccountFacts, Group, ManagedPolicy, PolicyVersion
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)

if TYPE_CHECKING:
    from rollout.domain.people.users import User


def after(facts: AccountFacts, change: Change) -> AccountFacts:
    """Return the facts after the change; a change to something that does not exist has no effect."""
    match change:
        case CreatePolicy():
            first = PolicyVersion("v1", change.document, is_default=True, created=facts.read_at)
            return _put_policy(
                facts, ManagedPolicy(change.policy_arn, change.name, change.path, (first,), change.tags)
            )
        case CreateVersion(policy_arn=arn):
            return _change_policy(facts, arn, lambda policy: _with_new_default(policy, change, facts))
        case SetDefaultVersion(policy_arn=arn, version_id=version):
            return _change_policy(facts, arn, lambda policy: _with_default(policy, version))
        case DeleteVersion(policy_arn=arn, version_id=version):
            return _change_policy(facts, arn, lambda policy: _without_version(policy, version))
        case DeletePolicy(policy_arn=arn):
            return replace(facts, policies={key: kept for key, kept in facts.policies.items() if key != arn})
        case CreateGroup(group=name, path=path):
            return replace(facts, groups={**facts.groups, name: Group(name, path, f"AGPA-{name}")})
        case DeleteGroup(group=name):
            return replace(facts, groups={key: kept for key, kept in facts.groups.items() if key != name})
        case AttachToGroup(group=name, policy_arn=arn):
            return _change_group(
                facts, name, lambda group: replace(group, attached=_with(group.attached, arn))
            )
        case DetachFromGroup(group=name, policy_arn=arn):
            return _change_group(
                facts, name, lambda group: replace(group, attached=_without(group.attached, arn))
            )
        case AddMember(group=name, user=ref):
            return _change_user(facts, ref.id, lambda user: replace(user, groups=_with(user.groups, name)))
        case RemoveMember(group=name, user=ref):
            return _change_user(facts, ref.id, lambda user: replace(user, groups=_without(user.groups, name)))
        case AttachToUser(user=ref, policy_arn=arn):
            return _change_user(facts, ref.id, lambda user: replace(user, attached=_with(user.attached, arn)))
        case DetachFromUser(user=ref, policy_arn=arn):
            return _change_user(
                facts, ref.id, lambda user: replace(user, attached=_without(user.attached, arn))
            )


def is_in_effect(facts: AccountFacts, change: Change) -> bool:
    """Tell whether the change is in effect, as the live reads of `OpenAccount.holds` would."""
    match change:
        case CreatePolicy(policy_arn=arn, document=document, tags=tags):
            policy = facts.policies.get(arn)
            return (
                policy is not None
                and tags.items() <= (policy.tags or {}).items()
                and any(equal_documents(version.document, document) for version in policy.versions)
            )
        case CreateVersion(policy_arn=arn, document=document):
            default = facts.policies[arn].default if arn in facts.policies else None
            return default is not None and equal_documents(default.document, document)
        case SetDefaultVersion(policy_arn=arn, version_id=version):
            default = facts.policies[arn].default if arn in facts.policies else None
            return default is not None and default.id == version
        case DeleteVersion(policy_arn=arn, version_id=version):
            versions = facts.policies[arn].versions if arn in facts.policies else ()
            return all(kept.id != version for kept in versions)
        case DeletePolicy(policy_arn=arn):
            return arn not in facts.policies
        case CreateGroup(group=name, path=path):
            return name in facts.groups and facts.groups[name].path == path
        case DeleteGroup(group=name):
            return name not in facts.groups
        case AttachToGroup(group=name, policy_arn=arn):
            return name in facts.groups and arn in facts.groups[name].attached
        case DetachFromGroup(group=name, policy_arn=arn):
            return name not in facts.groups or arn not in facts.groups[name].attached
        case AddMember(group=name, user=ref):
            return name in user_by_id(facts, ref.id).groups if has_user(facts, ref.id) else False
        case RemoveMember(group=name, user=ref):
            return name not in user_by_id(facts, ref.id).groups if has_user(facts, ref.id) else True
        case AttachToUser(user=ref, policy_arn=arn):
            return arn in user_by_id(facts, ref.id).attached if has_user(facts, ref.id) else False
        case DetachFromUser(user=ref, policy_arn=arn):
            return arn not in user_by_id(facts, ref.id).attached if has_user(facts, ref.id) else True


def has_user(facts: AccountFacts, user_id: str) -> bool:
    """Tell whether the facts include a user with this UserId."""
    return any(user.id == user_id for user in facts.users)


def user_by_id(facts: AccountFacts, user_id: str) -> User:
    """Find the user with this UserId. Raises KeyError."""
    for user in facts.users:
        if user.id == user_id:
            return user
    raise KeyError(user_id)


def members_of(facts: AccountFacts, group: str) -> dict[str, str]:
    """Return the members of a group, UserId and name, as `GetGroup` would list them."""
    if group not in facts.groups:
        return {}
    return {user.id: user.name for user in facts.users if group in user.groups}


def carriers_of(facts: AccountFacts, policy_arn: str) -> dict[str, str]:
    """Return who has a policy attached, UserId and name, as `ListEntitiesForPolicy` would list them."""
    return {user.id: user.name for user in facts.users if policy_arn in user.attached}


def next_version_id(policy: ManagedPolicy) -> str:
    """Return the ID of the next version: IAM counts `v1`, `v2`, and so on."""
    return f"v{max((int(version.id[1:]) for version in policy.versions), default=0) + 1}"


def _with(items: tuple[str, ...], item: str) -> tuple[str, ...]:
    return items if item in items else (*items, item)


def _without(items: tuple[str, ...], item: str) -> tuple[str, ...]:
    return tuple(kept for kept in items if kept != item)


def _put_policy(facts: AccountFacts, policy: ManagedPolicy) -> AccountFacts:
    return replace(facts, policies={**facts.policies, policy.arn: policy})


def _change_policy(
    facts: AccountFacts, arn: str, how: Callable[[ManagedPolicy], ManagedPolicy]
) -> AccountFacts:
    return _put_policy(facts, how(facts.policies[arn])) if arn in facts.policies else facts


def _change_group(facts: AccountFacts, name: str, how: Callable[[Group], Group]) -> AccountFacts:
    if name not in facts.groups:
        return facts
    return replace(facts, groups={**facts.groups, name: how(facts.groups[name])})


def _change_user(facts: AccountFacts, user_id: str, how: Callable[[User], User]) -> AccountFacts:
    return replace(facts, users=tuple(how(user) if user.id == user_id else user for user in facts.users))


def _with_new_default(policy: ManagedPolicy, change: CreateVersion, facts: AccountFacts) -> ManagedPolicy:
    older = tuple(replace(version, is_default=False) for version in policy.versions)
    newest = PolicyVersion(next_version_id(policy), change.document, is_default=True, created=facts.read_at)
    # GetAccountAuthorizationDetails lists the newest version first.
    return replace(policy, versions=(newest, *older))


def _with_default(policy: ManagedPolicy, version_id: str) -> ManagedPolicy:
    versions = tuple(replace(version, is_default=version.id == version_id) for version in policy.versions)
    return replace(policy, versions=versions)


def _without_version(policy: ManagedPolicy, version_id: str) -> ManagedPolicy:
    return replace(policy, versions=tuple(version for version in policy.versions if version.id != version_id))
