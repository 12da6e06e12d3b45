"""Says where an organization stood at one look, so that reports can show what became of it over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from rollout.counted import number_of
from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
from rollout.domain.status.user_status import Statuses, UserStatus
from rollout.domain.verdicts.verdict import Kind

SCHEMA = 1
KEY_IN_USE = timedelta(days=30)
NAMED_CHANGES = 200
"""Changes that are kept by name; all are counted."""
NAMED_USERS = 200_000
"""Beyond this many users nobody is named, and nobody's state is remembered."""
PACE_OVER = timedelta(days=28)
"""The time over which today's pace is taken."""
GONE = "gone"

Share = tuple[int, int]
"""Users, and those of them under MFA enforcement."""


def under_mfa(entry: PlanEntry, status: UserStatus) -> bool:
    """Tell whether MFA is enforced on a user, by this tool or by somebody else's policy."""
    return bool(status.enforced_by or entry.covered_by) or entry.verdict is Kind.COVERED


@dataclass(frozen=True, slots=True)
class StateChange:
    """A user who stands otherwise than at the look before. `was` is empty for a new one; `now` may be `gone`."""

    account_id: str
    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class KeptLook:
    """The figures of one look. `facts_at` is when AWS was read; devices and keys are as of then.

    `key_users` are users on whom MFA is not enforced and whose access keys were used in the 30 days before that.
    `changed` names the first of `changes` users who stood otherwise than at the look `before`, None for the first one.
    """

    at: datetime
    command: str
    plan_id: str
    facts_at: datetime
    users: int
    under_mfa: int
    no_device: int
    key_users: int
    verdicts: Mapping[str, int]
    states: Mapping[str, int]
    ous: Mapping[str, Share]
    accounts: Mapping[str, Share]
    before: datetime | None = None
    changes: int = 0
    changed: tuple[StateChange, ...] = ()
    schema: int = SCHEMA

    @property
    def unprotected(self) -> int:
        """The users on whom MFA is not enforced."""
        return self.users - self.under_mfa


@dataclass(frozen=True, slots=True)
class UserStand:
    """How one user stood at the last look, and since when."""

    account_id: str
    name: str
    state: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Stands:
    """How every user stood at the last look, by UserId; empty where nothing was kept, or there are too many users."""

    at: datetime | None = None
    users: Mapping[str, UserStand] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def since(self) -> dict[str, datetime]:
        """Since when users are known to stand as they do."""
        return {user_id: stand.since for user_id, stand in self.users.items()}


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of earlier: the looks, the oldest first, and how users stood at the last one."""

    looks: tuple[KeptLook, ...] = ()
    stands: Stands = Stands()


NO_PAST = Past()


def look_back(
    command: str,
    header: Header,
    parts: Iterable[AccountPlan],
    statuses: Statuses,
    now: datetime,
    before: Stands,
) -> tuple[KeptLook, Stands]:
    """Count where everybody stands, and compare it by name with the look before. Reads the parts once."""
    verdicts, states = Counter[str](), Counter[str]()
    ous, accounts = Counter[tuple[str, bool]](), Counter[tuple[str, bool]]()
    no_device = key_users = 0
    stands: dict[str, UserStand] = {}
    for part in parts:
        for entry in part.entries:
            status, facts = statuses.of(entry.user, entry), entry.facts
            safe = under_mfa(entry, status)
            state = entry.because[0] if entry.verdict is Kind.HOLD and entry.because else status.state_code
            verdicts[entry.verdict] += 1
            states[state] += 1
            ous[part.ou, safe] += 1
            accounts[part.account_id, safe] += 1
            no_device += not facts.mfa_active
            used = facts.key_last_used
            key_users += not safe and used is not None and used > facts.observed_at - KEY_IN_USE
            if len(stands) <= NAMED_USERS:
                known = before.users.get(entry.user.id)
                since = known.since if known and known.state == state else now
                stands[entry.user.id] = UserStand(part.account_id, entry.user.name, state, since)
    if len(stands) > NAMED_USERS:
        stands = {}
    changed = _changed(before, stands)
    look = KeptLook(
        now,
        command,
        header.id,
        header.inventory_at,
        sum(verdicts.values()),
        sum(number for (_, safe), number in ous.items() if safe),
        no_device,
        key_users,
        dict(verdicts),
        dict(states),
        _shares(ous),
        _shares(accounts),
        before.at,
        len(changed),
        tuple(changed[:NAMED_CHANGES]),
    )
    return look, Stands(now, stands)


def _shares(counts: Counter[tuple[str, bool]]) -> dict[str, Share]:
    names = sorted({name for name, _ in counts})
    return {name: (counts[name, True] + counts[name, False], counts[name, True]) for name in names}


def _changed(before: Stands, after: Mapping[str, UserStand]) -> list[StateChange]:
    if before.at is None or not before.users or not after:
        return []
    found = []
    for user_id, now in after.items():
        was = before.users.get(user_id)
        if was is None or was.state != now.state:
            found.append(StateChange(now.account_id, now.name, was.state if was else "", now.state))
    found += [
        StateChange(was.account_id, was.name, was.state, GONE)
        for user_id, was in before.users.items()
        if user_id not in after
    ]
    return sorted(found, key=lambda one: (one.account_id, one.name))


@dataclass(frozen=True, slots=True)
class DailyPace:
    """How fast users come under MFA enforcement: so many a day, over so long, and on which day nobody is left.

    `ends` is None where the number does not fall.
    """

    a_day: float
    over: timedelta
    ends: date | None


def pace_of(looks: Iterable[KeptLook], left: int, now: datetime) -> DailyPace | None:
    """Take the pace of the last four weeks, for `left` users; None where there is nothing to take it from."""
    known = sorted((look for look in looks if look.at < now), key=lambda look: look.at)
    lately = [look for look in known if look.at >= now - PACE_OVER]
    if not known:
        return None
    first = lately[0] if len(lately) == len(known) else known[len(known) - len(lately) - 1]
    over = now - first.at
    if over < timedelta(hours=12):
        return None
    a_day = (first.unprotected - left) / (over / timedelta(days=1))
    days = left / a_day if a_day > 0 else None
    far = days is None or days > 36_500
    return DailyPace(a_day, over, None if far or days is None else (now + timedelta(days=days)).date())


def say_pace(pace: DailyPace | None, left: int) -> str:
    """Say until when it takes, at this pace."""
    if not left:
        return "Nobody is left."
    if pace is None:
        return "There is no earlier look to take a pace from."
    days = number_of(pace.over.days, "day") if pace.over.days else "day"
    if pace.ends is None:
        return f"At the pace of the last {days} ({pace.a_day:+.1f} users a day) there is no end."
    return f"At the pace of the last {days} ({pace.a_day:.1f} users a day) nobody is left on {pace.ends.isoformat()}."
