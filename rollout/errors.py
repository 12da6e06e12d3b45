"""Names every bad ending once: what happened, what to do next, and the exit code (design.md#commands)."""

from __future__ import annotations


class RolloutError(Exception):
    """A foreseeable bad ending; `str()` says what happened, `cure` what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, cure: str = "") -> None:
        """Keep the sentence for the operator and the cure that goes with it."""
        super().__init__(message)
        self.cure = cure


class WrongUsage(RolloutError):
    """The command line asks for something that makes no sense."""

    exit_code = 2


class BadSettings(RolloutError):
    """`rollout.yaml`, a `ROLLOUT_*` variable or a flag holds something that is not a setting."""

    exit_code = 2


class EmptySelection(RolloutError):
    """A wave, account, OU or user glob matches nothing; never read as "everything"."""

    exit_code = 2


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

    exit_code = 2


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

    exit_code = 5


class LockHeld(RolloutError):
    """Another operator carries changes in this organization right now."""

    exit_code = 5


class PlanRefused(RolloutError):
    """The plan may not be applied: altered, too old, without evidence, or of other settings."""

    exit_code = 6


class OtherOrganization(RolloutError):
    """The credentials, the plan and `rollout.yaml` do not speak of the same organization."""

    exit_code = 6


class Interrupted(RolloutError):
    """Ctrl-C or SIGTERM: the change in hand was finished and saved; the run can go on later."""

    exit_code = 130
