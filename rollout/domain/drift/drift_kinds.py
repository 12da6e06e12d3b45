"""The words for drift: what differs, where, why probably, and what cures it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.people.users import User

BY_MACHINE = (
    "by hand, or by an infrastructure tool that claims all of it (Terraform: *_exclusive, *_group_membership)"
)
PLAN_AGAIN = "rollout plan, have it reviewed, then apply --stage dry-run and notify"
FIX = "rollout verify --fix"


class Drifted(StrEnum):
    """The kinds of drift, the most urgent first."""

    DEADLOCK = "deadlock"
    HELD_BUT_ENFORCED = "held-but-enforced"
    EXEMPT_BUT_ENFORCED = "exempt-but-enforced"
    FOREIGN_MEMBER = "foreign-member"
    UNKNOWN_TO_JOURNAL = "unknown-to-journal"
    POLICY_DELETED = "policy-deleted"
    POLICY_DETACHED = "policy-detached"
    DOCUMENT_EDITED = "document-edited"
    BRAKE_PULLED = "brake-pulled"
    RELEASE_EXPIRED = "release-expired"
    MEMBERSHIP_REMOVED = "membership-removed"
    NOT_ENFORCED = "not-enforced"
    EXEMPTION_EXPIRED = "exemption-expired"
    CLASS_CHANGED = "class-changed"
    NEW_USER = "new-user"
    NEW_ACCOUNT = "new-account"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `who` is a user's ARN, or the policy, group or account that it is about."""

    kind: Drifted
    account_id: str
    who: str
    text: str
    cause: str
    cure: str


def of_user(kind: Drifted, user: User, text: str, cause: str, cure: str) -> Drift:
    """Say it of one user."""
    return Drift(kind, user.account_id, user.arn, text, cause, cure)
