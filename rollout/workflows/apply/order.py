"""What an apply is told, and what it answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from rollout.domain.gates import GateAnswer, GateRules
from rollout.domain.gates.readiness import Readiness
from rollout.domain.people.inventory import Finding
from rollout.domain.people.scope import Scope, Selection
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.changes import SkipCode
from rollout.domain.progress.replay import Progress
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.rules import Rules
from rollout.errors import Refused
from rollout.workflows.ports import (
    StoredPlan,
)


@dataclass(frozen=True, slots=True)
class Order:
    """One run. `steps` are the stages that it carries: a rehearsal carries notify and enforce of every wave.

    `settings` and `policy` are today's digests, compared with the plan's. `overrides` names gates that an operator
    lets a wave through, with the reason. `remind_at`: so long before the day told people are reminded.
    """

    stage: Stage
    steps: tuple[Stage, ...]
    plan: StoredPlan
    rules: Rules
    waves: tuple[Wave, ...]
    scope: Scope
    readiness: Readiness
    settings: str
    policy: str
    scps: str
    plan_max_age: timedelta
    gates: GateRules
    gated: bool = True
    wave: str | None = None
    selection: Selection = field(default_factory=Selection)
    overrides: Mapping[str, str] = field(default_factory=dict)
    remind_at: tuple[timedelta, ...] = ()

    @property
    def filled(self) -> tuple[str, ...]:
        """The waves of the plan that have users, in order."""
        return tuple(wave for wave, count in self.plan.header.waves.items() if count)

    @property
    def narrowed(self) -> bool:
        """Tell whether `--account`, `--ou` or `--user` leave somebody out."""
        return bool(self.selection.accounts or self.selection.ous or self.selection.users)


@dataclass(frozen=True, slots=True)
class Due:
    """The waves that a run carries, the gates that were asked, and why nothing more is due where that is so.

    `inherited` says by gate which earlier override lets the wave through. `refused` is how the run ends where a gate
    says no and time alone will not help; waves that stay open are gone over all the same.
    """

    waves: tuple[str, ...]
    gates: tuple[tuple[str, GateAnswer], ...] = ()
    why_nothing: str = ""
    inherited: Mapping[str, str] = field(default_factory=dict)
    refused: Refused | None = None


class Counted(StrEnum):
    """What a run counts besides the codes of those who were left alone; journals and JSON spell it by its value."""

    ENFORCED = "enforced"
    ALREADY_ENFORCED = "already enforced"
    ENROLMENT_RIGHTS = "enrolment rights"
    LET_OUT = "let out"
    TOLD = "told"
    QUEUED = "queued"
    NOT_REACHED = "not reached"
    ALREADY_TOLD = "already told"
    UNAFFECTED = "unaffected"
    REMINDED = "reminded"
    REMINDERS_NOT_SENT = "reminders not sent"
    MESSAGES = "messages"
    WRITES = "writes"
    NEW_VERSIONS = "new default versions"
    VERSIONS_HELD_BACK = "policy versions held back"


CountKey = Counted | SkipCode


@dataclass(slots=True)
class OutcomeTally:
    """Counts of one run, by outcome. A user counts once an outcome, also where both steps of a rehearsal say it."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _users: dict[str, set[str]] = field(default_factory=dict)

    def count(self, what: CountKey, by: int = 1) -> None:
        """Count something else than users."""
        self._numbers[what] = self._numbers.get(what, 0) + by

    def count_user(self, what: CountKey, user_id: str) -> None:
        """Count a user."""
        self._users.setdefault(what, set()).add(user_id)

    def add(self, other: OutcomeTally) -> None:
        """Count what another has counted."""
        for what, number in other._numbers.items():
            self._numbers[what] = self._numbers.get(what, 0) + number
        for what, users in other._users.items():
            self._users.setdefault(what, set()).update(users)

    @property
    def counts(self) -> dict[str, int]:
        """Everything counted."""
        keys = dict.fromkeys((*self._numbers, *self._users))
        return {str(what): self[what] for what in keys}

    def __getitem__(self, what: str) -> int:
        """Read a count; 0 where nothing was counted."""
        return self._numbers.get(what, 0) + len(self._users.get(what, ()))


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What came of a run. `waves` were carried (none: nothing due, `why_nothing` says why).

    `stopped` names those of them of which more users failed than may; `inherited` and `refused` are as in `Due`.
    """

    stage: Stage
    waves: tuple[str, ...]
    gates: tuple[GateAnswer, ...]
    tally: OutcomeTally
    progress: Progress
    failed_accounts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    why_nothing: str = ""
    interrupted: bool = False
    stopped: tuple[str, ...] = ()
    inherited: Mapping[str, str] = field(default_factory=dict)
    refused: Refused | None = None

    @property
    def in_part(self) -> bool:
        """Tell whether something that should have been done was not (exit code 4)."""
        return bool(self.stopped) or in_part(self.tally, self.failed_accounts)


def in_part(tally: OutcomeTally, failed_accounts: Collection[str]) -> bool:
    """Tell whether an account could not be entered, or a user could not be told or moved."""
    return bool(failed_accounts) or any(
        tally[what] for what in (SkipCode.FAILED, Counted.NOT_REACHED, SkipCode.BUDGET)
    )
