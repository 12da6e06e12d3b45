"""Defines the input and the result of an apply."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from enum import StrEnum

from rollout.domain.gates import GateAnswer, GateRules
from rollout.domain.gates.readiness import Readiness
from rollout.domain.people.scope import Scope, Selection
from rollout.domain.plan.impact_counts import Affected, ImpactCounts, impact_by_wave
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.changes import SkipCode
from rollout.domain.progress.history import History
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.rules import DecisionRules
from rollout.errors import Refused
from rollout.workflows.ports import StoredPlan


@dataclass(frozen=True, slots=True)
class Order:
    """The input of one run. `steps`: the stages to carry out; a rehearsal carries out notify and enforce of every wave.

    `settings` and `policy`: today's digests, compared with the plan's. `overrides`: the reason for each gate that the
    operator overrides. `remind_at`: how long before the announced time people are reminded.
    `zone`: their time zone, None if it is not known. `announces`: they are told on the day, too.
    """

    stage: Stage
    steps: tuple[Stage, ...]
    plan: StoredPlan
    rules: DecisionRules
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
    zone: tzinfo | None = None
    announces: bool = False

    @property
    def filled(self) -> tuple[str, ...]:
        """The waves of the plan that have users, in plan order."""
        return tuple(wave for wave, count in self.plan.header.waves.items() if count)

    @property
    def narrowed(self) -> bool:
        """Whether `--account`, `--ou` or `--user` restrict the run."""
        return bool(self.selection.accounts or self.selection.ous or self.selection.users)


@dataclass(frozen=True, slots=True)
class Due:
    """The waves that a run carries out, the gates' answers by wave, and why nothing more is due, if that is the case.

    `inherited`: by gate, the earlier override that applies. `refused`: the error that ends the run if a gate refuses
    and time alone does not open it; waves carried out before are still processed again. `let_out`: by account, who is
    under the policy in spite of a release, and is let out whatever the gates say.
    """

    waves: tuple[str, ...]
    gates: tuple[tuple[str, GateAnswer], ...] = ()
    why_nothing: str = ""
    inherited: Mapping[str, str] = field(default_factory=dict)
    refused: Refused | None = None
    let_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunPreview:
    """Whom a run would write for, by what AWS and the journal say at this moment.

    `users` counts the selected users of each wave due, `unseen` those in accounts that could not be read.
    """

    users: Mapping[str, int]
    affected: tuple[Affected, ...] = ()
    unseen: int = 0

    @property
    def impact(self) -> dict[str, ImpactCounts]:
        """What the run would mean for those users, by wave."""
        return impact_by_wave(self.affected, self.users)


class Counted(StrEnum):
    """What a run counts besides the `SkipCode`s; the values appear in journals and JSON."""

    ENFORCED = "enforced"
    ALREADY_ENFORCED = "already enforced"
    ENROLMENT_RIGHTS = "enrolment rights"
    LET_OUT = "let out"
    LET_OUT_AGAIN = "let out again"
    BRAKES = "brakes pulled again"
    TOLD = "told"
    QUEUED = "queued"
    SENT = "sent"
    PERHAPS_TWICE = "perhaps sent twice"
    NOT_REACHED = "not reached"
    ALREADY_TOLD = "already told"
    UNAFFECTED = "unaffected"
    REMINDED = "reminded"
    ANNOUNCED = "told that they are enforced"
    REMINDERS_NOT_SENT = "reminders not sent"
    MESSAGES = "messages"
    WRITES = "writes"
    NEW_VERSIONS = "new default versions"
    VERSIONS_HELD_BACK = "policy versions held back"


CountKey = Counted | SkipCode


@dataclass(slots=True)
class OutcomeTally:
    """Counts of one run by outcome. A user counts once per outcome, even if both steps of a rehearsal report it."""

    _numbers: dict[str, int] = field(default_factory=dict)
    _users: dict[str, set[str]] = field(default_factory=dict)

    def count(self, what: CountKey, by: int = 1) -> None:
        """Count something other than users."""
        self._numbers[what] = self._numbers.get(what, 0) + by

    def count_user(self, what: CountKey, user_id: str) -> None:
        """Count a user."""
        self._users.setdefault(what, set()).add(user_id)

    def add(self, other: OutcomeTally) -> None:
        """Add the counts of another tally."""
        for what, number in other._numbers.items():
            self._numbers[what] = self._numbers.get(what, 0) + number
        for what, users in other._users.items():
            self._users.setdefault(what, set()).update(users)

    @property
    def counts(self) -> dict[str, int]:
        """All counts by outcome."""
        keys = dict.fromkeys((*self._numbers, *self._users))
        return {str(what): self[what] for what in keys}

    def __getitem__(self, what: str) -> int:
        """Read a count; 0 where nothing was counted."""
        return self._numbers.get(what, 0) + len(self._users.get(what, ()))


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The result of a run. `waves`: those carried out (none: nothing is due, `why_nothing` says why).

    `stopped`: those in which too many users failed. `inherited` and `refused` are as in `Due`. `affected`: the users
    who were enforced or told, and those who need no notice; in a rehearsal, those who would be enforced.
    """

    stage: Stage
    waves: tuple[str, ...]
    gates: tuple[GateAnswer, ...]
    tally: OutcomeTally
    history: History
    failed_accounts: tuple[str, ...] = ()
    why_nothing: str = ""
    interrupted: bool = False
    stopped: tuple[str, ...] = ()
    inherited: Mapping[str, str] = field(default_factory=dict)
    refused: Refused | None = None
    affected: tuple[Affected, ...] = ()

    @property
    def impact(self) -> dict[str, ImpactCounts]:
        """What the run means for those users, by wave."""
        return impact_by_wave(self.affected, self.waves)

    @property
    def in_part(self) -> bool:
        """Whether something that is due was not done (exit code 4)."""
        return bool(self.stopped) or in_part(self.tally, self.failed_accounts)


def in_part(tally: OutcomeTally, failed_accounts: Collection[str]) -> bool:
    """Tell whether an account could not be entered, or a user could not be told or moved."""
    return bool(failed_accounts) or any(
        tally[what] for what in (SkipCode.FAILED, Counted.NOT_REACHED, SkipCode.BUDGET)
    )
