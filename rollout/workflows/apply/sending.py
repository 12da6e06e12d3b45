"""Tells people: one message a person and run, a line a user (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rollout.domain.progress.messages import Delivery, Line, Notice, Receipt
from rollout.domain.progress.records import Reminded, Told
from rollout.workflows.apply.order import Counted, OutcomeTally
from rollout.workflows.ports import Notifier
from rollout.workflows.run_context import RunContext

COUNTED = {
    Delivery.DELIVERED: Counted.TOLD,
    Delivery.QUEUED: Counted.QUEUED,
    Delivery.FAILED: Counted.NOT_REACHED,
}


@dataclass(frozen=True, slots=True)
class DueNotice:
    """What one address is to be told of one user. `mark`: it is a reminder, so long before the day told."""

    address: str
    wave: str
    line: Line
    mark: timedelta = timedelta()


@dataclass(slots=True)
class Sent:
    """How sending went: the waves of which somebody was told, or could not be, and whether it was cut short."""

    moved: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    interrupted: bool = False


def tell(notices: Iterable[DueNotice], run: RunContext, notifier: Notifier, tally: OutcomeTally) -> Sent:
    """Send a notice to each address and journal every line; ends early when the run has to."""
    sent = Sent()
    for address, mine in _by_address(notices):
        if run.ends():
            sent.interrupted = True
            break
        receipt = notifier.send(Notice(address, tuple(one.line for one in mine)))
        now = run.now()
        run.journal.append(*(_told(one, address, run.id, receipt, now) for one in mine))
        tally.count(COUNTED[receipt.delivery], len(mine))
        tally.count(Counted.MESSAGES)
        failed = receipt.delivery is Delivery.FAILED
        (sent.untold if failed else sent.moved).update(one.wave for one in mine)
    return sent


def remind(reminders: Iterable[DueNotice], run: RunContext, notifier: Notifier, tally: OutcomeTally) -> Sent:
    """Send reminders likewise. One that cannot be sent holds nobody back: the notice before it counts."""
    sent = Sent()
    for address, mine in _by_address(reminders):
        if run.ends():
            sent.interrupted = True
            break
        receipt = notifier.send(Notice(address, tuple(one.line for one in mine), reminder=True))
        now = run.now()
        run.journal.append(*(_reminded(one, address, run.id, receipt, now) for one in mine))
        failed = receipt.delivery is Delivery.FAILED
        tally.count(Counted.REMINDERS_NOT_SENT if failed else Counted.REMINDED, len(mine))
        tally.count(Counted.MESSAGES)
    return sent


def _by_address(notices: Iterable[DueNotice]) -> Iterator[tuple[str, Sequence[DueNotice]]]:
    """Put together what one person is told, whatever the spelling of the address, in a fixed order."""
    by_address: dict[str, list[DueNotice]] = {}
    for notice in sorted(notices, key=lambda one: (one.address, one.line.user.arn)):
        by_address.setdefault(notice.address.casefold(), []).append(notice)
    for _, mine in sorted(by_address.items()):
        yield mine[-1].address, sorted(mine, key=lambda one: (one.line.due, one.line.user.arn))


def _told(one: DueNotice, address: str, run: str, receipt: Receipt, now: datetime) -> Told:
    return Told(
        run,
        now,
        one.line.user,
        one.wave,
        address,
        one.line.impact,
        one.line.due,
        receipt.delivery,
        receipt.message_id,
        receipt.detail,
    )


def _reminded(one: DueNotice, address: str, run: str, receipt: Receipt, now: datetime) -> Reminded:
    return Reminded(
        run,
        now,
        one.line.user,
        one.wave,
        address,
        one.line.impact,
        one.line.due,
        one.mark,
        receipt.delivery,
        receipt.message_id,
        receipt.detail,
    )
