"""Judges one user by a live answer that is still fresh at the write: what was true an hour ago may lock somebody out.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rollout.domain.people.users import FRESH_FOR, AccessKey, Credential, MfaDevice, User
from rollout.domain.policy.changes import AddMember, AttachToUser, SkipCode, Skipped
from rollout.workflows.account_run.account_command import AccountWork

TRIES = 3


def ask_fresh(
    at: AccountWork, change: AddMember | AttachToUser, wave: str, known: User, seen: User | None
) -> User | Skipped | None:
    """Ask and judge the user whom a change places, again when the answer has grown too old meanwhile.

    `known` is the user as the account was read; `seen`, as a page that was read since has told. Skipped says why they
    are not to be placed; None: the run has to end.
    """
    for _ in range(TRIES):
        if at.run.ends():
            return None
        asked = at.asked(known) if seen is None else _asked_the_rest(at, known, seen)
        seen = None
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
        if asked.is_fresh(at.run.now()):
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
    if placed.is_fresh(at.run.now()):
        return None
    asked = at.asked(placed)
    if isinstance(asked, Skipped):
        return None  # the read-back finds that they are gone
    # Judged as before the write: what it changed is not to count.
    return at.command.why_not(at, replace(asked, groups=placed.groups, attached=placed.attached))


def why_changed(at: AccountWork, judged: User, before: User, now: User, place: str) -> Skipped | None:
    """Say why somebody who was just placed has to come out, for what binds them has changed since they were read.

    `judged` is who was placed; `before` and `now` are what the page showed them as, before and after the write.
    `place` is the group or the policy of the write itself, which is not to count.
    """
    as_before = replace(
        now,
        groups=tuple(group for group in now.groups if group != place or group in before.groups),
        attached=tuple(arn for arn in now.attached if arn != place or arn in before.attached),
        rights_at=before.rights_at,
        devices=before.devices,
        mfa_active=before.mfa_active,
    )
    if as_before == before:
        return None
    asked = replace(
        as_before,
        password=judged.password,
        devices=judged.devices,
        mfa_active=judged.mfa_active,
        keys=judged.keys,
        unread=judged.unread,
    )
    return at.command.why_not(at, asked)


def _asked_the_rest(at: AccountWork, known: User, seen: User) -> User | Skipped:
    """Ask what a page does not tell, as far as what is decided hangs on it.

    Anybody may have got a password since the report was made, and only `GetLoginProfile` knows whether it must be
    changed. Devices and access keys are asked for where others than those of the report would make a difference.
    """
    asked = at.asked(seen, (Credential.PASSWORD,))
    if not isinstance(asked, User):
        return asked
    if asked.devices is None:  # the page has seen no virtual one
        asked = replace(asked, devices=known.devices)
    open_questions = {Credential.KEYS: _with_other_keys, Credential.DEVICES: _with_other_devices}
    if seen.devices is not None:
        del open_questions[Credential.DEVICES]
    while hanging := [
        one for one, others in open_questions.items() if _matters(at, asked, others(asked, at))
    ]:
        asked = at.asked(asked, hanging)
        if not isinstance(asked, User):
            return asked
        for one in hanging:  # what was learned may make the other one matter
            del open_questions[one]
    return asked


def _matters(at: AccountWork, user: User, others: Iterable[User]) -> bool:
    placed = at.command.why_not(at, user) is None
    return any((at.command.why_not(at, other) is None) is not placed for other in others)


def _with_other_keys(user: User, at: AccountWork) -> Iterator[User]:
    new = AccessKey(len(user.keys) + 1, active=True, created=at.run.now())
    yield replace(user, keys=())
    yield replace(user, keys=(*user.keys, new))


def _with_other_devices(user: User, _: AccountWork) -> Iterator[User]:
    passkey = MfaDevice(f"{user.arn.rpartition(':')[0]}:u2f/user/{user.name}/new")
    yield replace(user, devices=(), mfa_active=False)
    yield replace(user, devices=(passkey,), mfa_active=True)
    yield replace(
        user, devices=(replace(passkey, serial=passkey.serial.replace(":u2f/", ":mfa/")),), mfa_active=True
    )
