"""Judges one user by a live answer that is still fresh at the write: what was true an hour ago may lock somebody out.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from rollout.domain.people.users import User
from rollout.domain.policy.changes import AddMember, AttachToUser, SkipCode, Skipped
from rollout.workflows.account_run.account_command import AccountWork

FRESH_FOR = timedelta(seconds=10)
"""How old the live answer about a user may be, by AWS's clock, when that user is placed."""
TRIES = 3


def ask_fresh(at: AccountWork, change: AddMember | AttachToUser, wave: str) -> User | Skipped | None:
    """Ask and judge the user whom a change places, again when the answer has grown too old meanwhile.

    Skipped says why they are not to be placed; None: the run has to end.
    """
    known = next(user for user in at.context.facts.users if user.id == change.user.id)
    for _ in range(TRIES):
        if at.run.ends():
            return None
        asked = at.asked(known)
        if isinstance(asked, Skipped):
            return asked
        if why := at.command.why_not(at, asked):
            return why
        if at.enforces(change) and (release := at.release_of(change.user, wave)):
            return Skipped(SkipCode.RELEASED, release)
        if at.enforces(change) and (shut := at.gate_stop(wave)):
            return shut
        if at.run.ends():
            return None
        if _is_fresh(asked, at):
            return asked
    why_late = f"AWS took more than {FRESH_FOR.seconds} seconds to answer about the user, {TRIES} times"
    return Skipped(SkipCode.FAILED, why_late)


def why_out_again(at: AccountWork, placed: User, wave: str) -> Skipped | None:
    """Say why somebody who was just placed has to come out; `placed` is as they were asked before.

    A write may be retried for minutes, and a laptop may be closed in the middle of it.
    """
    # The brake of a release that reaches the whole account frees its members by itself.
    if not at.release_of(None) and (release := at.release_of(placed.ref, wave)):
        return Skipped(SkipCode.RELEASED, release)
    if _is_fresh(placed, at):
        return None
    asked = at.asked(placed)
    if isinstance(asked, Skipped):
        return None  # the read-back finds that they are gone
    # Judged as before the write: what it changed is not to count.
    return at.command.why_not(at, replace(asked, groups=placed.groups, attached=placed.attached))


def _is_fresh(user: User, at: AccountWork) -> bool:
    return at.run.now() - user.facts_at <= FRESH_FOR
