"""Guards against putting users under the policy who must not be enforced (design.md#policy-documents)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.people.observations import AccountFacts
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
    """Tell whether a change can only take users out of the policy; such changes are never withheld."""
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
    """Tell whether a change helps to put users under the policy; releases are read again right before it.

    A default version that denies nothing is the brake. Without `facts`, a version that is given by its id alone is
    assumed to deny.
    """
    if lets_go(change) or is_about_enrolment(change):
        return False
    match change:
        case CreateVersion(document=document):
            return not denies_nothing(document)
        case SetDefaultVersion(policy_arn=arn, version_id=version_id) if facts is not None:
            versions = facts.policies[arn].versions if arn in facts.policies else ()
            return not any(
                version.id == version_id and denies_nothing(version.document) for version in versions
            )
        case _:
            return True


def unfit(context: AccountContext, changes: Iterable[Change], fit: Collection[str]) -> tuple[str, ...]:
    """Name the users whom changes would put under the policy, but whose UserId is not among the `fit`.

    A new default version affects every user under the policy; attaching the policy to the group affects its members.
    """
    affected: set[str] = set()
    for change in changes:
        if not enforces(change, context.facts):
            continue
        match change:
            case CreateVersion(attached=names) | SetDefaultVersion(attached=names):
                affected |= set(names)
            case AttachToGroup(group=group):
                affected |= {user.name for user in context.facts.users if group in user.groups}
            case AddMember(user=ref) | AttachToUser(user=ref):
                affected.add(ref.name)
            case _:
                pass
    return tuple(sorted(affected - {user.name for user in context.facts.users if user.id in fit}))
