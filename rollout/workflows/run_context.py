"""What one run of a command carries with it: who runs it, through which ports, and whether it has to end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.actions.account_context import AccountContext, account_context
from rollout.domain.people.inventory import Observed
from rollout.domain.people.users import NamedPolicy
from rollout.domain.progress.projection import Progress, replay
from rollout.domain.progress.records import Record, RunEnded, RunEnding, RunStarted
from rollout.domain.progress.release_state import merged_releases
from rollout.domain.progress.releases import ReleaseRecord
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import Rules
from rollout.errors import LockHeld
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
    """Runs tasks one after the other (fills `Engine`)."""

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its answer."""
        for item in items:
            yield item, task(item)


class NoLock:
    """A run that needs no lock can lose none (fills `Lock`)."""

    def hold(self, organization_id: str, purpose: str) -> AbstractContextManager[None]:
        """Hold nothing."""
        return nullcontext()

    def still_held(self) -> bool:
        """Go on."""
        return True


class NoMarker:
    """No release reaches the run while it goes on (fills `StopMarker`)."""

    def add(self, record: ReleaseRecord) -> None:
        """Discard the record."""

    def records(self) -> Sequence[ReleaseRecord]:
        """Return no records."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """One run of a command, shared by its threads.

    `engine` runs accounts side by side, `within` the changes of one account. `stopping` tells whether somebody asked
    the run to end. A `rehearsal` differs by what it was given: its access and journal only note.
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
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _numbering: threading.Lock = field(default_factory=threading.Lock)
    _lost: threading.Event = field(default_factory=threading.Event)

    def now(self) -> datetime:
        """Tell the decision time, UTC."""
        return self.clock.now()

    def next_number(self) -> int:
        """Number an intent; no number is given twice, whatever the thread."""
        with self._numbering:
            return next(self._numbers)

    def replay(self) -> Progress:
        """Read what the journal says of the organization now."""
        return replay(self.journal.records(), self.organization_id)

    def releases(self, progress: Progress) -> tuple[ReleaseRecord, ...]:
        """Read the releases and their ends as they are now, those made a moment ago included."""
        return merged_releases(progress.releases.records, self.marker.records())

    # --- Its end ---

    @property
    def lost(self) -> bool:
        """Tell whether the run was found to have lost its lock; it stays lost."""
        return self._lost.is_set()

    @property
    def stopped(self) -> bool:
        """Tell whether the run is known to have to end, without asking for the lock."""
        return self.stopping() or self.lost

    def ends(self) -> bool:
        """Tell whether no further change may begin: somebody asked to stop, or has taken the lock.

        See design.md#apply-journal-store.
        """
        if self.stopped:
            return True
        if not self.lock.still_held():
            self._lost.set()
        return self.lost

    def begin(self, command: str, *records: Record, plan_id: str = "") -> None:
        """Put on record that a command other than `apply` begins, and what it begins with."""
        stage = Stage.DRY_RUN if self.rehearsal else Stage.ENFORCE
        started = RunStarted(
            self.id,
            self.now(),
            self.organization_id,
            plan_id,
            "",
            stage,
            self.caller,
            self.version,
            command,
        )
        self.journal.append(started, *records)

    def end(self, ending: RunEnding, counts: Mapping[str, int]) -> None:
        """Put on record how the run ended. Raises LockHeld where it has lost its lock."""
        ending = RunEnding.LOCK_LOST if self.lost else ending
        self.journal.append(RunEnded(self.id, self.now(), ending, counts))
        if self.lost:
            raise self._lock_lost()

    def _lock_lost(self) -> LockHeld:
        """Say that the run has lost its lock, and to whom."""
        try:
            with self.lock.hold(self.organization_id, "a look at who has the lock"):
                now = "nobody has it now: somebody ran `rollout unlock`"
        except LockHeld as held:
            now = str(held)
        return LockHeld(
            f"this run has lost its lock and stopped; {now}",
            cure="what was done is in the journal; once nobody else is at work, run it again",
        )


@dataclass(frozen=True, slots=True)
class JudgementBasis:
    """What every account of a run is judged by. `scps` by account id; None: they could not be read.

    `tags` go on policies that the run makes.
    """

    rules: Rules
    scps: Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] | None
    tags: Mapping[str, str] = field(default_factory=dict)
    library: Library = field(default_factory=Library)

    def context(
        self, observed: Observed, progress: Progress, releases: Sequence[ReleaseRecord], now: datetime
    ) -> AccountContext:
        """Prepare an account that was read for judging and writing."""
        return account_context(observed, self.rules, self.library, progress, releases, now, self.tags)
