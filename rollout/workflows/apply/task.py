"""What one account is asked to do in a step, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from rollout.domain.actions.letting_out import account_release, merged, say, user_release
from rollout.domain.people.organization import Account
from rollout.domain.people.users import NamedPolicy
from rollout.domain.plan.entries import Entry
from rollout.domain.policy.changes import (
    SkipCode,
    Skipped,
    UserRef,
)
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.releases import ReleaseRecord
from rollout.domain.progress.replay import Progress
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.rights import Library
from rollout.workflows.apply.budgets import Budgets
from rollout.workflows.apply.maker import Maker
from rollout.workflows.apply.order import Order, Tally, Tools
from rollout.workflows.apply.sending import Saying
from rollout.workflows.apply.watch import Watch


@dataclass(frozen=True, slots=True)
class Task:
    """One account's share of a step: the plan's entries of the waves in hand, and who is to be let out."""

    account: Account
    entries: tuple[Entry, ...]
    leaving: tuple[Entry, ...] = ()

    @property
    def people(self) -> int:
        """How many users this is about."""
        return len(self.entries) + len(self.leaving)


@dataclass(frozen=True, slots=True)
class Step:
    """What is the same for every account of a step. `due` is the day to tell, by wave."""

    stage: Stage
    order: Order
    tools: Tools
    maker: Maker
    progress: Progress
    library: Library
    started: datetime
    levels: Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] | None
    due: Mapping[str, date]
    budgets: Budgets
    watch: Watch

    def released(self, user: UserRef, wave: str) -> str:
        """Say by which release a user is let out now, one made a moment ago included; empty when by none."""
        word = user_release(self._words(), user.account_id, user.id, wave, self.tools.clock.now())
        return say(word) if word else ""

    def account_released(self, account_id: str) -> str:
        """Say by which release a whole account is let out now; empty when by none."""
        word = account_release(self._words(), account_id, self.tools.clock.now())
        return say(word) if word else ""

    def _words(self) -> tuple[ReleaseRecord, ...]:
        return merged(self.progress.releases.words, self.tools.marker.words())


@dataclass(slots=True)
class Done:
    """What came of a task: counts, how its waves fared, and what people are to be told by which address.

    A wave stands in `moved` when somebody is where the stage wants them, in `waiting`, `untold` or `failed` when
    somebody is not. `counted` users have been counted as progress already.
    """

    tally: Tally = field(default_factory=Tally)
    moved: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    lines: list[Saying] = field(default_factory=list)
    reminders: list[Saying] = field(default_factory=list)
    unreachable: bool = False
    interrupted: bool = False
    counted: int = 0

    def count_one(self, step: Step) -> None:
        """Count a user as progress."""
        self.counted += 1
        step.tools.progress.advance()

    def settle(self, entry: Entry, word: str) -> None:
        """Count a user who is where the stage wants them."""
        self.tally.count_user(word, entry.user.id)
        self.moved.add(entry.wave)

    def leave(self, entry: Entry, why: Skipped, step: Step) -> None:
        """Leave a user alone in this run, on record."""
        self.tally.count_user(why.code, entry.user.id)
        held = {
            SkipCode.WAITING: self.waiting,
            SkipCode.NOTICE: self.untold,
            SkipCode.FAILED: self.failed,
            SkipCode.BUDGET: self.failed,
        }
        waves = held.get(why.code)
        if waves is not None:
            waves.add(entry.wave)
        now = step.tools.clock.now()
        step.tools.journal.append(
            UserSkipped(step.order.run, now, entry.user, entry.wave, why.code, why.detail)
        )
