"""What the calls of one access key come to, as CloudTrail or an imported file shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

KEPT_FOR = timedelta(days=90)
"""How long CloudTrail's event history goes back (aws-facts.md#doors-and-credentials-found-later)."""
MOST_NAMED = 100
"""How many operations, addresses and agents are kept of one key: those seen most."""

_SESSION = "sts:GetSessionToken"
# Without MFA, ForceMFA leaves these open; and no policy can deny the last (STS API reference).
_STILL_ALLOWED = frozenset(
    {
        "iam:CreateVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
        _SESSION,
        "sts:GetCallerIdentity",
    }
)
_PROGRAM = re.compile(r"[^\s/\[(]+")
_ENVIRONMENT = re.compile(r"exec-env/(\S+)")
_AMAZON_LINUX = re.compile(r"amzn\d")

Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call of a key. `with_mfa`: it carried the code of a device, as GetSessionToken and AssumeRole take one."""

    at: datetime
    operation: str
    address: str
    agent: str
    with_mfa: bool = False


@dataclass(frozen=True, slots=True)
class KeyActivity:
    """The calls of one access key; times are aware, days and hours in UTC.

    `calls`, `last`, `days` and `operations` are those without MFA that ForceMFA denies. `hours` says for each hour of
    the day on how many days there was such a call, and is empty where that is not known. `agents` and `addresses` count
    the hours in which each was seen. `last_plain_session` is the last GetSessionToken without MFA: the policy allows
    it, and denies what the session is for. Everything since `since` was looked at; `sampled` says that earlier calls
    were looked at in part.
    """

    key: str
    source: str
    read_at: datetime
    since: datetime
    calls: int = 0
    last: datetime | None = None
    days: tuple[date, ...] = ()
    hours: tuple[int, ...] = ()
    operations: Counts = ()
    addresses: Counts = ()
    agents: Counts = ()
    with_mfa: int = 0
    last_with_mfa: datetime | None = None
    last_plain_session: datetime | None = None
    sampled: bool = False

    @property
    def newest(self) -> datetime | None:
        """The time of the newest call, with or without MFA."""
        moments = (self.last, self.last_with_mfa, self.last_plain_session)
        return max((moment for moment in moments if moment), default=None)

    def quiet_since(self, moment: datetime) -> bool | None:
        """Tell whether the key has made no call without MFA since then; None where that was not looked at."""
        if any(last is not None and last > moment for last in (self.last, self.last_plain_session)):
            return False
        return None if self.since > moment else True


def activity_of(
    key: str,
    source: str,
    read_at: datetime,
    since: datetime,
    calls: Iterable[RecordedCall],
    *,
    sampled: bool = False,
) -> KeyActivity:
    """Add up the calls of one key; each is to be given once. `key` is its label, which does not reveal its ID."""
    calls = tuple(calls)
    mfa = [call.at for call in calls if call.with_mfa]
    plain = [call for call in calls if not call.with_mfa]
    sessions = [call.at for call in plain if call.operation == _SESSION]
    denied = [call for call in plain if call.operation not in _STILL_ALLOWED]
    active = {(_hour(call.at), call.agent, call.address) for call in denied}
    moments = {moment for moment, _, _ in active}
    at_hour = Counter(moment.hour for moment in moments)
    return KeyActivity(
        key,
        source,
        read_at,
        since,
        calls=len(denied),
        last=max((call.at for call in denied), default=None),
        days=tuple(sorted({moment.date() for moment in moments})),
        hours=tuple(at_hour[hour] for hour in range(24)),
        operations=_most(Counter(call.operation for call in denied)),
        addresses=_most(Counter(address for _, address in {(at, address) for at, _, address in active})),
        agents=_most(Counter(agent for _, agent in {(at, agent) for at, agent, _ in active})),
        with_mfa=len(mfa),
        last_with_mfa=max(mfa, default=None),
        last_plain_session=max(sessions, default=None),
        sampled=sampled,
    )


def agent_of(user_agent: str) -> str:
    """Shorten a user agent to the program, and what it runs in: `aws-cli`, `Boto3 (EC2)`, `Terraform`."""
    program = _PROGRAM.search(user_agent)
    if program is None:
        return "unknown"
    named = next((name for name in ("Terraform", "Pulumi") if name in user_agent), program[0])
    environment = _ENVIRONMENT.search(user_agent)
    if environment:
        return f"{named} ({environment[1]})"
    return f"{named} (Amazon Linux)" if _AMAZON_LINUX.search(user_agent) else named


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _most(counts: Counter[str]) -> Counts:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_NAMED])
