"""Works out what the users of a plan are told, so that a message can mention all users of its reader."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.domain.gates.readiness import Notified, worth_of
from rollout.domain.people.addresses import Addressee, normalised_address
from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.progress.messages import Line, NoticeWorth
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Told
from rollout.domain.progress.schedule import Schedule
from rollout.domain.status.user_status import Statuses
from rollout.domain.verdicts.verdict import Kind
from rollout.workflows.ports import StoredPlan


@dataclass(frozen=True, slots=True)
class NoticeRules:
    """The settings of `rollout.yaml` that decide about notices and their dates."""

    notified: Notified
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """What one user is told: by an earlier notice that still counts, or by the one that the wave will get."""

    addressee: Addressee
    wave: str
    line: Line


class PlannedNotices:
    """The notices of a plan's users as of now: who gets one, and from when it says that something changes."""

    def __init__(self, stored: StoredPlan, progress: Progress, rules: NoticeRules, now: datetime) -> None:
        """Take the plan, what was done so far, and the rules."""
        header = stored.header
        self.progress, self.notified, self.now = progress, rules.notified, now
        self.statuses = Statuses(header, progress, rules.notified, now)
        self._stored = stored
        filled = tuple(wave for wave, count in header.waves.items() if count)
        self._due = rules.schedule.due(progress, filled, now)

    def worth(self, told: Told, entry: PlanEntry) -> tuple[NoticeWorth, str]:
        """Say what the newest notice of a user is worth, and why."""
        who = self.notified.planned_recipient(
            entry, self._stored.header.inventory_at, self.progress, self.now
        )
        return worth_of(told, who, self.now)

    def has(self, entry: PlanEntry) -> bool:
        """Tell whether the user gets a notice: something is to change for them, and has not yet."""
        if entry.verdict is not Kind.ENFORCE or entry.impact is None:
            return False
        return self.notified.needs_notice(entry.impact) and not self.statuses.of(entry.user, entry).enforced

    def to(self, addresses: Collection[str], besides: Collection[str] = ()) -> Iterator[PlannedNotice]:
        """Yield the notices of everybody at these normalised addresses but the users with these UserIds.

        Reads the plan, an account at a time.
        """
        for part in self._stored.accounts():
            for entry in part.entries:
                theirs = entry.address and normalised_address(entry.address) in addresses
                if theirs and entry.user.id not in besides and self.has(entry):
                    addressee = replace(entry.addressee, address=entry.address)
                    yield PlannedNotice(addressee, entry.wave, self._line(part, entry))

    def _line(self, part: AccountPlan, entry: PlanEntry) -> Line:
        """Use the announced time if that notice still counts, else the one to announce."""
        if entry.impact is None:
            raise ValueError("only users who are to be enforced get a notice")
        due, told = self._due[entry.wave], self.progress.latest_notice(entry.user.id)
        if told is not None and self.worth(told, entry)[0] is not NoticeWorth.VOID:
            due = told.due
        return Line(entry.user, part.name, entry.impact, due, entry.situation)
