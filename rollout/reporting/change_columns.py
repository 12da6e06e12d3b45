"""The columns of changes.csv: one row here is one column everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import Applied, Failed, Outcome
from rollout.domain.progress.records import RunStarted
from rollout.domain.progress.stages import Stage
from rollout.reporting import spelling
from rollout.reporting.cells import CODE, COUNT, MINUTE, TEXT, TIME
from rollout.reporting.tables import Column, Table


class ChangeOutcome(StrEnum):
    """The outcome of one thing that a run did. `released` may carry its end: `released until …`."""

    APPLIED = "applied"
    ALREADY_IN_PLACE = "already-in-place"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNSETTLED = "unsettled"
    TOLD = "told"
    RELEASED = "released"
    ENDED = "ended"
    APPROVED = "approved"
    OVERRIDDEN = "overridden"
    REHEARSED = "rehearsed"


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One thing that was done, noted or left alone. `result` is what AWS said of a write.

    `change` names the kind: a write in kebab case (`add-member`), `notice`, `reminder`, `skip`, `release`,
    `end-release`, `approve`, `override-gate` or `enter-account`.
    """

    at: datetime
    started: RunStarted
    change: str
    outcome: ChangeOutcome
    wave: str = ""
    account: str = ""
    user: UserRef | None = None
    target: str = ""
    before: str = ""
    detail: str = ""
    result: Outcome | None = None
    cure: str = ""
    address: str = ""
    due: datetime | None = None
    delivery: str = ""
    until: datetime | None = None
    caller: str = ""

    @property
    def account_id(self) -> str:
        """The account that was changed, or the user's; empty where it is about neither."""
        return self.account or (self.user.account_id if self.user else "")

    @property
    def stage(self) -> str:
        return stage_of(self.started)

    @property
    def failure(self) -> Failed | None:
        """What AWS said of a write that failed."""
        return self.result if isinstance(self.result, Failed) else None

    @property
    def outcome_text(self) -> str:
        """The outcome, with the end of a release that has one."""
        return f"{self.outcome} until {spelling.minute(self.until)}" if self.until else str(self.outcome)


def stage_of(started: RunStarted) -> str:
    """Name what a run was: the stage it carried out, or the command."""
    other = started.command not in ("apply", "approve") and started.stage is not Stage.DRY_RUN
    return started.command if other else str(started.stage)


def _request_id(line: ChangeLine) -> str:
    return line.result.request_id if isinstance(line.result, Applied | Failed) else ""


def _attempts(line: ChangeLine) -> int | None:
    return line.result.attempts if isinstance(line.result, Applied | Failed) else None


# One column is one row of this table.
# fmt: off
CHANGES: Table[ChangeLine] = Table("changes.csv", (
    Column("at", TIME, "When it happened.", lambda line: line.at),
    Column("run", TEXT, "The run that did it.", lambda line: line.started.run),
    Column("stage", TEXT,
           "The stage of that run (`dry-run`, `notify` or `enforce`), or its command: `release`, `release "
           "--end`, `rollback` or `verify --fix`.", lambda line: line.stage),
    Column("plan_id", TEXT, "The plan that the run carried out.", lambda line: line.started.plan_id),
    Column("wave", TEXT, "The wave it was done for.", lambda line: line.wave),
    Column("account_id", TEXT, "The account it was done in.", lambda line: line.account_id),
    Column("user_name", TEXT, "The user it is about; empty where a policy or a group is changed.",
           lambda line: line.user.name if line.user else ""),
    Column("user_id", TEXT, "The lasting identity of that user.",
           lambda line: line.user.id if line.user else ""),
    Column("change", TEXT,
           "The write (`create-policy`, `add-member`, …), or `notice`, `reminder`, `delivery` (how a notice fared "
           "later), `skip` (a user was left "
           "alone), `release`, `end-release`, `approve`, `override-gate`, or `enter-account` (which "
           "failed).", lambda line: line.change),
    Column("target", TEXT, "The policy, group, gate or users it was done to.", lambda line: line.target),
    Column("before", TEXT, "What a live read found just before the write: `absent` or `present`.",
           lambda line: line.before),
    Column("outcome", CODE, "The outcome: `applied`, `skipped`, `failed` …",
           lambda line: line.outcome_text),
    Column("detail", TEXT, "Why, or the reason that was given.", lambda line: line.detail),
    Column("request_id", TEXT, "The AWS request ID, to look up in CloudTrail.", _request_id),
    Column("attempts", COUNT, "How many attempts the write took.", _attempts),
    Column("address", TEXT, "For notices and reminders: the address they were sent to.",
           lambda line: line.address),
    Column("due", MINUTE, "For notices and reminders: the time that they named. Nobody is enforced before it.",
           lambda line: line.due),
    Column("delivery", TEXT,
           "For notices and reminders: how far they got: `queued`, `sent`, `delivered`, `refused`, `bounced` or "
           "`complained`.",
           lambda line: line.delivery),
    Column("caller", TEXT, "Who ran the command, approved the wave, released the users or overrode the gate.",
           lambda line: line.caller or line.started.caller),
    Column("error_code", TEXT, "For failed writes: the error code of AWS, such as `AccessDenied`.",
           lambda line: line.failure.code if line.failure else ""),
    Column("cure", TEXT, "For what failed: what to do about it.",
           lambda line: line.failure.cure if line.failure else line.cure),
))
# fmt: on
