"""Tells from the calls of access keys whether a person or a machine uses them (design.md#verdicts).

Nothing here depends on the time of the judgement: the same calls give the same answer on another day. What is counted
are hours and days with calls, never calls, so that one call, or one long script, tips nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from rollout.domain.people.key_activity import MOST_NAMED, Counts, KeyActivity
from rollout.domain.people.users import User

ENOUGH_HOURS, ENOUGH_DAYS = 10, 3
"""Fewer hours or days with calls decide nothing."""
NEARLY_ALL = 0.9
LONGEST_DAY = 14
"""Hours; whoever calls within so many hours of the day has time to sleep."""
ROUND_THE_CLOCK = 19
"""Hours; nobody works that many by hand."""
FEW_ADDRESSES = 3
UNSEEN_AFTER = timedelta(days=7)
"""When IAM has seen a use so much later than the newest call, most of what the key does was not looked at."""
BY_HAND = frozenset({"aws-cli", "aws-cli (CloudShell)"})


class UsedBy(StrEnum):
    """Who uses a key."""

    PERSON = "a person"
    MACHINE = "a machine"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Who uses the keys of a user, and why that is so."""

    by: UsedBy
    why: str = ""


def key_use(user: User, networks: tuple[str, ...]) -> KeyUse:
    """Tell who uses a user's keys. One key of a machine makes a machine; for a person, all of them must be a person's.

    `networks` are the organization's own (`evidence.networks`).
    """
    used = [(activity, use_of(activity, networks)) for activity in user.activity if activity.newest]
    machines = [
        f"{activity.key} is used by a machine: {use.why}"
        for activity, use in used
        if use.by is UsedBy.MACHINE
    ]
    if machines:
        return KeyUse(UsedBy.MACHINE, "; ".join(machines))
    # A key that was not looked at may be a machine's.
    if not used or len(user.activity) < len(user.active_keys) or _uses_unseen(user):
        return KeyUse(UsedBy.UNCLEAR)
    if all(use.by is UsedBy.PERSON for _, use in used):
        why = "; ".join(f"{activity.key} is used by a person: {use.why}" for activity, use in used)
        return KeyUse(UsedBy.PERSON, why)
    return KeyUse(UsedBy.UNCLEAR)


def use_of(activity: KeyActivity, networks: tuple[str, ...]) -> KeyUse:
    """Tell who uses one key.

    A person's are calls by the AWS CLI from one of the networks, within 14 hours of the day; a machine's are calls from
    a few addresses, round the clock.
    """
    if not activity.calls and activity.with_mfa:
        return KeyUse(UsedBy.PERSON, "it only asks for sessions, with the code of an MFA device")
    hours = sum(activity.hours)
    if hours < ENOUGH_HOURS or len(activity.days) < ENOUGH_DAYS:
        return KeyUse(UsedBy.UNCLEAR)
    day, addresses = span_of(activity.hours), activity.addresses
    if day >= ROUND_THE_CLOCK and _share(addresses[:FEW_ADDRESSES], addresses) >= NEARLY_ALL:
        return KeyUse(
            UsedBy.MACHINE,
            f"round the clock from {_names(addresses[:FEW_ADDRESSES])} by {_names(activity.agents)}",
        )
    by_hand = [one for one in activity.agents if one[0] in BY_HAND]
    at_home = [one for one in addresses if _is_within(one[0], networks)]
    if (
        day <= LONGEST_DAY
        and _share(by_hand, activity.agents) >= NEARLY_ALL
        and _share(at_home, addresses) >= NEARLY_ALL
    ):
        return KeyUse(
            UsedBy.PERSON, f"within {day} hours of the day from {_names(at_home)} by {_names(by_hand)}"
        )
    return KeyUse(UsedBy.UNCLEAR)


def span_of(hours: tuple[int, ...]) -> int:
    """Return the length of the shortest part of the day, in hours, in which nearly all calls were made."""
    needed = NEARLY_ALL * sum(hours)
    twice = hours + hours
    return next(
        length
        for length in range(1, len(hours) + 1)
        if any(sum(twice[start : start + length]) >= needed for start in range(len(hours)))
    )


def describe_denied(activity: KeyActivity) -> str:
    """Say what the policy would have denied to a key; empty where it made no such call."""
    if activity.last is None:
        return ""
    count = len(activity.operations)
    least = "at least " if count == MOST_NAMED or activity.sampled else ""
    days = f" on {least}{_some(len(activity.days), 'day')} since {activity.days[0]}" if activity.days else ""
    return (
        f"{least}{_some(count, 'operation')} ({_names(activity.operations)}) would have been denied{days},"
        f" last on {activity.last.date()}"
    )


def describe_use(activity: KeyActivity) -> str:
    """Say what a key did, over which time: the evidence as people read it."""
    return "; ".join(_told(activity))


def _told(activity: KeyActivity) -> Iterator[str]:
    least = "at least " if activity.sampled else ""
    if activity.last is None:
        yield f"no call that needs MFA without it since {activity.since.date()}"
    else:
        denied = describe_denied(activity)
        origin = f"from {_names(activity.addresses)} by {_names(activity.agents)}"
        yield f"{least}{_some(activity.calls, 'call')} without MFA; {denied}; {origin}"
    if activity.last_plain_session is not None:
        yield f"sessions without MFA, last on {activity.last_plain_session:%Y-%m-%d}"
    if activity.last_with_mfa is not None:
        requests = _some(activity.with_mfa, "request")
        yield f"{least}{requests} for sessions with MFA, last on {activity.last_with_mfa:%Y-%m-%d}"


def _uses_unseen(user: User) -> bool:
    newest = max((activity.newest for activity in user.activity if activity.newest), default=None)
    used = user.key_last_used
    return newest is not None and used is not None and used - newest > UNSEEN_AFTER


def _share(part: Iterable[tuple[str, int]], whole: Counts) -> float:
    total = sum(count for _, count in whole)
    return sum(count for _, count in part) / total if total else 0.0


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:  # CloudTrail names a service where that made the call
        return False
    return any(found in ip_network(network, strict=False) for network in networks)


def _names(counts: Iterable[tuple[str, int]], most: int = 3) -> str:
    names = [name for name, _ in counts]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
