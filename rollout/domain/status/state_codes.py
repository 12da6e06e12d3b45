"""Defines the states of users, each with its meaning for tables, legend and docs."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class UserState(StrEnum):
    """The state of a user: the column `state` of `users.csv`. Each has a sentence that explains it."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Store the sentence with the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    ENFORCED = (
        "enforced",
        "The policy of this tool is in force for the user, by the newest of plan, journal and verify.",
    )
    COVERED = "covered", "MFA is enforced by a policy that does not belong to this tool."
    EXEMPT = "exempt", "Not enforced, because of an exemption that has not ended."
    EXEMPTION_OVER = "exemption-over", "The exemption ended after the plan was made: make a new plan."
    HELD = "held", "MFA cannot be enforced safely at present."
    WAITING = "waiting", "Not notified yet, or no notice is needed; enforcement is still to come."
    QUEUED = "queued", "A notice was handed to a channel that cannot say whether it arrived."
    TOLD = "told", "The latest notice was delivered; enforcement comes on or after the date in the notice."
    UNDELIVERED = "undelivered", "The latest notice could not be sent."
    SKIPPED = (
        "skipped",
        "Skipped in the last run; the reason follows, as in `skipped(notice)` or `skipped(drift)`.",
    )
    FAILED = "failed", "The last change, reading it back, or entering the account failed."
    RELEASED = "released", "Was enforced by this tool and is released now, by `rollout release` or by hand."
    DRIFTED = "drifted", "Was enforced, but the policy found in AWS does not deny what it should."
    UNSETTLED = (
        "unsettled",
        "A run was cut off during a change; the next run finds out how the change ended.",
    )
    UNPLANNED = "unplanned", "Not in the plan."
