"""Defines the records of the append-only journal: one JSON line each in the store, and never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rollout.domain.people.actor import Actor
from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import Change, Outcome, SkipCode
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.request_counts import ApiRequests
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Impact


class Before(StrEnum):
    """What a live read finds just before a change."""

    ABSENT = "absent"
    PRESENT = "present"


class Enforcement(StrEnum):
    """Whether our policy takes effect on a user as far as is known, and the reason if it does not."""

    ENFORCED = "enforced"
    """The membership or the attachment exists, and the policy denies what it should."""
    NEVER = "never"
    """Nothing of ours has been put on the user, as far as is known."""
    RELEASED = "released"
    """A release by this tool took the user out."""
    TAKEN_OUT = "taken-out"
    """Somebody removed the membership or the attachment by hand."""
    BRAKE_PULLED = "brake-pulled"
    """The default version of the account's policy denies nothing, by a release or because somebody set it by hand."""
    LET_OUT = "let-out"
    """A run found that the user is let out, in one of the three ways above."""
    WITHOUT_EFFECT = "without-effect"
    """The policy was edited, detached from the group or deleted, so that too little is denied."""
    NOT_FOUND = "not-found"
    """An enforce run did not find the user under the policy."""
    GONE = "gone"
    """The user no longer exists."""
    UNDONE = "undone"
    """The user was taken out for good, by a rollback or for an exemption."""


