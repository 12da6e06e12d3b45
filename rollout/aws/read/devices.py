"""Reads MFA devices: all virtual devices of an account, or every device of one user (aws-facts.md#inventory-calls)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rollout.awsapi.calls import Calls
from rollout.domain.people.users import MfaDevice

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import VirtualMFADeviceTypeDef


@dataclass(frozen=True, slots=True)
class VirtualDevices:
    """The virtual devices of an account: assigned ones by user ARN, and those whose enrolment was never finished.

    Passkeys and hardware tokens are not included, so a user without an entry may still have a device.
    """

    of_user: Mapping[str, tuple[MfaDevice, ...]] = field(default_factory=dict)
    unassigned: tuple[str, ...] = ()
    calls: int = 1


def read_virtual_devices(
    calls: Calls, client: IAMClient, status: Literal["Assigned", "Any"] = "Any"
) -> VirtualDevices:
    """Call `ListVirtualMFADevices` once for each thousand of them, and count these calls. Raises CallFailed."""
    of_user: dict[str, tuple[MfaDevice, ...]] = {}
    unassigned, pages = [], 0
    for page in calls.pages(
        client.list_virtual_mfa_devices, "Marker", AssignmentStatus=status, MaxItems=1000
    ):
        pages += 1
        for found in page["VirtualMFADevices"]:
            owner = found.get("User", {}).get("Arn", "")
            if owner:
                device = MfaDevice(found["SerialNumber"], found.get("EnableDate"))
                of_user[owner] = (*of_user.get(owner, ()), device)
            elif not _is_enabled(found):
                unassigned.append(found["SerialNumber"])
    return VirtualDevices(of_user, tuple(sorted(unassigned)), pages)


def devices_of(calls: Calls, client: IAMClient, user_name: str) -> tuple[MfaDevice, ...]:
    """Call `ListMFADevices` for one user, always by name (aws-facts.md#inventory-calls). Raises CallFailed."""
    pages = calls.pages(client.list_mfa_devices, "Marker", UserName=user_name)
    devices = [
        MfaDevice(found["SerialNumber"], found.get("EnableDate"))
        for page in pages
        for found in page["MFADevices"]
    ]
    return tuple(sorted(devices, key=lambda device: device.serial))


def _is_enabled(found: VirtualMFADeviceTypeDef) -> bool:
    # An enabled device without a user belongs to the root user.
    return found.get("EnableDate") is not None
