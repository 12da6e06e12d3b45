"""Works out what to repair in an account, at the end of a release and for `verify --fix`."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.people.users import User
from rollout.domain.policy.brake import Brake, brake_of
from rollout.domain.policy.our_resources import State
from rollout.domain.progress.release_scope import ReleaseScope


@dataclass(frozen=True, slots=True)
class Repair:
    """The repairs of an account.

    `lift`: let go the brake. `document`: put today's document in force. `attach`: attach the policy to the group.
    `back`: put these users back. `tidy`: take enrolment rights from these users.
    """

    lift: bool = False
    document: bool = False
    attach: bool = False
    back: tuple[User, ...] = ()
    tidy: tuple[User, ...] = ()


def at_end_of_release(context: AccountContext, ended: ReleaseScope) -> Repair:
    """Put back the users in the scope of a release that ends, whoever took them out."""
    back = tuple(
        user
        for user in context.taken_out
        if ended.takes(context.account.id, user.id, context.wave_of(user)) and not context.is_released(user)
    )
    whole = ended.takes_account(context.account.id)
    lift = whole and context.brake_pulled
    return Repair(lift=lift and context.is_known, attach=whole and context.is_detached, back=back)


def to_fix(context: AccountContext, *, memberships: bool) -> Repair:
    """Repair what has drifted from the plan.

    Users who were taken out by hand are put back only with `memberships`. A policy that the journal does not record is
    left alone.
    """
    back = tuple(
        user
        for user in context.taken_out
        if (memberships or context.was_released(user)) and not context.is_released(user)
    )
    policy, released = context.ours.policy, context.release is not None
    missing = policy.state is State.ABSENT and context.is_detached
    edited = policy.state is State.OURS and brake_of(policy.found) is Brake.OFF and not policy.current
    return Repair(
        lift=context.release_over and context.brake_pulled,
        document=context.is_known and (edited or missing) and not released,
        attach=context.is_detached and not released,
        back=back,
        tidy=tuple(user for user in context.facts.users if user.has_device),
    )
