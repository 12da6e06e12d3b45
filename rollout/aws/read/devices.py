"""Reads MFA devices: the virtual ones of an account at once, or all of one user's (aws-facts.md#inventory-calls)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.awsapi.calls import Calls
from rollout.domain.people.users import MfaDevice

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import VirtualMFADeviceTypeDef


@dataclass(frozen=True, slots=True)
class VirtualDevices:
    """The virtual devices of an account: by the ARN of their user, and those that nobody finished enrolling.

    Blind to passkeys and hardware tokens, and so no proof that a user has no device.
    """

    of_user: Mapping[str, tuple[MfaDevice, ...]] = field(default_factory=dict)
    unassigned: tuple[str, ...] = ()


def read_virtual_devices(calls: Calls, client: IAMClient) -> VirtualDevices:
    """Ask `ListVirtualMFADevices` once for the assigned and the unassigned. Raises CallFailed."""
    of_user: dict[str, tuple[MfaDevice, ...]] = {}
    unassigned = []
    for page in calls.pages(client.list_virtual_mfa_devices, "Marker", AssignmentStatus="Any", MaxItems=1000):
        for found in page["VirtualMFADevices"]:
            owner = found.get("User", {}).get("Arn", "")
            if owner:
                device = MfaDevice(found["SerialNumber"], found.get("EnableDate"))
                of_user[owner] = (*of_user.get(owner, ()), device)
            elif not _is_enabled(found):
                unassigned.append(found["SerialNumber"])
    return VirtualDevices(of_user, tuple(sorted(unassigned)))


def devices_of(calls: Calls, client: IAMClient, user_name: str) -> tuple[MfaDevice, ...]:
    """Ask `ListMFADevices` for one user, always by name (aws-facts.md#inventory-calls). Raises CallFailed."""
    pages = calls.pages(client.list_mfa_devices, "Marker", UserName=user_name)
    devices = [
        MfaDevice(found["SerialNumber"], found.get("EnableDate"))
        for page in pages
        for found in page["MFADevices"]
    ]
    return tuple(sorted(devices, key=lambda device: device.serial))


def _is_enabled(found: VirtualMFADeviceTypeDef) -> bool:
    # An enabled device without a user is the root user's.
    return found.get("EnableDate") is not None
