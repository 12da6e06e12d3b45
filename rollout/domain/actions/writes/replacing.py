"""Lists the writes that put our policy in the place of one of somebody else's that an earlier version attached.

See design.md#policy-documents.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.writes.placing import USABLE, creating
from rollout.domain.actions.writes.undoing import Left
from rollout.domain.actions.writes.write import Write
from rollout.domain.people.users import User
from rollout.domain.policy.changes import (
    AttachToGroup,
    AttachToUser,
    DetachFromGroup,
    DetachFromUser,
)
from rollout.domain.policy.our_resources import OurGroup, OurPolicy


@dataclass(slots=True)
class Replacing:
    """The writes in order, the users whom they keep under a policy, and what has to stay as it is."""

    writes: list[Write] = field(default_factory=list)
    kept: list[User] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def replacing(context: AccountContext) -> Replacing:
    """Replace every policy of others that an earlier version attached.

    Ours is attached before theirs is detached, so that nobody is without MFA in between. On a group where theirs denies
    too little by now, it is only detached: it protects nobody, and what is then missing is repaired as any drift.
    """
    found, ours = Replacing(), context.ours
    for policy, group in ((ours.policy, ours.group), (ours.enrolment, ours.enrolment_group)):
        theirs = sorted(arn for arn in ours.adopted if _is_enrolment(arn) == _is_enrolment(policy.arn))
        carriers = [(user, arn) for user in context.facts.users for arn in theirs if arn in user.attached]
        _replace(context, policy, group, [arn for arn in theirs if arn in group.attached], carriers, found)
    return found


def _replace(
    context: AccountContext,
    policy: OurPolicy,
    group: OurGroup,
    on_group: list[str],
    carriers: list[tuple[User, str]],
    found: Replacing,
) -> None:
    account_id = context.account.id
    members = [user for user in context.facts.users if group.name in user.groups and on_group]
    held = any(_is_held(context, user, policy) for user in members)
    staying = [user for user, _ in carriers if _is_held(context, user, policy)]
    if policy.state not in USABLE and (held or staying):
        what = ", ".join(sorted({*on_group, *(arn for _, arn in carriers)}))
        found.left.append(Left(what, f"ours cannot take its place: {policy.why}"))
        return
    placing = [user for user, _ in carriers if policy.state in USABLE and not context.is_released(user)]
    if held or placing:
        found.writes += (Write(change) for change in creating(context, policy))
    if held and policy.arn not in group.attached:
        found.writes.append(Write(AttachToGroup(account_id, group.name, policy.arn)))
    found.writes += (Write(DetachFromGroup(account_id, group.name, arn)) for arn in on_group)
    found.writes += (
        Write(AttachToUser(account_id, user.ref, policy.arn), context.wave_of(user))
        for user in placing
        if policy.arn not in user.attached
    )
    # Who is denied nothing by theirs loses it also where ours could not be attached.
    found.writes += (
        Write(DetachFromUser(account_id, user.ref, arn), context.wave_of(user), follows=user in staying)
        for user, arn in carriers
    )
    found.kept += [*(members if held else ()), *placing]


def _is_held(context: AccountContext, user: User, policy: OurPolicy) -> bool:
    """Tell whether a user must not lose what theirs gives today: MFA is required, or they can enrol."""
    if _is_enrolment(policy.arn):
        return not user.has_device
    return context.is_denied(user) and not context.is_released(user)


def _is_enrolment(arn: str) -> bool:
    return arn.endswith("Enrolment")
