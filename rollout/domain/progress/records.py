"""The records of the journal: append-only, one JSON line each in the store, no secrets ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import Change, Outcome, SkipCode
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Impact


class Before(StrEnum):
    """What a live read found before a change."""

    ABSENT = "absent"
    PRESENT = "present"


class Enforcement(StrEnum):
    """Whether our policy takes effect on a user, as far as is known, and if not, why not."""

    ENFORCED = "enforced"
    """The membership or the attachment stands, and the policy denies what it should."""
    NEVER = "never"
    """Nothing of ours has been put on the user, as far as is known."""
    RELEASED = "released"
    """A release of this tool has taken the user out."""
    TAKEN_OUT = "taken-out"
    """Somebody's hand has removed the membership or the attachment."""
    BRAKE_PULLED = "brake-pulled"
    """The default version of the account's policy denies nothing, by a release or by somebody's hand."""
    LET_OUT = "let-out"
    """A run found the user let out, in one of these three ways."""
    WITHOUT_EFFECT = "without-effect"
    """The policy was edited, taken off the group or deleted: what stands denies too little."""
    NOT_FOUND = "not-found"
    """An enforce run did not find the user under the policy."""
    GONE = "gone"
    """The user does not exist any more."""
    UNDONE = "undone"
    """Taken out for good: by a rollback, or for an exemption."""


class RunEnding(StrEnum):
    """How a run ended."""

    DONE = "done"
    IN_PART = "in part"
    """Accounts could not be entered, or users failed."""
    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    NOTHING_DUE = "nothing due"
    LOCK_LOST = "lock lost"
    STOPPED = "stopped by failure_tolerance"
    NARROWED = "narrowed"
    """A rehearsal that was told to leave somebody out: it opens no gate."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A command began to carry changes. `run` is unique; every other record of the run repeats it.

    What is no `apply` carries no stage of a plan: `stage` then only tells a rehearsal (`dry-run`) from the real thing.
    """

    run: str
    at: datetime
    organization_id: str
    plan_id: str
    plan_checksum: str
    stage: Stage
    caller: str
    version: str
    command: str = "apply"


@dataclass(frozen=True, slots=True)
class Intent:
    """A change is about to be made; `before` says what stood there by a live read."""

    run: str
    at: datetime
    number: int
    change: Change
    before: Before
    wave: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of the intent with this `number` of run `of` (another run than `run` after a crash)."""

    run: str
    at: datetime
    of: str
    number: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Told:
    """A person was told about one user: `due` is the day named to them."""

    run: str
    at: datetime
    user: UserRef
    wave: str
    address: str
    impact: Impact
    due: date
    delivery: Delivery
    message_id: str = ""
    detail: str = ""

    @property
    def delivered(self) -> bool:
        """Tell whether the channel says that it arrived; only then has the person been told."""
        return self.delivery is Delivery.DELIVERED


@dataclass(frozen=True, slots=True)
class Reminded:
    """A person was reminded of the day told: `mark` is how long before `due`. Never moves that day."""

    run: str
    at: datetime
    user: UserRef
    wave: str
    address: str
    impact: Impact
    due: date
    mark: timedelta
    delivery: Delivery
    message_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UserSkipped:
    """A user of the wave was left alone in this run, and why."""

    run: str
    at: datetime
    user: UserRef
    wave: str
    code: SkipCode
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AccountFailed:
    """An account could not be entered or read in this run; its users wait for the next one."""

    run: str
    at: datetime
    account_id: str
    reason: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class GateRead:
    """A gate answered a run, with its numbers."""

    run: str
    at: datetime
    wave: str
    gate: str
    result: Result
    detail: str


@dataclass(frozen=True, slots=True)
class GateOverridden:
    """An operator let a wave through a gate that did not pass, and said why."""

    run: str
    at: datetime
    wave: str
    gate: str
    reason: str
    caller: str


@dataclass(frozen=True, slots=True)
class Approved:
    """Somebody approved a wave of a plan, and said why; bound to the plan's very bytes. Stands outside of runs."""

    run: str
    at: datetime
    organization_id: str
    wave: str
    plan_checksum: str
    reason: str
    caller: str


@dataclass(frozen=True, slots=True)
class Released:
    """Somebody let users out, before anything was written. `until` None: it lasts until it is ended."""

    run: str
    at: datetime
    release_scope: ReleaseScope
    until: datetime | None
    reason: str
    caller: str


@dataclass(frozen=True, slots=True)
class ReleaseEnded:
    """Releases inside of this reach are over, whoever made them."""

    run: str
    at: datetime
    release_scope: ReleaseScope
    reason: str
    caller: str


@dataclass(frozen=True, slots=True)
class Deadlocked:
    """A look found a user who is enforced and cannot get in (`deadlock`), or no longer so (`over`).

    Stands outside of runs: looking changes nothing.
    """

    run: str
    at: datetime
    organization_id: str
    user: UserRef
    wave: str
    detail: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class EnforcementSeen:
    """A look at AWS found a user's enforcement to be another than plan and journal said; written on change only.

    `by` names what enforces; empty where nothing does. Stands outside of runs: looking changes nothing.
    """

    run: str
    at: datetime
    organization_id: str
    user: UserRef
    wave: str
    enforcement: Enforcement
    by: str = ""


@dataclass(frozen=True, slots=True)
class WaveCarried:
    """A wave has been carried to a stage. Belongs to the organization, not to the plan (design.md#stages-and-gates)."""

    run: str
    at: datetime
    wave: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class WaveUndone:
    """Nobody of a wave is left under the policy after a rollback: it has to be told and carried anew."""

    run: str
    at: datetime
    wave: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run came to its end, with counts per outcome."""

    run: str
    at: datetime
    ending: RunEnding
    counts: Mapping[str, int] = field(default_factory=dict)


Record = (
    RunStarted
    | Intent
    | Settled
    | Told
    | Reminded
    | UserSkipped
    | AccountFailed
    | GateRead
    | GateOverridden
    | Approved
    | Released
    | ReleaseEnded
    | Deadlocked
    | EnforcementSeen
    | WaveCarried
    | WaveUndone
    | RunEnded
)
