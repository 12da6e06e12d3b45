"""Names every bad ending once: what happened, what to do next, and the exit code (design.md#commands)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """Every code that a command ends with; `meaning` is its text in README."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a number that knows what it means."""
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
    PLAN_REFUSED = 6, "the plan was altered, is too old, or is for another organization"
    INTERRUPTED = 130, "interrupted; run the command again to continue"


GRAVEST_FIRST = (
    ExitCode.PLAN_REFUSED,
    ExitCode.REFUSED,
    ExitCode.ERROR,
    ExitCode.CHANGES_FOUND,  # before IN_PART: an account that is never reachable must not hide what was found
    ExitCode.IN_PART,
)


def gravest(found: Mapping[ExitCode, bool]) -> ExitCode:
    """Choose the code of a command that found several things: the gravest that is true, `DONE` where none is."""
    return next((code for code in GRAVEST_FIRST if found.get(code)), ExitCode.DONE)


class RolloutError(Exception):
    """A foreseeable bad ending; `str()` says what happened, `cure` what to do next."""

    exit_code = ExitCode.ERROR

    def __init__(self, message: str, *, cure: str = "") -> None:
        """Keep the sentence for the operator and the cure that goes with it."""
        super().__init__(message)
        self.cure = cure


class WrongUsage(RolloutError):
    """The command line asks for something that cannot be done."""

    exit_code = ExitCode.WRONG_USAGE


class BadSettings(RolloutError):
    """`rollout.yaml`, a `ROLLOUT_*` variable or a flag holds something that is not a setting."""

    exit_code = ExitCode.WRONG_USAGE


class EmptySelection(RolloutError):
    """A wave, account, OU or user glob matches nothing; never read as "everything"."""

    exit_code = ExitCode.WRONG_USAGE


class NoCredentials(RolloutError):
    """No AWS credentials were found, or AWS does not know them."""


class ExpiredCredentials(RolloutError):
    """The caller's own AWS session has ended."""


class OrganizationNotListable(RolloutError):
    """The caller may not list the accounts of the organization, or there is none."""


class AwsFailure(RolloutError):
    """AWS gave an answer that ends the whole command, not just one account."""


class InsecureEndpoint(RolloutError):
    """An endpoint override would send signed calls over plain HTTP beyond this machine."""

    exit_code = ExitCode.WRONG_USAGE


class NoPlan(RolloutError):
    """There is no plan where one was expected."""


class Unwritable(RolloutError):
    """A file or folder of the store, the outbox or the reports cannot be written."""


class JournalDamaged(RolloutError):
    """The journal cannot be read to its end: damaged, closed to us, or written by a newer version."""


class MissingExtra(RolloutError):
    """A command needs an optional part that is not installed."""


class SandboxFailure(RolloutError):
    """The embedded organization did not start, or is not there."""


class Refused(RolloutError):
    """A guard or gate says no; its numbers are in the message."""

    exit_code = ExitCode.REFUSED


class LockHeld(RolloutError):
    """Another operator is making changes in this organization right now."""

    exit_code = ExitCode.REFUSED


class PlanRefused(RolloutError):
    """The plan may not be applied: altered, too old, without evidence, or of other settings."""

    exit_code = ExitCode.PLAN_REFUSED


class OtherOrganization(RolloutError):
    """The credentials, the plan and `rollout.yaml` belong to different organizations."""

    exit_code = ExitCode.PLAN_REFUSED


class Interrupted(RolloutError):
    """Ctrl-C or SIGTERM: the change in hand was finished and saved; the run can go on later."""

    exit_code = ExitCode.INTERRUPTED
