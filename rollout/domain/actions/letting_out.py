"""Who is let out now, and the writes that let people out. Letting out needs no judgement: it locks nobody out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from rollout.domain.people.inventory import ManagedPolicy, PolicyVersion
from rollout.domain.policy.changes import (
    Change,
    CreateVersion,
    DeleteVersion,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
    UserRef,
)
from rollout.domain.policy.standing import denies_nothing
from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.domain.progress.releases import ReleaseRecord


class Brake(StrEnum):
    """What the policy of an account does to those who are attached to it."""

    ABSENT = "absent"
    OFF = "off"
    PULLED = "pulled"


def account_release(words: Sequence[ReleaseRecord], account_id: str, now: datetime) -> Released | None:
    """Find the release that lets a whole account out now; None when there is none, or it ran out or was ended."""
    for word in reversed(words):
        if not word.release_scope.takes_account(account_id):
            continue
        if isinstance(word, ReleaseEnded):
            return None
        if lives(word, now):
            return word
    return None


def user_release(
    words: Sequence[ReleaseRecord], account_id: str, user_id: str, wave: str, now: datetime
) -> Released | None:
    """Find the release that lets a user out now, with the account or alone.

    An end counts for everything inside its reach: who ends the release of an account ends those of its users.
    """
    of_account = account_release(words, account_id, now)
    if of_account is not None:
        return of_account
    for word in reversed(words):
        if not word.release_scope.takes(account_id, user_id, wave):
            continue
        if isinstance(word, ReleaseEnded):
            return None
        if not word.release_scope.by_brake and lives(word, now):
            return word
    return None


def lives(word: Released, now: datetime) -> bool:
    """Tell whether a release has not run out yet."""
    return word.until is None or now < word.until


def lasting(words: Sequence[ReleaseRecord], now: datetime) -> tuple[Released, ...]:
    """Find the releases that have neither run out nor been ended as a whole, the oldest first."""
    found: list[Released] = []
    for word in words:
        if isinstance(word, Released):
            found.append(word)
        else:
            found = [one for one in found if not word.release_scope.contains(one.release_scope)]
    return tuple(one for one in found if lives(one, now))


def merged(known: Sequence[ReleaseRecord], more: Iterable[ReleaseRecord]) -> tuple[ReleaseRecord, ...]:
    """Join what the journal said when a run began with what was put beside it since; each word once."""
    seen = {(word.run, type(word)) for word in known}
    return (*known, *(word for word in more if (word.run, type(word)) not in seen))


def say(word: Released) -> str:
    """Say a release for a person."""
    until = f"until {word.until:%Y-%m-%d %H:%M} UTC" if word.until else "until it is ended"
    return f"{word.release_scope.words} released {until} by {word.caller}: {word.reason}"


def brake_of(policy: ManagedPolicy | None) -> Brake:
    """Tell how the brake of a policy stands: pulled when the version in force denies nothing."""
    if policy is None:
        return Brake.ABSENT
    default = policy.default
    return Brake.PULLED if default is not None and denies_nothing(default.document) else Brake.OFF


def pulling(
    account_id: str, policy: ManagedPolicy, half: Mapping[str, object], quota: int = 5
) -> tuple[Change, ...]:
    """List the writes that let everybody attached out: one, unless somebody has deleted the Allow half.

    The newest version that denies nothing is taken, so that people keep as much self-service as they had.
    """
    if brake_of(policy) is Brake.PULLED:
        return ()
    halves = [version for version in policy.versions if denies_nothing(version.document)]
    if halves:
        newest = max(halves, key=number_of)
        return (SetDefaultVersion(account_id, policy.arn, newest.id),)
    again = CreateVersion(account_id, policy.arn, half)
    spare = [version for version in policy.versions if not version.is_default]
    if len(policy.versions) < quota or not spare:
        return (again,)
    return (DeleteVersion(account_id, policy.arn, min(spare, key=number_of).id), again)


def taking_out(ref: UserRef, group: str, policy_arn: str) -> tuple[RemoveMember, DetachFromUser]:
    """Give the two writes by which a user may be let out; which of them is needed, a live read tells."""
    return (
        RemoveMember(ref.account_id, group, ref),
        DetachFromUser(ref.account_id, ref, policy_arn),
    )


def number_of(version: PolicyVersion) -> int:
    """Read the number of a version: 3 of `v3`."""
    digits = version.id.removeprefix("v")
    return int(digits) if digits.isdigit() else 0
