"""Defines the errors that a command can end with, and their exit codes (design.md#commands)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """Every code that a command ends with; `meaning` is its text in README."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Create a number with its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "done, or nothing due yet"
    ERROR = 1, "error"
    WRONG_USAGE = 2, "wrong usage or settings"
    CHANGES_FOUND = 3, "changes due (`plan --detailed-exitcode`), or drift found (`verify`)"
    IN_PART = 4, "partly done: accounts were unreachable or users failed; all are listed"
    REFUSED = 5, "refused by a guard, a gate or a lock"
    PLAN_REFUSED = 6, "the plan or the store was altered, or the plan is too old or for another organization"
    INTERRUPTED = 130, "interrupted; run the command again to continue"


GRAVEST_FIRST = (
    ExitCode.PLAN_REFUSED,
    ExitCode.REFUSED,
    ExitCode.ERROR,
    ExitCode.CHANGES_FOUND,  # before IN_PART: an account that stays unreachable must not hide what was found
    ExitCode.IN_PART,
)


def gravest(found: Mapping[ExitCode, bool]) -> ExitCode:
    """Return the gravest exit code whose condition holds, or `DONE` if none does."""
    return next((code for code in GRAVEST_FIRST if found.get(code)), ExitCode.DONE)


class RolloutError(Exception):
    """An expected failure: `str()` says what happened, `cure` what to do next.

    `more` are further lines, such as all the other problems of a settings file.
    """

    exit_code = ExitCode.ERROR

    def __init__(self, message: str, *more: str, cure: str = "") -> None:
        """Take the message for the operator, and the cure. A line break within a line is shown as text."""
        super().__init__("\n".join((message, *more)))
        self.lines = (message, *more)
        self.cure = cure


class WrongUsage(RolloutError):
    """The command line asks for something impossible."""

    exit_code = ExitCode.WRONG_USAGE


class BadSettings(RolloutError):
    """`rollout.yaml`, a `ROLLOUT_*` variable or a flag contains an invalid setting."""

    exit_code = ExitCode.WRONG_USAGE


class EmptySelection(RolloutError):
    """A wave, account, OU or user glob matches nothing; an empty selection never means "everything"."""

    exit_code = ExitCode.WRONG_USAGE


class StoreUnknown(RolloutError):
    """The settings cannot be read as far as to tell which store is theirs."""


class WhomUnknown(RolloutError):
    """Nobody can tell whom a wave or a pattern of names means, for neither the journal nor a plan can be read."""


class NoCredentials(RolloutError):
    """There are no AWS credentials, or AWS rejects them."""


class ExpiredCredentials(RolloutError):
    """The caller's own AWS session has expired."""


class OrganizationNotListable(RolloutError):
    """The caller may not list the organization's accounts, or there is no organization."""


class ClusterUnusable(RolloutError):
    """The Dask cluster that is to do the work does not answer, or is not one that can do it."""


class AwsFailure(RolloutError):
    """AWS returned an error that ends the whole command, not only the work in one account."""


class InsecureEndpoint(RolloutError):
    """An endpoint override would send signed calls over plain HTTP beyond this machine."""

    exit_code = ExitCode.WRONG_USAGE


class ForeignEndpoint(RolloutError):
    """An endpoint override would send signed calls to neither AWS nor this machine, and nobody said so on purpose."""

    exit_code = ExitCode.REFUSED


class NoPlan(RolloutError):
    """The store holds no such plan."""


class Unwritable(RolloutError):
    """A file or folder of the store, the outbox or the reports cannot be written."""


class JournalDamaged(RolloutError):
    """The journal cannot be read to its end: it is damaged, unreadable to this user, or written by a newer version."""


class RecordAltered(JournalDamaged):
    """Something in the store was not written with the store's key, or was altered since: see docs/security.md."""

    exit_code = ExitCode.PLAN_REFUSED


class KeyUnusable(RolloutError):
    """The key that seals the store's records cannot be used, so nothing can be checked or sealed."""


class BadEvidence(RolloutError):
    """The file of `evidence.import` cannot be read, or says what cannot be; the message has file and line."""

    exit_code = ExitCode.WRONG_USAGE


class MissingExtra(RolloutError):
    """A command needs an optional dependency that is not installed."""


class ChannelUnusable(RolloutError):
    """The channel of notices cannot be used for anybody: no connection, a wrong password, a sender it refuses."""


class SandboxFailure(RolloutError):
    """The embedded organization failed to start or is not running."""


class Refused(RolloutError):
    """A guard or gate refuses; the message contains its numbers."""

    exit_code = ExitCode.REFUSED


class ProofFailed(RolloutError):
    """A proof could not be made to its end: an account could not be entered, or a write was refused. It was removed."""


class ProofLeft(RolloutError):
    """Something that a proof made could not be removed."""


class ProofDiffers(RolloutError):
    """AWS answered otherwise than the evaluator foretold, so what verdicts say about this policy may be wrong."""


class PolicyDisproved(RolloutError):
    """The policy does not do what it is for: AWS answered as its documents say, and a right one would not."""


class LockHeld(RolloutError):
    """Another operator is making changes in this organization right now."""

    exit_code = ExitCode.REFUSED


class PlanRefused(RolloutError):
    """The plan must not be applied: it was altered, is too old, lacks its evidence, or was made with other settings."""

    exit_code = ExitCode.PLAN_REFUSED


class OtherOrganization(RolloutError):
    """The credentials, the plan and `rollout.yaml` belong to different organizations."""

    exit_code = ExitCode.PLAN_REFUSED


class Interrupted(RolloutError):
    """Ctrl-C or SIGTERM: the change under way was finished and recorded; the run can be resumed."""

    exit_code = ExitCode.INTERRUPTED
