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
    """Find room for the policy, and for the enrolment policy too where the user needs it."""
    wanted = {names.group, names.enrolment_group} if enrolment else {names.group}
    policies = {standing.policy.arn, standing.enrolment.arn} if enrolment else {standing.policy.arn}
    groups_free = quotas.groups_per_user - len(set(user.groups) - wanted) - len(wanted)
    policies_free = quotas.policies_per_user - len(set(user.attached) - policies) - len(policies)
    clash = standing.group is State.CLASH or (enrolment and standing.enrolment_group is State.CLASH)
    if enrolment and standing.enrolment.state is State.CLASH:
        why = f"a policy of another meaning has the name {names.enrolment_policy}"
        return Room(None, why, clash=True)
    if attach is Via.GROUP and clash:
        return Room(None, f"a group {names.group} that is not ours stands in this account", clash=True)
    if attach is Via.GROUP and groups_free >= 0:
        return Room(Via.GROUP)
    if policies_free >= 0:
        full = f"member of {len(user.groups)} of {quotas.groups_per_user} groups"
        return Room(Via.USER, full if attach is Via.GROUP else "")
    return Room(
        None,
        f"{len(user.groups)} of {quotas.groups_per_user} groups and {len(user.attached)} of "
        f"{quotas.policies_per_user} policies are used up",
    )
