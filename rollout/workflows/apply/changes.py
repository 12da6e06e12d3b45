"""Makes one change at a time: intent first, then the write, then its outcome; a lost answer is read, not repeated."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import timedelta

from rollout.domain.changes import (
    AlreadyInPlace,
    Applied,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    Failed,
    Outcome,
    Skipped,
)
from rollout.domain.journal.records import Intent, Settled
from rollout.domain.journal.replay import Done
from rollout.workflows.ports import AnswerLost, Clock, Journal, OpenAccount, Refusal

TRIES_AFTER_LOST_ANSWERS = 3
MADE_ONCE = (CreatePolicy, CreateVersion, CreateGroup)
"""What is there twice when it is made twice, or refused as if somebody else had made it; all else may be repeated."""
SHOWN_SINCE = timedelta(minutes=1)
"""What AWS does not show after this long, is not there."""


@dataclass(slots=True)
class Numbering:
    """Numbers the intents of a run, from several threads."""

    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> int:
        """Hand out the next number."""
        with self._lock:
            return next(self._numbers)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes changes of one run and journals them."""

    run: str
    journal: Journal
    clock: Clock
    numbering: Numbering

    def make(self, change: Change, account: OpenAccount, wave: str) -> Outcome:
        """Make a change that was not in place when the account was read a moment ago."""
        number = self.numbering.next()
        self.journal.append(Intent(self.run, self.clock.now(), number, change, "absent", wave))
        outcome = _write(change, account)
        self.journal.append(Settled(self.run, self.clock.now(), self.run, number, outcome))
        return outcome

    def note_present(self, change: Change, wave: str) -> None:
        """Journal that the effect of a change stood there already: never ours to undo."""
        number, now = self.numbering.next(), self.clock.now()
        self.journal.append(
            Intent(self.run, now, number, change, "present", wave),
            Settled(self.run, now, self.run, number, AlreadyInPlace()),
        )

    def settle(self, done: Done, account: OpenAccount) -> None:
        """Settle an intent that an earlier run left open when it died, by looking at what AWS holds."""
        intent = done.intent
        outcome: Outcome
        if intent.before == "present":
            outcome = AlreadyInPlace()
        elif account.holds(intent.change, patiently=self._may_show_late(intent)):
            outcome = Applied("", unconfirmed=True)
        else:
            outcome = Skipped("not-made", "the run ended before this was written")
        self.journal.append(Settled(self.run, self.clock.now(), intent.run, intent.number, outcome))

    def _may_show_late(self, intent: Intent) -> bool:
        return isinstance(intent.change, MADE_ONCE) and self.clock.now() - intent.at < SHOWN_SINCE


def _write(change: Change, account: OpenAccount) -> Outcome:
    why = ""
    for attempt in range(1, TRIES_AFTER_LOST_ANSWERS + 1):
        try:
            receipt = account.make(change)
        except AnswerLost as lost:
            if account.holds(change, patiently=isinstance(change, MADE_ONCE)):
                return Applied("", attempts=attempt, unconfirmed=True)
            why = str(lost)
        except Refusal as refusal:
            if why and account.holds(change, patiently=isinstance(change, MADE_ONCE)):
                # The lost one came through after all: this refusal is about its effect (EntityAlreadyExists, say).
                return Applied("", attempts=attempt, unconfirmed=True)
            if refusal.gone:
                return Skipped("gone", refusal.why)
            return Failed(refusal.why, refusal.attempts)
        else:
            return Applied(receipt.request_id, receipt.attempts)
    return Failed(f"no answer after {TRIES_AFTER_LOST_ANSWERS} tries: {why}", TRIES_AFTER_LOST_ANSWERS)
