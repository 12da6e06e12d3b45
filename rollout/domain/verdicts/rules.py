"""Holds the settings that verdicts depend on, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from rollout.domain.people.addresses import AddressRule
from rollout.domain.people.exemptions import Exemption, UserMatch
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.our_resources import Documents, Names

COVERED_MAY_LEAVE_OPEN = (
    "iam:ChangePassword",
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
)
"""What a policy of others may leave open without MFA, and still count as enforcing it: the seed's list and one more."""


@dataclass(frozen=True, slots=True)
class MachineRules:
    """Tags, groups and services that suggest a machine (aws-facts.md#caveats)."""

    tags: tuple[str, ...] = ("InvokedBy=SESConsole",)
    groups: tuple[str, ...] = ("AWSSESSendingGroupDoNotRename",)
    services: tuple[str, ...] = ("ses", "codecommit", "bedrock", "cassandra")


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """What the operator has decided, and the documents that enforcement uses.

    `sign_in_proved`: the owner says that people get a console session under ForceMFA where console authorization is on.
    `networks` are the organization's own, in which people work, as CIDR blocks.
    """

    partition: str
    names: Names
    documents: Documents
    exemptions: tuple[Exemption, ...] = ()
    break_glass: tuple[UserMatch, ...] = ()
    enforce_machines: tuple[UserMatch, ...] = ()
    operators: frozenset[str] = frozenset()
    machines: MachineRules = field(default_factory=MachineRules)
    keys_in_use_days: int = 90
    covered_may_leave_open: tuple[str, ...] = COVERED_MAY_LEAVE_OPEN
    enforce_without_credentials: bool = False
    sign_in_proved: bool = False
    networks: tuple[str, ...] = ()
    lead_time: timedelta = timedelta(days=14)
    notice_for_unaffected: bool = False
    attach: Attachment = Attachment.GROUP
    find: tuple[AddressRule, ...] = ()
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    organization_id: str = ""
    management_account_id: str = ""
