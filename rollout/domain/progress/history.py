"""Gathers every record behind an organization's progress, for reports: it grows with the journal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rollout.domain.progress.owned import Done
from rollout.domain.progress.progress import Progress
from rollout.domain.progress.projection import Projection
from rollout.domain.progress.records import (
    AccountFailed,
    DeliverySeen,
    Intent,
    Record,
    Reminded,
    Settled,
    Told,
    UserSkipped,
)


@dataclass(slots=True)
class History(Progress):
    """Progress, and how it came about: each change with its outcome, each message, and who was left alone and why.

    `told` and `reminders` are by UserId.
    """

    changes: list[Done] = field(default_factory=list)
    told: dict[str, list[Told]] = field(default_factory=dict)
    reminders: dict[str, list[Reminded]] = field(default_factory=dict)
    deliveries: list[DeliverySeen] = field(default_factory=list)
    skips: list[UserSkipped] = field(default_factory=list)
    account_failures: list[AccountFailed] = field(default_factory=list)


def replay_all(records: Iterable[Record], organization_id: str) -> History:
    """Derive the progress of one organization, and keep the records behind it."""
    history = History()
    projection = Projection(organization_id, history)
    gathering = _Gathering(history)
    for record in projection.ours(records):
        projection.take(record)
        gathering.take(record)
    return history


@dataclass(slots=True)
class _Gathering:
    """Finds the intent of each outcome; those of earlier versions may come in the other order."""

    history: History
    places: dict[tuple[str, int], int] = field(default_factory=dict)
    early: dict[tuple[str, int], Settled] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """Keep what the progress does not."""
        history = self.history
        match record:
            case Intent():
                key = record.run, record.number
                self.places[key] = len(history.changes)
                history.changes.append(Done(history.runs[record.run], record, None, None))
                if key in self.early:
                    self._settle(self.early.pop(key))
            case Settled():
                self._settle(record)
            case Told():
                history.told.setdefault(record.user.id, []).append(record)
            case Reminded():
                history.reminders.setdefault(record.user.id, []).append(record)
            case DeliverySeen():
                history.deliveries.append(record)
            case UserSkipped():
                history.skips.append(record)
            case AccountFailed():
                history.account_failures.append(record)
            case _:
                pass

    def _settle(self, settled: Settled) -> None:
        key = settled.of, settled.number
        if key not in self.places:
            self.early[key] = settled
            return
        at = self.places[key]
        begun = self.history.changes[at]
        self.history.changes[at] = Done(begun.started, begun.intent, settled.outcome, settled.at)
