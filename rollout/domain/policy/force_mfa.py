"""Builds the ForceMFA documents from the seed policy, its amendments and the partition (design.md#policy-documents)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any

OWN_USER = "user/${aws:username}"
OWN_PATHED_USER = "user/*/${aws:username}"

Json = dict[str, Any]


LEFT_OPEN_BY_SWITCHES = ("iam:ChangePassword", "iam:GetAccountPasswordPolicy", "iam:GetMFADevice")
"""What the switches let through without MFA: an earlier document of ours may have had any of them on."""


@dataclass(frozen=True, slots=True)
class PolicyAmendments:
    """The optional changes to the seed policy; `SEED` has none except `partition`, which is always on."""

    pathed_users: bool = True
    get_mfa_device: bool = True
    first_password_change: bool = False
    via_aws_service: bool = False


SEED = PolicyAmendments(pathed_users=False, get_mfa_device=False)


@dataclass(frozen=True, slots=True)
class Switch:
    """The purpose and the risk of an amendment, in one line each."""

    name: str
    purpose: str
    risk: str


SWITCHES = (
    Switch(
        "partition",
        "use the ARNs of the account's partition (always on)",
        "none: without it, arn:aws: matches nothing in GovCloud, China or the European Sovereign Cloud",
    ),
    Switch(
        "pathed_users",
        "let users with a path (user/team/alice) enrol and manage their own credentials",
        "none known: the pattern still ends in the caller's own name",
    ),
    Switch(
        "get_mfa_device",
        "let the console show a passkey's details before MFA, as AWS's current sample policy does",
        "somebody who has only the password can see when a passkey was added",
    ),
    Switch(
        "first_password_change",
        "let users change a password that must be changed at first sign-in, without MFA",
        "AWS advises against it: somebody with a stolen password can change it and lock its owner out",
    ),
    Switch(
        "via_aws_service",
        "do not deny calls that an AWS service makes on the user's behalf",
        "a session without MFA can still do what services do on its behalf",
    ),
)


def force_mfa(seed: Mapping[str, Any], partition: str, amendments: PolicyAmendments) -> Json:
    """Return the full document: a copy of the seed with the amendments."""
    document = _in_partition(seed, partition)
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            _amend_allow(statement, amendments)
        else:
            _amend_deny(statement, amendments)
    return document


def allow_half(document: Mapping[str, Any]) -> Json:
    """Return only the Allow statements: users keep self-service and nothing is denied. Releases switch to this."""
    half = deepcopy(dict(document))
    half["Statement"] = [statement for statement in half["Statement"] if statement["Effect"] == "Allow"]
    return half


def enrolment(partition: str) -> Json:
    """Return the policy that only allows enrolling a device; `notify` attaches it to users who need it."""
    own = [f"arn:{partition}:iam::*:{OWN_USER}", f"arn:{partition}:iam::*:{OWN_PATHED_USER}"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AllowSeeingDevicesAndPasswordRules",
                "Effect": "Allow",
                "Action": ["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"],
                "Resource": "*",
            },
            {
                "Sid": "AllowCreatingAVirtualDevice",
                "Effect": "Allow",
                "Action": ["iam:CreateVirtualMFADevice"],
                "Resource": f"arn:{partition}:iam::*:mfa/*",
            },
            {
                "Sid": "AllowEnrollingOneself",
                "Effect": "Allow",
                "Action": [
                    "iam:ChangePassword",
                    "iam:EnableMFADevice",
                    "iam:GetUser",
                    "iam:ListMFADevices",
                    "iam:ResyncMFADevice",
                ],
                "Resource": own,
            },
        ],
    }


def switched_on(amendments: PolicyAmendments) -> tuple[Switch, ...]:
    """List the switches that are on, including `partition`."""
    on = {field.name for field in fields(amendments) if getattr(amendments, field.name)} | {"partition"}
    return tuple(switch for switch in SWITCHES if switch.name in on)


def _in_partition(seed: Mapping[str, Any], partition: str) -> Json:
    document = deepcopy(dict(seed))
    for statement in document["Statement"]:
        resource = statement["Resource"]
        if isinstance(resource, str):
            statement["Resource"] = _move(resource, partition)
        else:
            statement["Resource"] = [_move(arn, partition) for arn in resource]
    return document


def _move(arn: str, partition: str) -> str:
    return f"arn:{partition}:{arn.removeprefix('arn:aws:')}" if arn.startswith("arn:aws:") else arn


def _amend_allow(statement: Json, amendments: PolicyAmendments) -> None:
    resource = statement["Resource"]
    if amendments.pathed_users and isinstance(resource, str) and resource.endswith(f":{OWN_USER}"):
        statement["Resource"] = [resource, resource.removesuffix(OWN_USER) + OWN_PATHED_USER]
    if amendments.get_mfa_device and "iam:ListMFADevices" in statement["Action"]:
        statement["Action"] = _with(statement["Action"], ["iam:GetMFADevice"])


def _amend_deny(statement: Json, amendments: PolicyAmendments) -> None:
    if amendments.get_mfa_device:
        statement["NotAction"] = _with(statement["NotAction"], ["iam:GetMFADevice"])
    if amendments.first_password_change:
        extra = ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"]
        statement["NotAction"] = _with(statement["NotAction"], extra)
    if amendments.via_aws_service:
        statement["Condition"]["BoolIfExists"]["aws:ViaAWSService"] = "false"


def _with(actions: Iterable[str], more: Iterable[str]) -> list[str]:
    return sorted({*actions, *more})
