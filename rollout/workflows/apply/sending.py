"""Sends notices and reminders: one message per person and run, one line per user (design.md#stages-and-gates).

What is sent is on record before and after. A run that dies in between leaves a message of which nobody knows whether
it was sent; the next run sends it again, with the same id, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from itertools import islice

from rollout.domain.people.addresses import Addressee, normalised_address
from rollout.domain.progress.messages import Delivery, Line, Notice, Receipt, notice_to
from rollout.domain.progress.records import Record, Reminded, Sending, Told
from rollout.workflows.apply.order import Counted, OutcomeTally
from rollout.workflows.ports import Notifier
from rollout.workflows.run_context import RunContext


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


@dataclass(frozen=True, slots=True)
class Mail:
    """How messages leave a run. `zone` is the time zone in which people read them.

    `in_doubt`: by UserId, the messages that an earlier run may have sent, as `Progress` has them. `others`: by
    normalised address, the users of a person that no message of this run is about, to be mentioned.
    """

    run: RunContext
    notifier: Notifier
    tally: OutcomeTally
    zone: tzinfo
    in_doubt: Mapping[str, Sending]
    others: Mapping[str, Sequence[Line]] = field(default_factory=dict)


def tell(notices: Iterable[DueNotice], mail: Mail) -> Sent:
    """Send one notice to each address and journal every line. Stops early when the run has to.

    Raises ChannelUnusable.
    """
    sent = Sent()
    for mine, receipt in _Sender(mail, sent).send(notices):
        mail.tally.count(_counted(receipt.delivery, mail.notifier), len(mine))
        mail.tally.count(Counted.MESSAGES)
        failed = receipt.delivery.failed
        (sent.untold if failed else sent.moved).update(one.wave for one in mine)
        if not failed:
            sent.told.update(one.line.user.id for one in mine)
    return sent


def remind(reminders: Iterable[DueNotice], mail: Mail) -> Sent:
    """Send reminders as `tell` sends notices. A failed reminder delays nobody: the earlier notice counts."""
    sent = Sent()
    for mine, receipt in _Sender(mail, sent, reminder=True).send(reminders):
        failed = receipt.delivery.failed
        mail.tally.count(Counted.REMINDERS_NOT_SENT if failed else Counted.REMINDED, len(mine))
        mail.tally.count(Counted.MESSAGES)
    return sent


def announce(enforced: Iterable[DueNotice], mail: Mail) -> Sent:
    """Tell people that the time has come, as `remind` does: a message that fails changes nothing."""
    sent = Sent()
    for mine, receipt in _Sender(mail, sent, reminder=True, enforced=True).send(enforced):
        failed = receipt.delivery.failed
        mail.tally.count(Counted.REMINDERS_NOT_SENT if failed else Counted.ANNOUNCED, len(mine))
        mail.tally.count(Counted.MESSAGES)
    return sent


def _counted(delivery: Delivery, notifier: Notifier) -> Counted:
    if delivery.failed:
        return Counted.NOT_REACHED
    if delivery.reaches(notifier.counts):
        return Counted.TOLD
    return Counted.QUEUED if delivery is Delivery.QUEUED else Counted.SENT


@dataclass(frozen=True, slots=True)
class _Parcel:
    """One message, and the users that it is about."""

    mine: Sequence[DueNotice]
    notice: Notice
    again: str = ""
    """The run that may have sent it before."""


@dataclass(slots=True)
class _Sender:
    """Sends messages in order. `unrecorded` are outcomes that go into the journal with the next announcement."""

    mail: Mail
    sent: Sent
    reminder: bool = False
    enforced: bool = False
    unrecorded: list[Record] = field(default_factory=list)

    def send(self, notices: Iterable[DueNotice]) -> Iterator[tuple[Sequence[DueNotice], Receipt]]:
        """Send everything, and once more what was not taken for now; yield what came of each message."""
        run, notifier = self.mail.run, self.mail.notifier
        parcels: Iterable[_Parcel] = self._parcels(notices)
        waits = [*notifier.waits]
        try:
            while True:
                postponed: list[tuple[_Parcel, Receipt]] = []
                for parcel, receipt in self._hand_over(parcels):
                    if receipt.later:
                        postponed.append((parcel, receipt))
                    else:
                        yield self._record(parcel, receipt)
                if postponed and waits and not self.sent.interrupted:
                    self._flush()
                    run.pause(waits.pop(0))
                    if not run.ends():
                        parcels = [parcel for parcel, _ in postponed]
                        continue
                    self.sent.interrupted = True
                for parcel, receipt in postponed:
                    yield self._record(parcel, receipt)
                return
        finally:
            self._flush()

    def _hand_over(self, parcels: Iterable[_Parcel]) -> Iterator[tuple[_Parcel, Receipt]]:
        run, notifier = self.mail.run, self.mail.notifier
        left = iter(parcels)
        while some := list(islice(left, notifier.at_once)):
            if run.ends():
                self.sent.interrupted = True
                return
            notifier.open()
            if not notifier.repeatable:
                now = run.now()
                self._flush(*(_announcement(parcel, run.id, now) for parcel in some))
            yield from zip(some, notifier.send_all([one.notice for one in some]), strict=True)
            if notifier.repeatable:
                self._flush()

    def _parcels(self, notices: Iterable[DueNotice]) -> Iterator[_Parcel]:
        mail, organization_id = self.mail, self.mail.run.organization_id
        for address, mine in _by_address(notices):
            lines = tuple(one.line for one in mine)
            mark = min(one.mark for one in mine)
            notice = notice_to(
                [one.addressee for one in mine],
                lines,
                mail.zone,
                organization_id,
                mark,
                enforced=self.enforced,
            )
            doubts = (mail.in_doubt.get(one.line.user.id) for one in mine)
            again = next((doubt.run for doubt in doubts if doubt is not None), "")
            others = tuple(mail.others.get(normalised_address(address), ()))
            yield _Parcel(mine, replace(notice, address=address, others=others), again)

    def _record(self, parcel: _Parcel, receipt: Receipt) -> tuple[Sequence[DueNotice], Receipt]:
        now = self.mail.run.now()
        if parcel.again:
            self.mail.tally.count(Counted.PERHAPS_TWICE, len(parcel.mine))
            twice = f"perhaps for the second time: run {parcel.again} died while it sent it"
            receipt = replace(receipt, detail="; ".join(filter(None, (receipt.detail, twice))))
        self.unrecorded += [self._line(one, parcel.notice.address, receipt, now) for one in parcel.mine]
        return parcel.mine, receipt

    def _line(self, one: DueNotice, address: str, receipt: Receipt, now: datetime) -> Told | Reminded:
        what = (self.mail.run.id, now, one.line.user, one.wave, address, one.line.impact, one.line.due)
        outcome = (receipt.delivery, receipt.message_id, receipt.detail)
        if self.reminder:
            return Reminded(*what, one.mark, *outcome)
        return Told(*what, *outcome, self.mail.notifier.counts)

    def _flush(self, *more: Record) -> None:
        records, self.unrecorded = [*self.unrecorded, *more], []
        if records:
            self.mail.run.journal.append(*records)


def _announcement(parcel: _Parcel, run: str, now: datetime) -> Sending:
    notice = parcel.notice
    return Sending(run, now, notice.address, notice.id, tuple(one.line.user.id for one in parcel.mine))


def _by_address(notices: Iterable[DueNotice]) -> Iterator[tuple[str, Sequence[DueNotice]]]:
    """Group notices by person, ignoring the case of the address, in a fixed order."""
    by_address: dict[str, list[DueNotice]] = {}
    for notice in sorted(notices, key=lambda one: (one.address, one.line.user.arn)):
        by_address.setdefault(normalised_address(notice.address), []).append(notice)
    for _, mine in sorted(by_address.items()):
        yield mine[-1].address, sorted(mine, key=lambda one: (one.line.due, one.line.user.arn))
