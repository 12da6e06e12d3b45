"""Finds where the policy can be attached within the account's quotas (design.md#policy-documents)."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.people.observations import Quotas
from rollout.domain.people.users import User
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.our_resources import Names, OurResources, State


@dataclass(frozen=True, slots=True)
class Room:
    """Where the policy can be attached, or why it cannot; `clash` if a name that is taken is the reason."""

    attachment: Attachment | None
    why: str = ""
    clash: bool = False


def room_for(
    user: User, ours: OurResources, names: Names, quotas: Quotas, attach: Attachment, *, enrolment: bool
) -> Room:
    """Find room for the policy, and for the enrolment policy if the user needs it.

    Policies and groups that do not exist yet need room in the account, too.
    """
    wanted = {names.group, names.enrolment_group} if enrolment else {names.group}
    policies = {ours.policy.arn, ours.enrolment.arn} if enrolment else {ours.policy.arn}
    groups, attached = len(set(user.groups) - wanted), len(set(user.attached) - policies)
    groups_free = quotas.groups_per_user - groups - len(wanted)
    policies_free = quotas.policies_per_user - attached - len(policies)
    states = [(names.group, ours.group.state)]
    policy_states = [ours.policy.state]
    if enrolment:
        states.append((names.enrolment_group, ours.enrolment_group.state))
        policy_states.append(ours.enrolment.state)
    clash = next((name for name, state in states if state is State.CLASH), "")
    new_groups = sum(state is State.ABSENT for _, state in states)
    if enrolment and ours.enrolment.state is State.CLASH:
        return Room(None, ours.enrolment.why, clash=True)
    if attach is Attachment.GROUP and clash:
        return Room(
            None, f"this account already has a group {clash} that does not belong to rollout", clash=True
        )
    new_policies = policy_states.count(State.ABSENT)
    if new_policies > quotas.policies_left:
        return Room(None, _account_is_full("policy", "policies", quotas.policies_left, new_policies))
    if attach is Attachment.GROUP and groups_free >= 0 and new_groups <= quotas.groups_left:
        return Room(Attachment.GROUP)
    no_group = ""
    if attach is Attachment.GROUP:
        no_group = f"the user is in {groups} of {quotas.groups_per_user} groups"
        if groups_free >= 0:
            no_group = _account_is_full("group", "groups", quotas.groups_left, new_groups)
    if policies_free >= 0:
        return Room(Attachment.USER, no_group)
    no_policy = f"{attached} of {quotas.policies_per_user} policies are attached to the user"
    two = ", and two more are needed" if enrolment else ""
    return Room(None, "; ".join(filter(None, (no_group, no_policy))) + two)


def _account_is_full(one: str, several: str, left: int, needed: int) -> str:
    if not left:
        return f"the account's quota of {several} is used up"
    return f"the account has room for {left} more {one if left == 1 else several}, but {needed} are needed"
