"""What one person is told: one message a person and run, a line a user, each with its own date.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rollout.domain.people.users import UserRef
from rollout.domain.verdicts.verdict import Impact


class Delivery(StrEnum):
    """How far a message got."""

    QUEUED = "queued"
    """Handed to a channel that cannot say whether it arrived, such as the outbox."""
    DELIVERED = "delivered"
    """The channel says that it arrived, or it lies in the outbox with `notify.outbox_counts: true`."""
    FAILED = "failed"
    """It could not be sent."""


@dataclass(frozen=True, slots=True)
class Line:
    """What happens to one of the person's users: from `due` on, and not before that day."""

    user: UserRef
    account_name: str
    impact: Impact
    due: date
    forecast: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one address. A `reminder` repeats what was told before; its days are the same."""

    address: str
    lines: tuple[Line, ...]
    reminder: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel says of a message: how far it got, its message id, why it failed."""

    delivery: Delivery
    message_id: str = ""
    detail: str = ""
