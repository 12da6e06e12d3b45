"""Takes users aside before a write that would put all of them under the policy at once, and puts them back after it.

So no such write reaches anybody: each user comes under the policy by a write of their own, asked live right before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.guard import enforces, reached_at_once
from rollout.domain.actions.writes.releasing import taking_out
from rollout.domain.actions.writes.write import Write
from rollout.domain.people.users import User, UserRef
from rollout.domain.policy.changes import AddMember, AttachToUser, Change, DetachFromUser, RemoveMember


@dataclass(frozen=True, slots=True)
class SteppingAside:
    """The writes in order, and the users who are taken aside for some of them."""

    writes: tuple[Write, ...]
    aside: tuple[User, ...] = ()


def stepping_aside(
    context: AccountContext, writes: Sequence[Write], fit: Collection[str], waves: Mapping[UserRef, str]
) -> SteppingAside:
    """Have everybody step aside whom a write would reach at once and who is not enforced now; put back the `fit`.

    `fit` are UserIds, `waves` the waves of users as far as they differ from the journal's. Where nobody is to come
    under the policy, nothing of it is put in force.
    """
    at_once = [one for one in writes if one.user is None and enforces(one.change, context.facts)]
    reached = reached_at_once(context, (one.change for one in at_once))
    aside = tuple(user for user in reached if not context.is_in_force(user))
    back = [user for user in aside if user.id in fit]
    comes = any(
        one.user is not None and not one.in_place and enforces(one.change, context.facts) for one in writes
    )
    if not (back or comes or len(aside) < len(reached)):
        return SteppingAside(tuple(one for one in writes if one not in at_once))
    going = (
        Write(change, waves.get(user.ref) or context.wave_of(user), to_return=True)
        for user in aside
        for change in taking_out(context, (user,))
    )
    coming = (
        Write(change, waves.get(user.ref) or context.wave_of(user))
        for user in back
        for change in _back(context, user)
    )
    return SteppingAside((*going, *writes, *coming), aside)


def _back(context: AccountContext, user: User) -> Iterator[Change]:
    for change in taking_out(context, (user,)):
        match change:
            case RemoveMember(account_id=account_id, group=group, user=ref):
                yield AddMember(account_id, group, ref)
            case DetachFromUser(account_id=account_id, user=ref, policy_arn=arn):
                yield AttachToUser(account_id, ref, arn)
            case _:
                continue
