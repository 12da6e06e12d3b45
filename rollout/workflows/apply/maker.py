"""Makes one change at a time: intent first, then the write, then its outcome; a lost answer is read, not repeated."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from datetime import timedelta

from rollout.domain.actions.undoing import document_of
from rollout.domain.iam import equal_documents
from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    Failed,
    Outcome,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.owned import owned_resources
from rollout.domain.progress.records import (
    Before,
    Intent,
    Settled,
)
from rollout.domain.progress.replay import Done, Progress, replay
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
        self.journal.append(Intent(self.run, self.clock.now(), number, change, Before.ABSENT, wave))
        outcome = _write(change, account)
        self.journal.append(Settled(self.run, self.clock.now(), self.run, number, outcome))
        return outcome

    def note_present(self, change: Change, wave: str) -> None:
        """Journal that the effect of a change stood there already: never ours to undo."""
        number, now = self.numbering.next(), self.clock.now()
        self.journal.append(
            Intent(self.run, now, number, change, Before.PRESENT, wave),
            Settled(self.run, now, self.run, number, AlreadyInPlace()),
        )

    def settle_all(
        self, account_id: str, account: OpenAccount, progress: Progress, organization_id: str
    ) -> Progress:
        """Settle what runs that died left open in an account, and answer what the journal says then."""
        left_open = [done for done in progress.open if done.intent.change.account_id == account_id]
        for done in left_open:
            self.settle(done, account, progress)
        return replay(self.journal.records(), organization_id) if left_open else progress

    def settle(self, done: Done, account: OpenAccount, progress: Progress) -> None:
        """Settle an intent that an earlier run left open when it died, by looking at what AWS holds."""
        intent = done.intent
        outcome: Outcome
        if intent.before is Before.PRESENT:
            outcome = AlreadyInPlace()
        elif account.holds(intent.change, patiently=self._may_show_late(intent)) or _was_set_aside(
            intent.change, account, progress
        ):
            outcome = Applied("", unconfirmed=True)
        else:
            outcome = Skipped(SkipCode.NOT_MADE, "the run ended before this was written")
        self.journal.append(Settled(self.run, self.clock.now(), intent.run, intent.number, outcome))

    def _may_show_late(self, intent: Intent) -> bool:
        return isinstance(intent.change, MADE_ONCE) and self.clock.now() - intent.at < SHOWN_SINCE


def _was_set_aside(change: Change, account: OpenAccount, progress: Progress) -> bool:
    """Tell whether a version was made that is no longer the default: a release may have pulled the brake since.

    A document that an earlier version of ours brought tells nothing: that may be the one which is there.
    """
    if not isinstance(change, CreateVersion):
        return False
    earlier = owned_resources(progress.changes).versions.get(change.policy_arn, [])
    if any(equal_documents(document_of(done), change.document) for done in earlier):
        return False
    policy = account.policy(change.policy_arn)
    versions = policy.versions if policy else ()
    return any(equal_documents(version.document, change.document) for version in versions)


def _write(change: Change, account: OpenAccount) -> Outcome:
    why = ""
    for attempt in range(1, TRIES_AFTER_LOST_ANSWERS + 1):
        patiently = isinstance(change, MADE_ONCE) or attempt == TRIES_AFTER_LOST_ANSWERS
        try:
            receipt = account.make(change)
        except AnswerLost as lost:
            if account.holds(change, patiently=patiently):
                return Applied("", attempts=attempt, unconfirmed=True)
            why = str(lost)
        except Refusal as refusal:
            if why and account.holds(change, patiently=patiently):
                # The lost one came through after all: this refusal is about its effect (EntityAlreadyExists, say).
                return Applied("", attempts=attempt, unconfirmed=True)
            if refusal.gone:
                return Skipped(SkipCode.GONE, refusal.why)
            return Failed(refusal.why, refusal.attempts, refusal.code, refusal.request_id, refusal.cure)
        else:
            return Applied(receipt.request_id, receipt.attempts)
    return Failed(f"no answer after {TRIES_AFTER_LOST_ANSWERS} tries: {why}", TRIES_AFTER_LOST_ANSWERS)
