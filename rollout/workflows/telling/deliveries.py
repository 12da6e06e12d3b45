"""Records what a channel says later about messages: that they arrived, came back, or were reported as unwanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.people.addresses import normalised_address
from rollout.domain.progress.following import follow_message
from rollout.domain.progress.messages import Delivery, DeliveryReport
from rollout.domain.progress.progress import Progress
from rollout.domain.progress.records import DeliverySeen, Told
from rollout.workflows.ports import Journal


@dataclass(slots=True)
class Deliveries:
    """Finds the notices that reports are about, and journals what is new. `counts` counts users by delivery."""

    journal: Journal
    run: str
    organization_id: str
    progress: Progress
    counts: Counter[Delivery] = field(default_factory=Counter)
    unknown: int = 0
    _sent: dict[str, list[tuple[Told, str]]] | None = None

    def record(self, reports: Iterable[DeliveryReport], now: datetime) -> int:
        """Journal what is new of some reports; return how many of them are about messages of this store."""
        known = 0
        records: list[DeliverySeen] = []
        for report in reports:
            found = self._about(report)
            known += bool(found)
            self.unknown += not found
            for told, detail in found:
                if seen := self._news(told, report, detail, now):
                    records.append(seen)
                    follow_message(self.progress, seen)
                    self.counts[seen.delivery] += 1
        if records:
            self.journal.append(*records)
        return known

    def _about(self, report: DeliveryReport) -> list[tuple[Told, str]]:
        """Find the notices with this message id; a reminder that comes back is about the notice before it."""
        if self._sent is None:
            self._sent = {}
            for message_id, told, detail in self._messages():
                self._sent.setdefault(message_id, []).append((told, detail))
        found = self._sent.get(report.message_id, [])
        same = normalised_address(report.address)
        return [(told, detail) for told, detail in found if normalised_address(told.address) == same]

    def _messages(self) -> Iterator[tuple[str, Told, str]]:
        for user_id, told in self.progress.notices.items():
            if told.message_id:
                yield told.message_id, told, ""
            for reminder in self.progress.reminded.get(user_id, ()):
                if reminder.message_id:
                    yield reminder.message_id, told, "a reminder of it: "

    def _news(self, told: Told, report: DeliveryReport, detail: str, now: datetime) -> DeliverySeen | None:
        latest = self.progress.notices[told.user.id]
        if detail and not report.delivery.failed:
            return None  # that a reminder arrived says nothing about the notice
        if (
            latest.message_id != told.message_id
            or latest.delivery.failed
            or latest.delivery is report.delivery
        ):
            return None
        return DeliverySeen(
            self.run,
            now,
            self.organization_id,
            told.user,
            told.address,
            told.message_id,
            report.delivery,
            report.at,
            f"{detail}{report.detail}",
        )
