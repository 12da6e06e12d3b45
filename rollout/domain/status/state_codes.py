"""The codes for where users stand and what notices are worth, each with its meaning, for tables, legend and docs."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Explained(StrEnum):
    """A code with a sentence about it."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Keep the sentence beside the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class UserState(Explained):
    """Where a user stands, in one word: the column `state` of `users.csv`."""

    ENFORCED = (
        "enforced",
        "The policy of this tool is in force for the user, by the newest of plan, journal and verify.",
    )
    COVERED = "covered", "Under MFA enforcement by somebody else's policy."
    EXEMPT = "exempt", "Left alone; the exemption has not ended."
    EXEMPTION_OVER = "exemption-over", "The exemption ended after the plan was made: make a new plan."
    HELD = "held", "MFA cannot be enforced safely as things are."
    WAITING = "waiting", "Not notified yet, or no notice is needed; enforcement is still to come."
    QUEUED = "queued", "A notice was handed to a channel that cannot say whether it arrived."
    TOLD = "told", "The latest notice was delivered; enforcement comes on or after the date in the notice."
    UNDELIVERED = "undelivered", "The last notice did not arrive."
    SKIPPED = (
        "skipped",
        "Left alone in the last run; the reason follows, as in `skipped(notice)` or `skipped(drift)`.",
    )
    FAILED = "failed", "The last change, reading it back, or entering the account failed."
    RELEASED = "released", "Was enforced, and is let out now: by a release, or by somebody's hand."
    DRIFTED = "drifted", "Was enforced, but the policy that a look found in AWS does not deny what it should."
    UNSETTLED = (
        "unsettled",
        "A run broke off in the middle of a change; the next run finds out what came of it.",
    )
    UNPLANNED = "unplanned", "Not in the plan."


class NoticeWorth(Explained):
    """What a notice is worth now: the column `worth now` of `rollout notices`."""

    COUNTS = "counts", "The user may be enforced on it, from its date on."
    VOID = "void", "A new notice is needed."
    UNPROVEN = "unproven", "Nobody knows whether it arrived."
    USED = "used", "The user has been enforced on it."
    REPLACED = "replaced", "A newer notice took its place."
    NOT_NEEDED = "not needed", "The user is not to be enforced any more."
