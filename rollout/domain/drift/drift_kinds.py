"""Lists the kinds of drift, each a row: what differs, the likely cause, the cure, and whether `--fix` repairs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from rollout.domain.people.users import User
from rollout.domain.policy.our_resources import OTHER_STORE_CURE

BY_MACHINE = (
    "by hand, or by an infrastructure tool that claims all of it (Terraform: *_exclusive, *_group_membership)"
)
PLAN_AGAIN = "rollout plan, have it reviewed, then apply --stage dry-run and notify"
FIX = "rollout verify --fix"


class Fix(StrEnum):
    """Whether `verify --fix` repairs a kind of drift; docs/undoing.md prints the values."""

    NO = "no"
    YES = "yes"
    MEMBERSHIPS = "with `--fix memberships`"


class DriftKind(StrEnum):
    """The row of a kind of drift: its name, its meaning in the docs, its text for a finding, likely cause and cure.

    `text` and `cure` may contain `{who}` (the ARN of the user, or the policy or group), `{account_id}` and `{detail}`.
    """

    meaning: str
    text: str
    cause: str
    cure: str
    fix: Fix

    def __new__(
        cls, name: str, meaning: str = "", text: str = "", cause: str = "", cure: str = "", fix: Fix = Fix.NO
    ) -> Self:
        """Make a member from its row. The defaults only let `Drifted("deadlock")` pass the type checker."""
        if not (meaning and text and cause and cure):
            raise ValueError(f"the kind of drift {name} lacks some of its texts")
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.meaning, kind.text, kind.cause, kind.cure, kind.fix = meaning, text, cause, cure, fix
        return kind


class Drifted(DriftKind):
    """The kinds of drift, most urgent first."""

    ADOPTED_POLICY = (
        "adopted-policy",
        "an earlier version attached a policy that belongs to somebody else, who may let it allow everything",
        "belongs to somebody else, who may let it allow everything; an earlier version attached it to {detail}",
        "an earlier version of rollout used policies of the same name and content in place of its own",
        FIX,
        Fix.YES,
    )
    FOREIGN_POLICY = (
        "foreign-policy",
        "a policy that this tool did not make hangs on our group, and applies to everybody in it",
        "is not of this tool, and applies to everybody in our group {detail}",
        f"attached {BY_MACHINE}",
        "detach it from the group by hand",
    )
    DEADLOCK = (
        "deadlock",
        "enforced, no device, and the password must be changed or expires within 7 days: they cannot get in",
        "is enforced, has no device, and {detail}",
        "the password was reset, or nobody enrolled in time",
        'rollout release --user {who} --reason "deadlock", then have them enrol',
    )
    RELEASED_BUT_ENFORCED = (
        "released-but-enforced",
        "a release lasts, but the policy is in force for the user, or for the account",
        "is enforced in spite of a release: {detail}",
        f"put back {BY_MACHINE}, or by a run that does not know this store",
        f"{FIX}, or the next rollout apply: both let them out again",
        Fix.YES,
    )
    HELD_BUT_ENFORCED = (
        "held-but-enforced",
        "enforced, but would be held today (because it is a machine now, for example)",
        "is enforced, but would be held today: {detail}",
        "the user's credentials, rights or settings have changed since",
        'rollout release --user {who} --reason "…"',
    )
    EXEMPT_BUT_ENFORCED = (
        "exempt-but-enforced",
        "exempt now, but still enforced",
        "is exempt ({detail}), but enforced",
        "the exemption was added after enforcement",
        "rollout plan, then apply --stage enforce: it takes them out",
    )
    IMPOSSIBLE_RECORD = (
        "impossible-record",
        "the journal names a change that rollout cannot have made; it is left out of account",
        "is a change on record that rollout cannot have made: {detail}",
        "somebody else wrote into the store",
        "find out who can write to the store, and give it a key (store_key in rollout.yaml)",
    )
    UNSETTLED_WRITE = (
        "unsettled-write",
        "a run of ours made a write and did not get to record its outcome; nobody else has done anything",
        "shows a write of our own whose outcome is not on record: {detail}",
        "the run died between the write and its record, or is still under way",
        f"{FIX}, or the next rollout apply or rollback: they look and record it",
        Fix.YES,
    )
    FOREIGN_MEMBER = (
        "foreign-member",
        "in our group, and not put there by this tool",
        "is in our group {detail}, and was not put there by this tool",
        f"added {BY_MACHINE}",
        "take the user out by hand, or plan again so that they are judged and told",
    )
    UNKNOWN_TO_JOURNAL = (
        "unknown-to-journal",
        "a policy stands at our path, but the journal of this store knows nothing about it",
        "the journal of this store knows nothing about this policy: {detail}",
        "another store was used, the journal was lost, or somebody made the policy by hand",
        OTHER_STORE_CURE,
    )
    POLICY_DELETED = (
        "policy-deleted",
        "the policy was deleted by hand, or by a tool",
        "the policy no longer exists",
        f"deleted {BY_MACHINE}",
        FIX,
        Fix.YES,
    )
    POLICY_DETACHED = (
        "policy-detached",
        "the policy was detached from the group by hand, or by a tool with exclusive attachments",
        "the policy is no longer attached to the group",
        f"detached {BY_MACHINE}",
        FIX,
        Fix.YES,
    )
    DOCUMENT_EDITED = (
        "document-edited",
        "the version in force differs from the plan's document",
        "the version in force differs from the plan's document",
        f"edited {BY_MACHINE}, or the settings have changed since",
        FIX,
        Fix.YES,
    )
    BRAKE_PULLED = (
        "brake-pulled",
        "the version in force denies nothing, though no release is in force",
        "the version in force denies nothing: nobody is enforced here",
        "somebody changed the default version by hand, which counts as a release",
        "rollout release --account {account_id} --end",
    )
    RELEASE_EXPIRED = (
        "release-expired",
        "a release is over, but its users are not back",
        "the release of {detail}",
        "nobody has run apply or verify --fix since then",
        FIX,
        Fix.YES,
    )
    MEMBERSHIP_REMOVED = (
        "membership-removed",
        "enforced by this tool, and taken out by hand since then",
        "was enforced by this tool, and is no longer under the policy",
        f"taken out {BY_MACHINE}, which counts as a release",
        "rollout release --user {who} --end; for all of them, rollout verify --fix memberships",
        Fix.MEMBERSHIPS,
    )
    NOT_ENFORCED = (
        "not-enforced",
        "under the policy, but not everything is denied without MFA",
        "is under the policy, but not everything is denied without MFA",
        "the policies that apply to this user deny too little, or could not be read",
        "rollout show --user {who}",
    )
    EXEMPTION_EXPIRED = (
        "exemption-expired",
        "the exemption is over, and somebody has to decide what follows",
        "the exemption ended on {detail} now",
        "nobody renewed it",
        f"renew it in rollout.yaml, or {PLAN_AGAIN}",
    )
    CLASS_CHANGED = (
        "class-changed",
        "would get another verdict today, and somebody has to decide what follows",
        "was {detail} now",
        "credentials, devices, rights or settings have changed since the plan",
        PLAN_AGAIN,
    )
    NEW_USER = (
        "new-user",
        "not in the plan, and somebody has to decide what follows",
        "is not in the plan; is {detail}",
        "created since the plan",
        PLAN_AGAIN,
    )
    NEW_ACCOUNT = (
        "new-account",
        "an account that is not in the plan, and somebody has to decide what follows",
        "account {detail} is not in the plan",
        "created, invited or activated again since the plan",
        PLAN_AGAIN,
    )


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference; `who` is the ARN of the user, or the policy, group or account, that it is about."""

    kind: Drifted
    account_id: str
    who: str
    text: str
    cause: str
    cure: str


def drift(kind: Drifted, account_id: str, who: str, detail: str = "", cure: str = "") -> Drift:
    """Describe one difference; `cure` is named before the cure of its kind."""
    facts = {"account_id": account_id, "who": who, "detail": detail}
    cures = (cure, kind.cure.format(**facts))
    return Drift(
        kind, account_id, who, kind.text.format(**facts), kind.cause, "; or ".join(filter(None, cures))
    )


def drift_of_user(kind: Drifted, user: User, detail: str = "", cure: str = "") -> Drift:
    """Describe one difference about a user."""
    return drift(kind, user.account_id, user.arn, detail, cure)
