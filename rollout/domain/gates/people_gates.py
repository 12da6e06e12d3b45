"""Gates that ask how far people have come: have they enrolled, and have they left their long-term keys?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rollout.domain.gates.answer import GateAnswer, failed, inconclusive, passed
from rollout.domain.people.users import User
from rollout.domain.progress.replay import Progress
from rollout.domain.verdicts.verdict import Impact

# The one service that a long-term key still calls once its owner takes session tokens.
SESSION_TOKENS = "sts"
CLI_HABIT = frozenset({Impact.CLI, Impact.PASSKEY_ONLY, Impact.ENROL})


@dataclass(frozen=True, slots=True)
class Members:
    """A wave's users as they are now, and how many of them could not be looked at."""

    users: tuple[User, ...]
    unseen: int = 0


def enrolment(members: Members, percent: float) -> GateAnswer:
    """Pass when so large a share of the wave's users with credentials has a device.

    Inconclusive when those who could not be looked at could tip the answer.
    """
    people = [user for user in members.users if user.password is not None or user.active_keys]
    enrolled = sum(user.has_device for user in people)
    total = len(people) + members.unseen
    said = f"{enrolled} of {total} users have a device, {percent:g} % needed"
    if total == 0 or enrolled * 100 >= percent * total:
        return passed("enrolment", said)
    if (enrolled + members.unseen) * 100 >= percent * total:
        return inconclusive("enrolment", f"{said}; {members.unseen} could not be looked at")
    return failed("enrolment", said)


def cli_moved(members: Members, progress: Progress, percent: float) -> GateAnswer:
    """Pass when so large a share of those who were told about their keys has moved to session tokens.

    A key has moved when nothing but STS was called with it since its owner was told. Who was not told about keys does
    not count.
    """
    told = tuple(user for user in members.users if _told_about_keys(user, progress))
    still = sum(_still_used(user, progress) for user in told)
    total = len(told) + members.unseen
    moved = len(told) - still
    said = f"{moved} of {total} users have left their long-term keys, {percent:g} % needed"
    if total == 0 or moved * 100 >= percent * total:
        return passed("cli_moved", said)
    if (moved + members.unseen) * 100 >= percent * total:
        return inconclusive("cli_moved", f"{said}; {members.unseen} could not be looked at")
    return failed("cli_moved", said)


def waves_members(users: Iterable[User], ids: frozenset[str]) -> Members:
    """Pick a wave's users out of those that were looked at; who is missing is unseen."""
    found = tuple(user for user in users if user.id in ids)
    return Members(found, len(ids) - len(found))


def _told_about_keys(user: User, progress: Progress) -> bool:
    told = progress.last_told(user.id)
    return told is not None and told.delivered and told.impact in CLI_HABIT and bool(user.active_keys)


def _still_used(user: User, progress: Progress) -> bool:
    told = progress.last_told(user.id)
    if told is None:
        return False
    return any(
        key.last_used is not None and key.last_used > told.at and key.service != SESSION_TOKENS
        for key in user.active_keys
    )
