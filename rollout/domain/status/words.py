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


class State(Explained):
    """Where a user stands, in one word: the column `state` of `users.csv`."""

    ENFORCED = (
        "enforced",
        "Under our policy now, as far as is known: the newest of plan, journal and look says so.",
    )
    COVERED = "covered", "Under MFA by somebody else's policy."
    EXEMPT = "exempt", "Left alone; the exemption lives."
    EXEMPTION_OVER = "exemption-over", "The exemption ended after the plan was made: plan again."
    HELD = "held", "Not to be enforced as things are."
    WAITING = "waiting", "Has not been told yet, or need not be; the policy is to come."
    QUEUED = "queued", "A notice was handed to a channel that cannot say whether it arrived."
    TOLD = "told", "The latest notice was delivered; the policy comes on or after the date named."
    UNDELIVERED = "undelivered", "The last notice did not arrive."
    SKIPPED = "skipped", "Left alone in the last run; the word in brackets says why."
    FAILED = "failed", "The last change, or entering the account, failed."
    RELEASED = "released", "Was enforced, and is let out now: by a release, or by somebody's hand."
    DRIFTED = "drifted", "Was enforced, but the policy that a look found in AWS does not deny what it should."
    UNSETTLED = "unsettled", "A run broke off in the middle of a change; the next one finds out."
    UNPLANNED = "unplanned", "Not in the plan."


class NoticeWorth(Explained):
    """What a notice is worth now: the column `worth now` of `rollout notices`."""

    COUNTS = "counts", "The user may be enforced on it, from its date on."
    VOID = "void", "A new notice is needed."
    UNPROVEN = "unproven", "Nobody knows whether it arrived."
    USED = "used", "The user has been enforced on it."
    REPLACED = "replaced", "A newer notice took its place."
    NOT_NEEDED = "not needed", "The user is not to be enforced any more."
