"""Guards against putting users under the policy who must not be enforced (design.md#policy-documents)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.users import User
from rollout.domain.policy.brake import denies_nothing
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
    user_of,
)
from rollout.domain.policy.our_arns import OurArns
from rollout.domain.policy.our_resources import PATH
from rollout.domain.verdicts.verdict import Kind


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


def not_ours(change: Change, ours: OurArns, facts: AccountFacts | None) -> str:
    """Say why a change is about something that this tool does not manage; empty if it may be made.

    A journal can be forged, and IAM's writes go by the name of a group alone: so account and path are compared, of a
    group by `facts` where they were read.
    """
    if change.account_id != ours.account_id:
        return f"it is about account {change.account_id}"
    arn, group = getattr(change, "policy_arn", ""), getattr(change, "group", "")
    detaches = isinstance(change, DetachFromGroup | DetachFromUser)
    if arn and arn not in ours.policies and not (detaches and arn in ours.adopted):
        return f"{arn} is not a policy of rollout"
    if group:
        there = facts.groups.get(group) if facts is not None else None
        path = change.path if isinstance(change, CreateGroup) else there.path if there else PATH
        if ours.arn(f"group{path}{group}") not in ours.groups:
            return f"group {path}{group} is not a group of rollout"
    return ""


def reached_at_once(context: AccountContext, changes: Iterable[Change]) -> tuple[User, ...]:
    """Find the users whom changes of the policy or the group put under the policy, all of them by one write.

    A new default version reaches every user under the policy; attaching the policy to the group reaches its members.
    """
    names: set[str] = set()
    for change in changes:
        if not enforces(change, context.facts):
            continue
        match change:
            case CreateVersion(attached=attached) | SetDefaultVersion(attached=attached):
                names |= set(attached)
            case AttachToGroup(group=group):
                names |= {user.name for user in context.facts.users if group in user.groups}
            case _:
                pass
    return tuple(user for user in context.facts.users if user.name in names)


def unfit(
    context: AccountContext, changes: Iterable[Change], fit: Collection[str], stay: Collection[str] = ()
) -> tuple[str, ...]:
    """Name the users whom changes would put under the policy, but whose UserId is not among the `fit`.

    Those who can step aside are not named: a write for all of them does not reach them (see `stepping_aside`). Whoever
    is to `stay` where they are cannot. Nor are those named who are enforced already, and whom that does not harm.
    """
    wanted = tuple(changes)
    placed = {ref.id for change in wanted if enforces(change, context.facts) and (ref := user_of(change))}
    at_once = {
        user.id
        for user in reached_at_once(context, wanted)
        if (user.id in stay or not may_step_aside(context, user)) and not _may_remain(context, user)
    }
    reached = (placed | at_once) - set(fit)
    return tuple(sorted(user.name for user in context.facts.users if user.id in reached))


def _may_remain(context: AccountContext, user: User) -> bool:
    """Tell whether a held user is enforced already and has no credentials, so that another text harms nobody."""
    verdict = context.verdict(user)
    return verdict.kind is Kind.HOLD and not verdict.harmed_by_enforcement and context.is_in_force(user)


def may_step_aside(context: AccountContext, user: User) -> bool:
    """Tell whether a user may be taken out while the policy comes into force: ours, and not enforced now."""
    known = user.id in context.progress.placed or user.id in context.progress.releases.to_return
    return known and not context.is_in_force(user) and not context.is_attached_elsewhere(user)
