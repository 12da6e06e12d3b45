"""Holds what one run of a command needs: its caller, its ports, and whether it has to stop."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.actions.account_context import AccountContext, account_context
from rollout.domain.people.observations import Observed
from rollout.domain.people.users import NamedPolicy
from rollout.domain.policy.made import tags_of
from rollout.domain.progress.history import History, replay_all
from rollout.domain.progress.projection import Progress, Projection
from rollout.domain.progress.records import Record, RunEnded, RunEnding, RunStarted
from rollout.domain.progress.release_state import merged_releases
from rollout.domain.progress.releases import ReleaseRecord
from rollout.domain.progress.request_counts import ApiRequests
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import DecisionRules
from rollout.errors import LockHeld, RolloutError
from rollout.workflows.ports import (
    AccountAccess,
    Answer,
    Clock,
    Engine,
    Item,
    Journal,
    Lock,
    ProgressDisplay,
    StopMarker,
)


class OneByOne:
    """Runs tasks one after the other (implements `Engine`)."""

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its answer."""
        for item in items:
            yield item, task(item)


class NoLock:
    """Stands in for the lock in runs that need none (implements `Lock`)."""

    def hold(self, organization_id: str, purpose: str) -> AbstractContextManager[None]:
        """Return a context manager that does nothing."""
        return nullcontext()

    def still_held(self) -> bool:
        """Return True."""
        return True


class NoJournal:
    """Stands in for the journal of a store that nobody can name, where people are let out (implements `Journal`)."""

    def __init__(self, why: RolloutError) -> None:
        """Take why there is none."""
        self._why = why

    def append(self, *records: Record) -> None:
        """Raise the reason."""
        raise self._why

    def records(self) -> Iterator[Record]:
        """Yield nothing."""
        yield from ()

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        """Return that of nothing."""
        return Projection(organization_id).all(more).progress


class NoMarker:
    """Stands in for the marker in runs that no release stops (implements `StopMarker`)."""

    def add(self, record: ReleaseRecord) -> None:
        """Discard the record."""

    def records(self) -> Sequence[ReleaseRecord]:
        """Return no records."""
        return ()

    def check(self) -> None:
        """Find nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One run of a command, shared by its threads.

    `engine` runs accounts in parallel, `within` the changes of one account. `stopping` tells whether the operator asked
    the run to stop, `requests` what was asked of AWS since the run before. A `rehearsal` differs only in its ports: its
    access and journal record without writing.
    """

    id: str
    organization_id: str
    caller: str
    version: str
    access: AccountAccess
    engine: Engine
    journal: Journal
    clock: Clock
    progress: ProgressDisplay
    stopping: Callable[[], bool]
    lock: Lock = field(default_factory=NoLock)
    marker: StopMarker = field(default_factory=NoMarker)
    within: Engine = field(default_factory=OneByOne)
    rehearsal: bool = False
    requests: Callable[[], tuple[ApiRequests, ...]] = tuple
    pause: Callable[[float], object] = lambda _seconds: None
    """Waits some seconds, or until the operator asks the run to stop."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _numbering: threading.Lock = field(default_factory=threading.Lock)
    _lost: threading.Event = field(default_factory=threading.Event)

    def now(self) -> datetime:
        """Return the decision time, UTC."""
        return self.clock.now()

    def next_number(self) -> int:
        """Return the next number for an intent, unique across threads."""
        with self._numbering:
            return next(self._numbers)

    def replay(self) -> Progress:
        """Replay the journal of the organization as it is now. Raises JournalDamaged, RecordAltered, KeyUnusable."""
        self.marker.check()
        return self.journal.progress(self.organization_id)

    def history(self) -> History:
        """Replay the journal as `replay` does, and keep the records behind it."""
        self.marker.check()
        return replay_all(self.journal.records(), self.organization_id)

    def releases(self, progress: Progress) -> tuple[ReleaseRecord, ...]:
        """Return the releases and their ends, including those published since `progress` was replayed."""
        return merged_releases(progress.releases.records, self.marker.records())

    # --- Its end ---

    @property
    def lost(self) -> bool:
        """Whether the run has lost its lock; it never gets it back."""
        return self._lost.is_set()

    @property
    def stopped(self) -> bool:
        """Whether the run is already known to have to stop; does not check the lock."""
        return self.stopping() or self.lost

    def ends(self) -> bool:
        """Tell whether no further change may begin: the operator asked to stop, or the lock is lost.

        See design.md#apply-journal-store.
        """
        if self.stopped:
            return True
        if not self.lock.still_held():
            self._lost.set()
        return self.lost

    def begin(self, command: str, *records: Record, plan_id: str = "", plan_checksum: str = "") -> None:
        """Journal the start of a command other than `apply`, and its first records.

        The checksum is that of a plan whose gates the command asks.
        """
        stage = Stage.DRY_RUN if self.rehearsal else Stage.ENFORCE
        started = RunStarted(
            self.id,
            self.now(),
            self.organization_id,
            plan_id,
            plan_checksum,
            stage,
            self.caller,
            self.version,
            command,
        )
        self.journal.append(started, *records)

    def end(self, ending: RunEnding, counts: Mapping[str, int]) -> None:
        """Journal how the run ended. Raises LockHeld if it has lost its lock."""
        ending = RunEnding.LOCK_LOST if self.lost else ending
        self.journal.append(RunEnded(self.id, self.now(), ending, counts, self.requests()))
        if self.lost:
            raise self._lock_lost()

    def _lock_lost(self) -> LockHeld:
        """Return the error that names who holds the lock now."""
        try:
            with self.lock.hold(self.organization_id, "a check of who holds the lock"):
                now = "nobody holds it now: somebody ran `rollout unlock`"
        except LockHeld as held:
            now = str(held)
        return LockHeld(
            f"this run lost its lock and stopped; {now}",
            cure="the journal contains what was done; when no other run is active, run it again",
        )


@dataclass(frozen=True, slots=True)
class JudgementBasis:
    """What a run judges every account by. `scps`: SCP levels by account id, None if they could not be read.

    `tags` are set on the policies that the run creates.
    """

    rules: DecisionRules
    scps: Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] | None
    tags: Mapping[str, str] = field(default_factory=dict)
    library: Library = field(default_factory=Library)

    def tagged(self, run: RunContext, plan: str = "") -> JudgementBasis:
        """Return the same basis for a run that may create policies, and the plan that it carries, if any."""
        return replace(self, tags=tags_of(run.version, run.id, plan))

    def context(
        self, observed: Observed, progress: Progress, releases: Sequence[ReleaseRecord], now: datetime
    ) -> AccountContext:
        """Return the context for judging and changing an account that was read."""
        return account_context(observed, self.rules, self.library, progress, releases, now, self.tags)
