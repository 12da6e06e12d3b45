"""Is there room to hang the policy, and where? Live quotas, both policies counted (DESIGN §5)."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.force_mfa.standing import Names, Standing, State
from rollout.domain.force_mfa.via import Via
from rollout.domain.inventory import Quotas
from rollout.domain.users import User


@dataclass(frozen=True, slots=True)
class Room:
    """Where the policy goes, or why it goes nowhere; `clash` when a foreign group of our name is the reason."""

    via: Via | None
    why: str = ""
    clash: bool = False


def room_for(
    user: User, standing: Standing, names: Names, quotas: Quotas, attach: Via, *, enrolment: bool
) -> Room:
    """Find room for the policy, and for the enrolment policy too where the user needs it.

    What does not stand in the account yet needs room there, too.
    """
    wanted = {names.group, names.enrolment_group} if enrolment else {names.group}
    policies = {standing.policy.arn, standing.enrolment.arn} if enrolment else {standing.policy.arn}
    groups_free = quotas.groups_per_user - len(set(user.groups) - wanted) - len(wanted)
    policies_free = quotas.policies_per_user - len(set(user.attached) - policies) - len(policies)
    states = [(names.group, standing.group)]
    to_make = [standing.policy.state]
    if enrolment:
        states.append((names.enrolment_group, standing.enrolment_group))
        to_make.append(standing.enrolment.state)
    clash = next((name for name, state in states if state is State.CLASH), "")
    new_groups = sum(state is State.ABSENT for _, state in states)
    if enrolment and standing.enrolment.state is State.CLASH:
        why = f"a policy of another meaning has the name {names.enrolment_policy}"
        return Room(None, why, clash=True)
    if attach is Via.GROUP and clash:
        return Room(None, f"a group {clash} that is not ours stands in this account", clash=True)
    if to_make.count(State.ABSENT) > quotas.policies_left:
        return Room(None, f"the account can make no more policies ({quotas.policies_left} left)")
    if attach is Via.GROUP and groups_free >= 0 and new_groups <= quotas.groups_left:
        return Room(Via.GROUP)
    if policies_free >= 0:
        full = f"member of {len(user.groups)} of {quotas.groups_per_user} groups"
        if groups_free >= 0:
            full = f"the account can make no more groups ({quotas.groups_left} left)"
        return Room(Via.USER, full if attach is Via.GROUP else "")
    return Room(
        None,
        f"{len(user.groups)} of {quotas.groups_per_user} groups and {len(user.attached)} of "
        f"{quotas.policies_per_user} policies are used up",
    )
