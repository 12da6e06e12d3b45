"""Writes the session policies of a proof, and guards its calls: that path, those names, these operations.

Making and removing are two sessions. The first can only make what this one proof needs, and attach its policies; the
second can only find and remove what proofs have left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from rollout.awsapi.operations import OperationNotAllowed, Use, operation_named
from rollout.domain.proof.proof_users import DEEPER_PATH, PATH, PREFIX, ProofNames

FINDING = (
    "GetLoginProfile",
    "GetPolicy",
    "GetRole",
    "GetUser",
    "ListAccessKeys",
    "ListAttachedGroupPolicies",
    "ListAttachedUserPolicies",
    "ListGroups",
    "ListGroupsForUser",
    "ListMFADevices",
    "ListPolicies",
    "ListPolicyVersions",
    "ListRoles",
    "ListUsers",
    "ListVirtualMFADevices",
)
SIGN_IN = ("signin:GetConsoleAuthorizationConfiguration", "signin:GetResourcePolicy")
"""What tells whether console authorization is on."""
MAKING = (
    "AddUserToGroup",
    "CreateAccessKey",
    "CreateGroup",
    "CreateLoginProfile",
    "CreatePolicy",
    "CreatePolicyVersion",
    "CreateRole",
    "CreateUser",
    "RemoveUserFromGroup",
    "SetDefaultPolicyVersion",
)
ATTACHING = ("AttachGroupPolicy", "AttachUserPolicy", "DetachUserPolicy")
"""These may be about nothing but the policies of this proof."""
REMOVING = (
    "DeactivateMFADevice",
    "DeleteAccessKey",
    "DeleteGroup",
    "DeleteLoginProfile",
    "DeletePolicy",
    "DeletePolicyVersion",
    "DeleteRole",
    "DeleteUser",
    "DeleteVirtualMFADevice",
    "RemoveUserFromGroup",
)
DETACHING = ("DetachGroupPolicy", "DetachUserPolicy")
NEEDED_ON = {
    "*": ("GetRole", "ListGroups", "ListRoles", "ListUsers"),
    "user": (
        "AttachUserPolicy",
        "CreateAccessKey",
        "CreateLoginProfile",
        "CreateUser",
        "DeactivateMFADevice",
        "DeleteAccessKey",
        "DeleteLoginProfile",
        "DeleteUser",
        "DetachUserPolicy",
    ),
    "group": (
        "AddUserToGroup",
        "AttachGroupPolicy",
        "CreateGroup",
        "DeleteGroup",
        "DetachGroupPolicy",
        "RemoveUserFromGroup",
    ),
    "policy": (
        "CreatePolicy",
        "CreatePolicyVersion",
        "DeletePolicy",
        "DeletePolicyVersion",
        "SetDefaultPolicyVersion",
    ),
    "role": ("CreateRole", "DeleteRole"),
    "mfa": ("DeleteVirtualMFADevice",),
}
"""What a proof needs beyond reading, by the resource that it is authorised on."""
_NAMED = (
    "GroupName",
    "PermissionsBoundary",
    "PolicyArn",
    "PolicyName",
    "RoleName",
    "SerialNumber",
    "UserName",
)


@dataclass(frozen=True, slots=True)
class ProofAccountArns:
    """The ARNs of one account that belong to proofs: of this proof, or with None of any."""

    partition: str
    account_id: str
    names: ProofNames | None

    @property
    def prefix(self) -> str:
        """How the names of what it covers begin."""
        return f"{PREFIX}{self.names.id}-" if self.names else PREFIX

    def arn(self, kind: str, name: str, path: str = PATH) -> str:
        """Return the ARN of something at the path of proofs."""
        return f"arn:{self.partition}:iam::{self.account_id}:{kind}{path}{name}"

    @property
    def users(self) -> list[str]:
        """The users, at both paths."""
        return [self.arn("user", f"{self.prefix}*", path) for path in (PATH, DEEPER_PATH)]

    @property
    def policies(self) -> list[str]:
        """The policies: of one proof by their whole names."""
        names = self.names.policies if self.names else (f"{PREFIX}*",)
        return [self.arn("policy", name) for name in names]

    @property
    def groups(self) -> list[str]:
        """The group."""
        return [self.arn("group", self.names.group if self.names else f"{PREFIX}*")]

    @property
    def roles(self) -> list[str]:
        """The role."""
        return [self.arn("role", self.names.role if self.names else f"{PREFIX}*")]


def making_policy(ours: ProofAccountArns) -> str:
    """Return the policy of the session that makes what a proof needs, as JSON text."""
    everything = [*ours.users, *ours.groups, *ours.policies, *ours.roles]
    return _text(
        _allow(actions_of(MAKING), everything),
        _allow(actions_of(ATTACHING), [*ours.users, *ours.groups])
        | {"Condition": {"ArnEquals": {"iam:PolicyARN": ours.policies}}},
    )


def removing_policy(partition: str, account_id: str) -> str:
    """Return the policy of the session that finds and removes what proofs have left, as JSON text."""
    ours = ProofAccountArns(partition, account_id, None)
    devices = [ours.arn("mfa", f"{PREFIX}*")]
    everything = [*ours.users, *ours.groups, *ours.policies, *ours.roles, *devices]
    return _text(
        _allow([*actions_of(FINDING), *SIGN_IN], "*"),
        _allow(actions_of(REMOVING), everything),
        _allow(actions_of(DETACHING), [*ours.users, *ours.groups])
        | {"Condition": {"ArnLike": {"iam:PolicyARN": ours.policies}}},
    )


def actions_of(names: tuple[str, ...]) -> list[str]:
    """Return the IAM actions that these operations need."""
    return [action for name in names for action in operation_named("iam", name).actions]


def _allow(actions: list[str], resource: str | list[str]) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _text(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class ProofGuard:
    """Refuses every IAM call that is not one of a proof's, or names anything but what proofs make.

    In the caller's own account, entered with the caller's own credentials, there is no session policy; names are unique
    in an account, and what is removed was found at the path of proofs, with their tag.
    """

    operations: frozenset[str]
    prefix: str

    def __call__(self, operation: str, params: Mapping[str, object]) -> None:
        """Raise OperationNotAllowed unless a proof may make this call."""
        if operation not in self.operations:
            raise OperationNotAllowed(f"iam:{operation} is none of the calls of a proof")
        if operation_named("iam", operation).use in {Use.READ, Use.FIND, Use.PROBE}:
            return
        for key in _NAMED:
            name = params.get(key)
            if name is not None and not str(name).rpartition("/")[2].startswith(self.prefix):
                raise OperationNotAllowed(f"iam:{operation} on {key} {name}, which no proof has made")
            if name is not None and str(name).startswith("arn:") and PATH not in str(name):
                raise OperationNotAllowed(f"iam:{operation} on {name}, which is not at {PATH}")


MAKING_CALLS = frozenset((*MAKING, *ATTACHING))
REMOVING_CALLS = frozenset((*FINDING, *REMOVING, *DETACHING))
