"""Defines notices: one message per person and run, with a line for each user and a date in each line.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from rollout.domain.people.addresses import Addressee
from rollout.domain.people.users import UserRef
from rollout.domain.verdicts.verdict import NOTHING_KNOWN, Impact, Situation


class Delivery(StrEnum):
    """How far a message got (design.md#glossary)."""

    QUEUED = "queued"
    """Handed to a channel that cannot say whether it arrived, such as the outbox."""
    DELIVERED = "delivered"
    """The channel says that it arrived, or it lies in the outbox with `notify.outbox_counts: true`."""
    FAILED = "failed"
    """It could not be sent."""


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
    `others` are users of the same person that this message only mentions: those of later waves, and those told before.
    """

    address: str
    lines: tuple[Line, ...]
    reminder: bool = False
    zone: tzinfo = UTC
    language: str = ""
    others: tuple[Line, ...] = ()


def notice_to(
    addressees: Sequence[Addressee], lines: tuple[Line, ...], zone: tzinfo, *, reminder: bool = False
) -> Notice:
    """Address a message to one person, found once for each line, in their own language and time zone where known."""
    own_zone = next((ZoneInfo(one.zone) for one in addressees if one.zone), zone)
    language = next((one.language for one in addressees if one.language), "")
    return Notice(addressees[-1].address, lines, reminder, own_zone, language)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel says about a message: how far it got, its message id, and why it failed."""

    delivery: Delivery
    message_id: str = ""
    detail: str = ""
