"""Defines the errors that a command can end with, and their exit codes (design.md#commands)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar, Self


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
    advice: ClassVar[str] = ""
    """What ends it in general; an occurrence has a `cure` of its own. `rollout explain` and docs/errors.md print it."""

    def __init__(self, message: str, *more: str, cure: str = "") -> None:
        """Take the message for the operator, and the cure. A line break within a line is shown as text."""
        super().__init__("\n".join((message, *more)))
        self.lines = (message, *more)
        self.cure = cure

    @classmethod
    def code(cls) -> str:
        """The name by which `rollout explain` knows this error, such as `lock-held`; it never changes."""
        return "-".join(re.findall("[A-Z][a-z]+", cls.__name__)).lower()


class WrongUsage(RolloutError):
    """The command line asks for something impossible."""

    advice = "The message names the option or argument; `rollout COMMAND --help` shows what is possible."
    exit_code = ExitCode.WRONG_USAGE


class BadSettings(RolloutError):
    """`rollout.yaml`, a `ROLLOUT_*` variable or a flag contains an invalid setting."""

    advice = "The message has file, line and key; docs/settings.md explains every key."
    exit_code = ExitCode.WRONG_USAGE


class EmptySelection(RolloutError):
    """A wave, account, OU or user glob matches nothing; an empty selection never means "everything"."""

    advice = "Check the spelling of the wave, account, OU or user; `rollout show` lists those of the plan."
    exit_code = ExitCode.WRONG_USAGE


class StoreUnknown(RolloutError):
    """The settings cannot be read as far as to tell which store is theirs."""

    advice = "Correct `store` in rollout.yaml, or set ROLLOUT_STORE for this run."


class WhomUnknown(RolloutError):
    """Nobody can tell whom a wave or a pattern of names means, for neither the journal nor a plan can be read."""

    advice = "Name accounts or ARNs: `rollout release --account ID` needs neither plan nor journal (docs/undoing.md)."


class NoCredentials(RolloutError):
    """There are no AWS credentials, or AWS rejects them."""

    advice = "Give boto3 credentials: --profile, AWS_PROFILE, `aws sso login`, or keys in the environment."


class ExpiredCredentials(RolloutError):
    """The caller's own AWS session has expired."""

    advice = "Sign in again, then run the same command: it goes on where it stopped."


class OrganizationNotListable(RolloutError):
    """The caller may not list the organization's accounts, or there is no organization."""

    advice = "Run it with credentials of the management account, or of a delegated administrator."


class ClusterUnusable(RolloutError):
    """The Dask cluster that is to do the work does not answer, or is not one that can do it."""

    advice = "Check --scheduler, and that its workers run this version of rollout; without --engine, none is needed."


class AwsFailure(RolloutError):
    """AWS returned an error that ends the whole command, not only the work in one account."""

    advice = "Read the code of AWS in the message; throttling and outages pass, so run the command again."


class InsecureEndpoint(RolloutError):
    """An endpoint override would send signed calls over plain HTTP beyond this machine."""

    advice = "Use https, or an endpoint on this machine."
    exit_code = ExitCode.WRONG_USAGE


class ForeignEndpoint(RolloutError):
    """An endpoint override would send signed calls to neither AWS nor this machine, and nobody said so on purpose."""

    advice = "If the endpoint is meant, give --endpoint-ok; otherwise unset AWS_ENDPOINT_URL."
    exit_code = ExitCode.REFUSED


class NoPlan(RolloutError):
    """The store holds no such plan."""

    advice = "`rollout plan` makes one; `rollout show PLAN` takes a path, a file stem or an ID."


class Unwritable(RolloutError):
    """A file or folder of the store, the outbox or the reports cannot be written."""

    advice = "Check owner, rights and free space of the place that the message names."


class JournalDamaged(RolloutError):
    """The journal cannot be read to its end: it is damaged, unreadable to this user, or written by a newer version."""

    advice = "Nobody is enforced until it can be read; `rollout release --account ID` does without (docs/undoing.md)."


class RecordAltered(JournalDamaged):
    """Something in the store was not written with the store's key, or was altered since: see docs/security.md."""

    advice = "Find out who wrote to the store, then `rollout seal` shows and seals what is right (docs/security.md)."
    exit_code = ExitCode.PLAN_REFUSED


class KeyUnusable(RolloutError):
    """The key that seals the store's records cannot be used, so nothing can be checked or sealed."""

    advice = "Give this caller kms:GenerateMac on the key, or the key file; releasing users works without it."


class BadEvidence(RolloutError):
    """The file of `evidence.import` cannot be read, or says what cannot be; the message has file and line."""

    advice = "Correct the file at the line that the message names (docs/key-evidence.md)."
    exit_code = ExitCode.WRONG_USAGE


class MissingExtra(RolloutError):
    """A command needs an optional dependency that is not installed."""

    advice = "Install the extra that the message names."


class ChannelUnusable(RolloutError):
    """The channel of notices cannot be used for anybody: no connection, a wrong password, a sender it refuses."""

    advice = "`rollout notices --test ADDRESS` tries the channel without touching anybody (docs/channels.md)."


class SandboxFailure(RolloutError):
    """The embedded organization failed to start or is not running."""

    advice = "`rollout sandbox stop`, then start it again; its log says what happened."


class Refused(RolloutError):
    """A guard or gate refuses; the message contains its numbers."""

    advice = (
        "Do what the message asks for; a gate can be overridden on purpose, with a reason (docs/gates.md)."
    )
    exit_code = ExitCode.REFUSED


class ProofFailed(RolloutError):
    """A proof could not be made to its end: an account could not be entered, or a write was refused. It was removed."""

    advice = "Mend what the message names, then run `rollout prove` again; nothing was left behind."


class ProofLeft(RolloutError):
    """Something that a proof made could not be removed."""

    advice = "`rollout prove --clean --account ID` finds and removes it (docs/proof.md)."


class ProofDiffers(RolloutError):
    """AWS answered otherwise than the evaluator foretold, so what verdicts say about this policy may be wrong."""

    advice = "Enforce nobody; report it with the proof, which holds question and answer (docs/proof.md)."


class PolicyDisproved(RolloutError):
    """The policy does not do what it is for: AWS answered as its documents say, and a right one would not."""

    advice = "Enforce nobody; `rollout policy --diff seed` shows how the policy differs from one that works."


class LockHeld(RolloutError):
    """Another operator is making changes in this organization right now."""

    advice = "Wait for the run that the message names. If it is surely dead, `rollout unlock`."
    exit_code = ExitCode.REFUSED


class PlanRefused(RolloutError):
    """The plan must not be applied: it was altered, is too old, lacks its evidence, or was made with other settings."""

    advice = "Make a new plan and have it reviewed: `rollout plan`."
    exit_code = ExitCode.PLAN_REFUSED


class OtherOrganization(RolloutError):
    """The credentials, the plan and `rollout.yaml` belong to different organizations."""

    advice = "Use the credentials of the organization that rollout.yaml and the plan name."
    exit_code = ExitCode.PLAN_REFUSED


class Interrupted(RolloutError):
    """Ctrl-C or SIGTERM: the change under way was finished and recorded; the run can be resumed."""

    advice = "Run the same command again: it goes on where it stopped."
    exit_code = ExitCode.INTERRUPTED
