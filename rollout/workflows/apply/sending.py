"""Tells people: one message a person and run, a line a user (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rollout.domain.progress.messages import Delivery, Line, Notice, Receipt
from rollout.domain.progress.records import Reminded, Told
from rollout.workflows.apply.order import Tally, Tools
from rollout.workflows.apply.watch import Watch

WORDS = {Delivery.DELIVERED: "told", Delivery.QUEUED: "queued", Delivery.FAILED: "not reached"}


@dataclass(frozen=True, slots=True)
class Saying:
    """What one address is to be told of one user. `mark`: it is a reminder, so long before the day told."""

    address: str
    wave: str
    line: Line
    mark: timedelta = timedelta()


@dataclass(slots=True)
class Telling:
    """How telling went: the waves of which somebody was told, or could not be, and whether it was cut short."""

    moved: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    interrupted: bool = False


def tell(sayings: Iterable[Saying], run: str, tools: Tools, tally: Tally, watch: Watch) -> Telling:
    """Send a notice to each address and journal every line; ends early when the run is asked to stop."""
    telling = Telling()
    for address, mine in _by_address(sayings):
        if watch.ends():
            telling.interrupted = True
            break
        receipt = tools.notifier.send(Notice(address, tuple(one.line for one in mine)))
        now = tools.clock.now()
        tools.journal.append(*(_told(one, address, run, receipt, now) for one in mine))
        tally.count(WORDS[receipt.delivery], len(mine))
        tally.count("messages")
        failed = receipt.delivery is Delivery.FAILED
        (telling.untold if failed else telling.moved).update(one.wave for one in mine)
    return telling


def remind(sayings: Iterable[Saying], run: str, tools: Tools, tally: Tally, watch: Watch) -> Telling:
    """Send reminders likewise. One that cannot be sent holds nobody back: the notice before it counts."""
    reminding = Telling()
    for address, mine in _by_address(sayings):
        if watch.ends():
            reminding.interrupted = True
            break
        receipt = tools.notifier.send(Notice(address, tuple(one.line for one in mine), reminder=True))
        now = tools.clock.now()
        tools.journal.append(*(_reminded(one, address, run, receipt, now) for one in mine))
        failed = receipt.delivery is Delivery.FAILED
        tally.count("reminders not sent" if failed else "reminded", len(mine))
        tally.count("messages")
    return reminding


def _by_address(sayings: Iterable[Saying]) -> Iterator[tuple[str, Sequence[Saying]]]:
    """Put together what one person is told, whatever the spelling of the address, in a fixed order."""
    by_address: dict[str, list[Saying]] = {}
    for saying in sorted(sayings, key=lambda one: (one.address, one.line.user.arn)):
        by_address.setdefault(saying.address.casefold(), []).append(saying)
    for _, mine in sorted(by_address.items()):
        yield mine[-1].address, sorted(mine, key=lambda one: (one.line.due, one.line.user.arn))


def _told(one: Saying, address: str, run: str, receipt: Receipt, now: datetime) -> Told:
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


def _reminded(one: Saying, address: str, run: str, receipt: Receipt, now: datetime) -> Reminded:
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
