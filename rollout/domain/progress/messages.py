"""Defines notices: one message per person and run, with a line for each user and a date in each line.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from hashlib import sha256
from zoneinfo import ZoneInfo

from rollout.domain.people.addresses import Addressee, normalised_address
from rollout.domain.people.users import UserRef
from rollout.domain.verdicts.verdict import NOTHING_KNOWN, Impact, Situation


class Delivery(StrEnum):
    """How far a message got (design.md#glossary)."""

    QUEUED = "queued"
    """Handed to a channel that cannot say whether it arrived, such as the outbox."""
    SENT = "sent"
    """The mail server or service took it over, and answers for it from then on."""
    DELIVERED = "delivered"
    """The channel says that it arrived, or it lies in the outbox with `notify.outbox_counts: true`."""
    REFUSED = "refused"
    """It could not be sent."""
    BOUNCED = "bounced"
    """It was sent, and came back later."""
    COMPLAINED = "complained"
    """It arrived, and the person reported it as unwanted; later ones may not arrive."""

    @property
    def failed(self) -> bool:
        """Whether the person has to be told again."""
        return self in _FAILED

    def reaches(self, needed: Delivery) -> bool:
        """Tell whether a message got as far as `needed`, or farther."""
        return not self.failed and _FARTHER.index(self) >= _FARTHER.index(needed)


_FAILED = frozenset({Delivery.REFUSED, Delivery.BOUNCED, Delivery.COMPLAINED})
_FARTHER = (Delivery.QUEUED, Delivery.SENT, Delivery.DELIVERED)


class NoticeWorth(StrEnum):
    """What a notice is worth now: the column `worth now` of `rollout notices`."""

    COUNTS = "counts"
    """It allows the user to be enforced from its date on."""
    VOID = "void"
    """A new notice is needed."""
    UNPROVEN = "unproven"
    """Nobody knows whether it arrived."""
    USED = "used"
    """The user has been enforced after it."""
    REPLACED = "replaced"
    """A newer notice took its place."""
    NOT_NEEDED = "not needed"
    """The user is no longer to be enforced."""


@dataclass(frozen=True, slots=True)
class Line:
    """What happens to one of the person's users, from the time `due` (UTC) on and not earlier."""

    user: UserRef
    account_name: str
    impact: Impact
    due: datetime
    situation: Situation = NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one address. A `reminder` repeats an earlier notice with the same times.

    `zone` is the time zone in which the person reads them, and `language` the person's own; empty if it is not known.
    The same message has the same `id`, whoever sends it and how often. `enforced` says that the time has come.
    `others` are users of the same person that this message only mentions: those of later waves, and those told before.
    """

    address: str
    lines: tuple[Line, ...]
    reminder: bool = False
    zone: tzinfo = UTC
    language: str = ""
    id: str = ""
    enforced: bool = False
    others: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class TeamCounts:
    """Where the users of a team stand that are to be enforced; `due` is the next date that one of them was told.

    `missing` names those without a device, as account and user; it is for the team's own mail and never for a chat.
    """

    users: int
    enforced: int
    without_device: int
    due: datetime | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary(Notice):
    """A message to a team, a manager or the owner of an account about the users of others; it has no `lines`."""

    team: str = ""
    counts: TeamCounts = TeamCounts(0, 0, 0)


def notice_to(
    addressees: Sequence[Addressee],
    lines: tuple[Line, ...],
    zone: tzinfo,
    organization_id: str,
    mark: timedelta = timedelta(),
    *,
    enforced: bool = False,
) -> Notice:
    """Address a message to one person, found once for each line, in their own language and time zone where known.

    `mark`: it is a reminder, sent so long before the time told; `enforced`: it says that this time has come.
    """
    own_zone = next((ZoneInfo(one.zone) for one in addressees if one.zone), zone)
    language = next((one.language for one in addressees if one.language), "")
    address = addressees[-1].address
    kind = "enforced" if enforced else f"{mark.total_seconds():.0f}"
    return Notice(
        address,
        lines,
        bool(mark),
        own_zone,
        language,
        id=_id_of(organization_id, address, lines, kind),
        enforced=enforced,
    )


def _id_of(organization_id: str, address: str, lines: Sequence[Line], kind: str) -> str:
    """Name a message by whom it is for and what it tells: 32 hexadecimal digits.

    It has no time and no run, so that a message that is sent again after a crash has the id of the first, and mail
    systems that drop repeated messages can.
    """
    told = sorted(f"{line.user.id} {line.impact} {line.due.isoformat()}" for line in lines)
    whole = "\n".join((organization_id, normalised_address(address), kind, *told))
    return sha256(whole.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel says about a message: how far it got, its message id, and why it failed.

    `later`: it was not taken now, and may be in some minutes, as mail servers do with senders they do not know yet.
    """

    delivery: Delivery
    message_id: str = ""
    detail: str = ""
    later: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a channel says later about a message to one address, and when it happened."""

    message_id: str
    address: str
    delivery: Delivery
    at: datetime
    detail: str = ""