class RunEnding(StrEnum):
    """How a run ended."""

    DONE = "done"
    IN_PART = "in part"
    """Some accounts could not be entered, or some users failed."""
    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    NOTHING_DUE = "nothing due"
    LOCK_LOST = "lock lost"
    STOPPED = "stopped by failure_tolerance"
    NARROWED = "narrowed"
    """The operator narrowed the rehearsal to some users; such a rehearsal opens no gate."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """What every record has: the id of its run, and its time (UTC)."""

    run: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RunStarted(JournalRecord):
    """A command began to carry changes. `run` is unique, and every other record of the run repeats it.

    Commands other than `apply` carry no stage of a plan; their `stage` is `dry-run` for a rehearsal and anything else
    for a real run.
    """

    organization_id: str
    plan_id: str
    plan_checksum: str
    stage: Stage
    caller: str
    version: str
    command: str = "apply"

    @property
    def rehearses_plan(self) -> bool:
        """Whether the run rehearses its plan; a release or its end can be rehearsed too."""
        return self.stage is Stage.DRY_RUN and self.command == "apply"


@dataclass(frozen=True, slots=True)
class Intent(JournalRecord):
    """A change is about to be made; `before` is what a live read found there.

    `to_return`: it takes out people who come back later, as those do whom a release takes out.
    """

    number: int
    change: Change
    before: Before
    wave: str = ""
    to_return: bool = False


@dataclass(frozen=True, slots=True)
class Settled(JournalRecord):
    """The outcome of intent `number` of run `of`, which differs from `run` if that one crashed."""

    of: str
    number: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Message(JournalRecord):
    """What notices and reminders have in common; `due` is the time before which the user is not enforced."""

    user: UserRef
    wave: str
    address: str
    impact: Impact
    due: datetime


@dataclass(frozen=True, slots=True)
class Sending(JournalRecord):
    """A message is about to be handed to a channel that cannot be asked whether it has taken it.

    Without a notice or reminder after it, the run died meanwhile, and nobody knows whether the message was sent.
    `users` are UserIds.
    """

    address: str
    notice_id: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told(_Message):
    """A notice about one user was handed to a channel, or could not be; `delivery` says how far it got.

    `needed` is how far it has to get to count, by the settings of the channel at that time.
    """

    delivery: Delivery
    message_id: str = ""
    detail: str = ""
    needed: Delivery = Delivery.DELIVERED

    @property
    def delivered(self) -> bool:
        """Tell whether the notice counts as arrived; only then has the person been told."""
        return self.delivery.reaches(self.needed)


@dataclass(frozen=True, slots=True)
class DeliverySeen(JournalRecord):
    """The channel said at `said_at` how a notice fared, after it was sent. Does not belong to a run."""

    organization_id: str
    user: UserRef
    address: str
    message_id: str
    delivery: Delivery
    said_at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reminded(_Message):
    """A reminder of a notice was handed to a channel, `mark` before `due`; it never moves that time."""

    mark: timedelta
    delivery: Delivery
    message_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UserSkipped(JournalRecord):
    """The run left a user of the wave alone, for this reason."""

    user: UserRef
    wave: str
    code: SkipCode
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LeftAlone(JournalRecord):
    """`rollout.yaml` leaves a user alone, or did so `until` a time that has passed; `why` says by which line.

    Notices sent until then do not count. Recorded only if there is such a notice, by every plan, look and run that
    judges the user. Does not belong to a run.
    """

    organization_id: str
    user: UserRef
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class AccountFailed(JournalRecord):
    """The run could not enter or read an account; its users wait for the next run."""

    account_id: str
    reason: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class GateRead(JournalRecord):
    """A gate answered; `detail` has the numbers."""

    wave: str
    gate: str
    result: Result
    detail: str


@dataclass(frozen=True, slots=True)
class GateOverridden(JournalRecord):
    """An operator let a wave through a gate that did not pass, and gave a reason."""

    wave: str
    gate: str
    reason: str
    caller: str


@dataclass(frozen=True, slots=True)
class Approved(JournalRecord):
    """Somebody approved a wave of exactly this plan, and gave a reason. Does not belong to a run.

    `caller` and `caller_id` are the ARN and the UserId that STS told at that time; earlier versions recorded no UserId.
    """

    organization_id: str
    wave: str
    plan_checksum: str
    reason: str
    caller: str
    caller_id: str = ""

    @property
    def approver(self) -> Actor:
        """Who approved."""
        return Actor(self.caller, self.caller_id)


@dataclass(frozen=True, slots=True)
class Released(JournalRecord):
    """Somebody releases users; recorded before the first write. With `until` None it lasts until it is ended."""

    release_scope: ReleaseScope
    until: datetime | None
    reason: str
    caller: str


@dataclass(frozen=True, slots=True)
class ReleaseEnded(JournalRecord):
    """All releases inside this scope are over, whoever made them."""

    release_scope: ReleaseScope
    reason: str
    caller: str


@dataclass(frozen=True, slots=True)
class Deadlocked(JournalRecord):
    """`verify` found that an enforced user cannot sign in, or that this is `over`.

    Does not belong to a run, for looking changes nothing.
    """

    organization_id: str
    user: UserRef
    wave: str
    detail: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class EnforcementSeen(JournalRecord):
    """A look at AWS found that a user's enforcement differs from plan and journal. Recorded only when that changes.

    `by` names what enforces; it is empty if nothing does. Does not belong to a run, for looking changes nothing.
    """

    organization_id: str
    user: UserRef
    wave: str
    enforcement: Enforcement
    by: str = ""


@dataclass(frozen=True, slots=True)
class WaveCarried(JournalRecord):
    """A wave has been carried to a stage, for the organization and not only the plan (design.md#stages-and-gates)."""

    wave: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class WaveUndone(JournalRecord):
    """A rollback left nobody of a wave under the policy: the wave has to be notified and carried again."""

    wave: str


@dataclass(frozen=True, slots=True)
class ProofIntent(JournalRecord):
    """A write of a proof is about to be made, on what only proofs make (docs/proof.md); `write` names it."""

    account_id: str
    proof: str
    number: int
    write: str


@dataclass(frozen=True, slots=True)
class ProofSettled(JournalRecord):
    """What came of the intent of that number; `failure` is empty where it was made."""

    number: int
    request_id: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class ProofRemoved(JournalRecord):
    """Nothing that this proof made stands in the account any more."""

    account_id: str
    proof: str


@dataclass(frozen=True, slots=True)
class Proved(JournalRecord):
    """A proof was made to its end. `policy` is the digest of what it is about, as plans have it.

    `bad` names the questions whose answers differ from what was foretold, or show a wrong policy; `unanswered` those
    without which it proves nothing. `file` is its record in the store, with the SHA-256 of its bytes.
    """

    account_id: str
    proof: str
    partition: str
    policy: str
    answers: int
    bad: tuple[str, ...]
    unanswered: tuple[str, ...]
    file: str
    digest: str


@dataclass(frozen=True, slots=True)
class RunEnded(JournalRecord):
    """The run ended; `counts` has the number of changes or users by outcome.

    `requests` is what was asked of AWS, by API; empty in journals of earlier versions.
    """

    ending: RunEnding
    counts: Mapping[str, int] = field(default_factory=dict)
    requests: tuple[ApiRequests, ...] = ()


Record = (
    RunStarted
    | Intent
    | Settled
    | Sending
    | Told
    | DeliverySeen
    | Reminded
    | UserSkipped
    | LeftAlone
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
    | ProofIntent
    | ProofSettled
    | ProofRemoved
    | Proved
    | RunEnded
)
