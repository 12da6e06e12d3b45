"""Sends notices and reminders: one message per person and run, one line per user (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from rollout.domain.people.addresses import Addressee, normalised_address
from rollout.domain.progress.messages import Delivery, Line, Receipt, notice_to
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
    """What to tell one person about one user. `mark`: for a reminder, how long before the announced time."""

    addressee: Addressee
    wave: str
    line: Line
    mark: timedelta = timedelta()

    @property
    def address(self) -> str:
        """The person's address."""
        return self.addressee.address


@dataclass(slots=True)
class Sent:
    """The result of sending: waves with users told, waves with users not told, and whether it was interrupted.

    `told` are the UserIds of users to whom a notice was sent.
    """

    told: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    interrupted: bool = False


def tell(
    notices: Iterable[DueNotice], run: RunContext, notifier: Notifier, tally: OutcomeTally, zone: tzinfo
) -> Sent:
    """Send one notice to each address and journal every line. Stops early when the run has to.

    `zone` is the time zone in which people read them.
    """
    sent = Sent()
    for mine, delivery in _send(notices, run, notifier, sent, zone, reminder=False):
        tally.count(COUNTED[delivery], len(mine))
        tally.count(Counted.MESSAGES)
        failed = delivery is Delivery.FAILED
        (sent.untold if failed else sent.moved).update(one.wave for one in mine)
        if not failed:
            sent.told.update(one.line.user.id for one in mine)
    return sent


def remind(
    reminders: Iterable[DueNotice], run: RunContext, notifier: Notifier, tally: OutcomeTally, zone: tzinfo
) -> Sent:
    """Send reminders as `tell` sends notices. A failed reminder delays nobody: the earlier notice counts."""
    sent = Sent()
    for mine, delivery in _send(reminders, run, notifier, sent, zone, reminder=True):
        failed = delivery is Delivery.FAILED
        tally.count(Counted.REMINDERS_NOT_SENT if failed else Counted.REMINDED, len(mine))
        tally.count(Counted.MESSAGES)
    return sent


def _send(
    notices: Iterable[DueNotice],
    run: RunContext,
    notifier: Notifier,
    sent: Sent,
    zone: tzinfo,
    *,
    reminder: bool,
) -> Iterator[tuple[Sequence[DueNotice], Delivery]]:
    for address, mine in _by_address(notices):
        if run.ends():
            sent.interrupted = True
            return
        lines = tuple(one.line for one in mine)
        notice = notice_to([one.addressee for one in mine], lines, zone, reminder=reminder)
        receipt = notifier.send(replace(notice, address=address))
        now = run.now()
        run.journal.append(*(_record(one, address, run.id, receipt, now, reminder=reminder) for one in mine))
        yield mine, receipt.delivery


def _by_address(notices: Iterable[DueNotice]) -> Iterator[tuple[str, Sequence[DueNotice]]]:
    """Group notices by person, ignoring the case of the address, in a fixed order."""
    by_address: dict[str, list[DueNotice]] = {}
    for notice in sorted(notices, key=lambda one: (one.address, one.line.user.arn)):
        by_address.setdefault(normalised_address(notice.address), []).append(notice)
    for _, mine in sorted(by_address.items()):
        yield mine[-1].address, sorted(mine, key=lambda one: (one.line.due, one.line.user.arn))


def _record(
    one: DueNotice, address: str, run: str, receipt: Receipt, now: datetime, *, reminder: bool
) -> Told | Reminded:
    what = (run, now, one.line.user, one.wave, address, one.line.impact, one.line.due)
    outcome = (receipt.delivery, receipt.message_id, receipt.detail)
    return Reminded(*what, one.mark, *outcome) if reminder else Told(*what, *outcome)
