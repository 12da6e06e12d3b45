"""One frozen class per AWS write that this tool can make, and what came of it. One change is one write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.people.users import UserRef


@dataclass(frozen=True, slots=True)
class CreatePolicy:
    """`CreatePolicy`: the managed policy comes to be, with `document` as its first version.

    For `ForceMFA` that is the Allow half, the brake, which is never pruned (design.md#policy-documents).
    """

    account_id: str
    policy_arn: str
    name: str
    path: str
    document: Mapping[str, object]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CreateVersion:
    """`CreatePolicyVersion` with `SetAsDefault`: what everybody attached is under changes at once.

    `attached` names everybody whom the new default reaches, for the journal and the guard (design.md#policy-documents).
    """

    account_id: str
    policy_arn: str
    document: Mapping[str, object]
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetDefaultVersion:
    """`SetDefaultPolicyVersion`: how the brake is pulled, and let go."""

    account_id: str
    policy_arn: str
    version_id: str
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """`DeletePolicyVersion` of a version of ours that is not the default and not the brake."""

    account_id: str
    policy_arn: str
    version_id: str


@dataclass(frozen=True, slots=True)
class DeletePolicy:
    """`DeletePolicy`: only ours, only when nothing hangs on it."""

    account_id: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """`CreateGroup`: the group at `/rollout/` comes to be."""

    account_id: str
    group: str
    path: str


@dataclass(frozen=True, slots=True)
class DeleteGroup:
    """`DeleteGroup`: only ours, only when empty."""

    account_id: str
    group: str


@dataclass(frozen=True, slots=True)
class AttachToGroup:
    """`AttachGroupPolicy`: the policy hangs on the group."""

    account_id: str
    group: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class DetachFromGroup:
    """`DetachGroupPolicy`: the policy no longer hangs on the group."""

    account_id: str
    group: str
    policy_arn: str


@dataclass(frozen=True, slots=True)
class AddMember:
    """`AddUserToGroup`: a user belongs to the group."""

    account_id: str
    group: str
    user: UserRef


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """`RemoveUserFromGroup`: a user no longer belongs to the group."""

    account_id: str
    group: str
    user: UserRef


@dataclass(frozen=True, slots=True)
class AttachToUser:
    """`AttachUserPolicy`: the policy hangs on the user (`attach: user`, ten groups, or the enrolment policy)."""

    account_id: str
    user: UserRef
    policy_arn: str


@dataclass(frozen=True, slots=True)
class DetachFromUser:
    """`DetachUserPolicy`: the policy no longer hangs on the user."""

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
    """Name the effect of a change, so that two attempts at the same one are seen to be the same."""
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
    """Name the user whom a change is about; None where it is about a policy or a group."""
    match change:
        case AddMember(user=ref) | RemoveMember(user=ref) | AttachToUser(user=ref) | DetachFromUser(user=ref):
            return ref
        case _:
            return None


def is_about_enrolment(change: Change) -> bool:
    """Tell whether a change is about the policy or the group that only lets people enrol."""
    names = (getattr(change, "policy_arn", ""), getattr(change, "group", ""))
    return any(text.endswith("Enrolment") for text in names)


@dataclass(frozen=True, slots=True)
class Applied:
    """The change was made. `unconfirmed`: its answer was lost, and the effect was found on re-reading."""

    request_id: str
    attempts: int = 1
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class AlreadyInPlace:
    """Nothing had to be done."""


class SkipCode(StrEnum):
    """Why a user was left alone, or a change was not made; journals and CSV files spell it by its value."""

    NOTICE = "notice"
    """No notice that counts: not told, told of something milder, or the notice is void."""
    WAITING = "waiting"
    """Told, and the date told or the lead time has not passed."""
    DRIFT = "drift"
    """The verdict of today is not the plan's."""
    GONE = "gone"
    """The user, group or policy does not exist any more, or its name belongs to somebody else."""
    EXEMPT = "exempt"
    """A live exemption matches the user today."""
    EXCLUDED = "excluded"
    """The account is outside today's scope."""
    RELEASED = "released"
    """A release, or somebody's hand, has let the user out."""
    FAILED = "failed"
    """Something that the user needs could not be done."""
    BUDGET = "budget"
    """The failure budget of the wave is spent."""
    NOT_MADE = "not-made"
    """A run died before it wrote this."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Left alone on purpose: the code, and what is behind it in one sentence."""

    code: SkipCode
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The change could not be made: AWS's sentence, its error code and request id, the attempts, and the cure.

    `code`, `request_id` and `cure` are empty where nothing is known, and in journals of earlier versions.
    """

    why: str
    attempts: int = 1
    code: str = ""
    request_id: str = ""
    cure: str = ""

    @property
    def sentence(self) -> str:
        """Say what went wrong, and its cure where there is one."""
        return f"{self.why}. {self.cure}" if self.cure else self.why


Outcome = Applied | AlreadyInPlace | Skipped | Failed
