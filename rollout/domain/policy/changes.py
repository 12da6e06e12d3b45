"""Defines every AWS write that this tool can make, one class each, and its outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.people.users import UserRef


@dataclass(frozen=True, slots=True)
class CreatePolicy:
    """`CreatePolicy`: creates the managed policy, with `document` as its first version.

    For `ForceMFA` that is the Allow half, the brake, which is never deleted (design.md#policy-documents).
    """

    account_id: str
    policy_arn: str
    name: str
    path: str
    document: Mapping[str, object]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CreateVersion:
    """`CreatePolicyVersion` with `SetAsDefault`: takes effect at once for every user under the policy.

    `attached` names these users, for the journal and the guard (design.md#policy-documents).
    """

    account_id: str
    policy_arn: str
    document: Mapping[str, object]
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetDefaultVersion:
    """`SetDefaultPolicyVersion`: pulls the brake, or lets it go."""

    account_id: str
    policy_arn: str
    version_id: str
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """`DeletePolicyVersion`: deletes a version of ours that is neither the default nor the brake."""

    account_id: str
    policy_arn: str
    version_id: str


@dataclass(frozen=True, slots=True)
class DeletePolicy:
    """`DeletePolicy`: deletes our policy once it is attached to nothing."""

    account_id: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """`CreateGroup`: creates the group, in the path `/rollout/`."""

    account_id: str
    group: str
    path: str


@dataclass(frozen=True, slots=True)
class DeleteGroup:
    """`DeleteGroup`: deletes our group once it is empty."""

    account_id: str
    group: str


@dataclass(frozen=True, slots=True)
class AttachToGroup:
    """`AttachGroupPolicy`: attaches the policy to the group."""

    account_id: str
    group: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class DetachFromGroup:
    """`DetachGroupPolicy`: detaches the policy from the group."""

    account_id: str
    group: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class AddMember:
    """`AddUserToGroup`: adds a user to the group."""

    account_id: str
    group: str
    user: UserRef


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """`RemoveUserFromGroup`: removes a user from the group."""

    account_id: str
    group: str
    user: UserRef


@dataclass(frozen=True, slots=True)
class AttachToUser:
    """`AttachUserPolicy`: attaches the policy to the user itself (`attach: user`, or no room for a group)."""

    account_id: str
    user: UserRef
    policy_arn: str


@dataclass(frozen=True, slots=True)
class DetachFromUser:
    """`DetachUserPolicy`: detaches the policy from the user."""

    account_id: str
    user: UserRef
    policy_arn: str


Change = (
    CreatePolicy
    | CreateVersion
    | SetDefaultVersion
    | DeleteVersion
    | DeletePolicy
    | CreateGroup
    | DeleteGroup
    | AttachToGroup
    | DetachFromGroup
    | AddMember
    | RemoveMember
    | AttachToUser
    | DetachFromUser
)


def name(change: Change) -> str:
    """Name the effect of a change; two attempts at the same change have the same name."""
    user = getattr(change, "user", None)
    parts = (
        change.account_id,
        type(change).__name__,
        getattr(change, "group", ""),
        getattr(change, "policy_arn", ""),
        getattr(change, "version_id", ""),
        user.id if isinstance(user, UserRef) else "",
    )
    return " ".join(part for part in parts if part)


def user_of(change: Change) -> UserRef | None:
    """Return the user whom a change concerns; None if it concerns a policy or a group."""
    match change:
        case AddMember(user=ref) | RemoveMember(user=ref) | AttachToUser(user=ref) | DetachFromUser(user=ref):
            return ref
        case _:
            return None


def is_about_enrolment(change: Change) -> bool:
    """Tell whether a change concerns the enrolment policy or its group."""
    names = (getattr(change, "policy_arn", ""), getattr(change, "group", ""))
    return any(text.endswith("Enrolment") for text in names)


@dataclass(frozen=True, slots=True)
class Applied:
    """The change was made. `unconfirmed`: its response was lost, but the effect was read back.

    `made` is the id that AWS gave to a new policy or group; empty for other changes, if the response was lost, and in
    journals of earlier versions.
    """

    request_id: str
    attempts: int = 1
    unconfirmed: bool = False
    made: str = ""


@dataclass(frozen=True, slots=True)
class AlreadyInPlace:
    """The change was not necessary."""


class SkipCode(StrEnum):
    """Why a user was skipped, or a change was not made; journals and CSV files contain the value."""

    NOTICE = "notice"
    """No valid notice: none was sent, it announced a milder impact, or it is void."""
    WAITING = "waiting"
    """Notified, but the announced date or the lead time has not passed."""
    DRIFT = "drift"
    """Today's verdict differs from the plan's."""
    GONE = "gone"
    """The user, group or policy no longer exists, or its name now belongs to another."""
    EXEMPT = "exempt"
    """A valid exemption matches the user today."""
    EXCLUDED = "excluded"
    """The account is outside today's scope."""
    RELEASED = "released"
    """The user was taken out, by a release or by hand."""
    FAILED = "failed"
    """A change that the user depends on failed."""
    BUDGET = "budget"
    """The failure budget of the wave is spent."""
    GATE = "gate"
    """A gate of the user's wave does not pass."""
    NOT_MADE = "not-made"
    """A run was killed before it made this change."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Skipped on purpose: the code, and the reason in one sentence."""

    code: SkipCode
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The change could not be made: AWS's sentence, its error code and request id, the attempts, and the cure.

    `code`, `request_id` and `cure` are empty if unknown, and in journals of earlier versions.
    """

    why: str
    attempts: int = 1
    code: str = ""
    request_id: str = ""
    cure: str = ""

    @property
    def sentence(self) -> str:
        """Say what went wrong, with the cure if there is one."""
        return f"{self.why}. {self.cure}" if self.cure else self.why


Outcome = Applied | AlreadyInPlace | Skipped | Failed
