"""Whom changes would put under the policy, and who of them is not to be enforced (design.md#policy-documents)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.people.inventory import AccountFacts
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
    is_about_enrolment,
)
from rollout.domain.policy.our_resources import denies_nothing


def lets_go(change: Change) -> bool:
    """Tell whether a change can only take away what binds people; nothing ever holds it back."""
    match change:
        case RemoveMember() | DetachFromUser() | DetachFromGroup():
            return True
        case DeleteVersion() | DeletePolicy() | DeleteGroup():
            return True
        case CreatePolicy() | CreateVersion() | SetDefaultVersion():
            return False
        case CreateGroup() | AttachToGroup() | AddMember() | AttachToUser():
            return False


def enforces(change: Change, facts: AccountFacts | None) -> bool:
    """Tell whether a change helps to bring people under the policy: releases are asked right before it.

    A default version that denies nothing is the brake. Without `facts` no document can be looked up, and a version
    that is only named is taken for one that denies.
    """
    if lets_go(change) or is_about_enrolment(change):
        return False
    match change:
        case CreateVersion(document=document):
            return not denies_nothing(document)
        case SetDefaultVersion(policy_arn=arn, version_id=version_id) if facts is not None:
            versions = facts.policies[arn].versions if arn in facts.policies else ()
            return not any(one.id == version_id and denies_nothing(one.document) for one in versions)
        case _:
            return True


def unfit(context: AccountContext, changes: Iterable[Change], fit: Collection[str]) -> tuple[str, ...]:
    """Name those whom changes would put under the policy, and whose UserId is not among the `fit`.

    A new default version reaches everybody attached; attaching the policy to the group reaches who is in it already.
    """
    reached: set[str] = set()
    for change in changes:
        if not enforces(change, context.facts):
            continue
        match change:
            case CreateVersion(attached=names) | SetDefaultVersion(attached=names):
                reached |= set(names)
            case AttachToGroup(group=group):
                reached |= {user.name for user in context.facts.users if group in user.groups}
            case AddMember(user=ref) | AttachToUser(user=ref):
                reached.add(ref.name)
            case _:
                pass
    return tuple(sorted(reached - {user.name for user in context.facts.users if user.id in fit}))
