"""MFA devices of every kind; moto only supports virtual ones, without any limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.access.one_time_codes import take_two_codes
from rollout.sandbox.answers.base import IamAnswer

if TYPE_CHECKING:
    from moto.iam.models import User, VirtualMfaDevice

_MOST_DEVICES = 8


class DeviceAnswers(IamAnswer):
    """Virtual devices, passkeys (`u2f`) and hardware tokens."""

    def list_mfa_devices(self) -> ActionResult:
        """List a user's devices; only the serial number shows their kind."""
        user = self.named_user()
        shown, paging = self.page(list(user.mfa_devices.values()))
        devices = [
            {"UserName": user.name, "SerialNumber": device.serial_number, "EnableDate": device.enable_date}
            for device in shown
        ]
        return ActionResult({"MFADevices": devices, **paging})

    def list_virtual_mfa_devices(self) -> ActionResult:
        """List the account's virtual devices, assigned or not, including the root user's."""
        status = self._get_param("AssignmentStatus") or "Any"
        devices = [
            device
            for device in self.backend.virtual_mfa_devices.values()
            if status == "Any" or (device.enable_date is not None) == (status == "Assigned")
        ]
        shown, paging = self.page(devices)
        return ActionResult({"VirtualMFADevices": [self._virtual(device) for device in shown], **paging})

    def get_mfa_device(self) -> ActionResult:
        """Describe a passkey; other kinds of device are not supported."""
        serial = self._get_param("SerialNumber")
        owner = self.named_user() if self._get_param("UserName") else self._owner(serial)
        device = owner.mfa_devices.get(serial) if owner and ":u2f/" in serial else None
        if owner is None or device is None:
            raise AwsError("NoSuchEntity", f"MFA Device with serial number {serial} does not exist.")
        return ActionResult(
            {
                "UserName": owner.name,
                "SerialNumber": serial,
                "EnableDate": device.enable_date,
                "Certifications": {"FIDO": "L1"},
            }
        )

    def create_virtual_mfa_device(self) -> ActionResult:
        """Create a device, and return its seed: never again after that. There is no picture of it."""
        device = self.backend.create_virtual_mfa_device(
            self._get_param("VirtualMFADeviceName"), self._get_param("Path") or "/"
        )
        device.base32_string_seed = self.world.device_seed(device.serial_number)
        seed = device.base32_string_seed.encode()
        return ActionResult(
            {"VirtualMFADevice": {"SerialNumber": device.serial_number, "Base32StringSeed": seed}}
        )

    def enable_mfa_device(self) -> ActionResult:
        """Assign an existing, unassigned device, given two consecutive codes."""
        user, serial = self.named_user(), self._get_param("SerialNumber")
        self._need_mfa_beside_a_device(user)
        device = self.backend.virtual_mfa_devices.get(serial)
        if device is None:
            raise AwsError("NoSuchEntity", f"MFA Device with serial number {serial} does not exist.")
        if device.enable_date is not None:
            raise AwsError("EntityAlreadyExists", "MFA Device is already in use.")
        if len(user.mfa_devices) >= _MOST_DEVICES:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for MfaDevicesPerUser: {_MOST_DEVICES}")
        codes = self._fresh_codes(serial)
        self.backend.enable_mfa_device(user.name, serial, *codes)
        return EmptyResult()

    def resync_mfa_device(self) -> ActionResult:
        """Accept two consecutive codes for one of the user's devices."""
        user, serial = self.named_user(), self._get_param("SerialNumber")
        if serial not in user.mfa_devices:
            raise AwsError("NoSuchEntity", f"MFA Device with serial number {serial} does not exist.")
        self._fresh_codes(serial)
        return EmptyResult()

    def deactivate_mfa_device(self) -> ActionResult:
        """Take a device from its user."""
        user, serial = self.named_user(), self._get_param("SerialNumber")
        self._need_mfa_beside_a_device(user)
        if serial not in user.mfa_devices:
            raise AwsError("NoSuchEntity", f"MFA Device with serial number {serial} does not exist.")
        self.backend.deactivate_mfa_device(user.name, serial)
        return EmptyResult()

    def delete_virtual_mfa_device(self) -> ActionResult:
        """Delete a virtual device that is not assigned."""
        device = self.backend.virtual_mfa_devices.get(self._get_param("SerialNumber"))
        if device is not None and device.enable_date is not None:
            raise AwsError("DeleteConflict", "Cannot delete entity, must deactivate the device first.")
        self.facts.used_codes = {
            used for used in self.facts.used_codes if device is None or used[0] != device.serial_number
        }
        return super().delete_virtual_mfa_device()

    def _need_mfa_beside_a_device(self, user: User) -> None:
        """Let nobody manage their own devices without MFA who has one already (security bulletin AWS-2023-001)."""
        session = self.caller.session
        if user is self.caller.user and user.mfa_devices and not (session and session.mfa):
            message = f"User: {user.arn} has an MFA device already, and can only manage devices in a session with MFA"
            raise AwsError("AccessDenied", message)

    def _fresh_codes(self, serial: str) -> tuple[str, str]:
        codes = (self._get_param("AuthenticationCode1"), self._get_param("AuthenticationCode2"))
        if not take_two_codes(self.world, self.caller.account, serial, codes):
            raise AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.")
        return codes

    def _owner(self, serial: str) -> Any:
        return next((user for user in self.backend.users.values() if serial in user.mfa_devices), None)

    def _virtual(self, device: VirtualMfaDevice) -> dict[str, Any]:
        shown: dict[str, Any] = {"SerialNumber": device.serial_number, "EnableDate": device.enable_date}
        if device.user is not None:
            password = self.facts.passwords.get(device.user.id)
            shown["User"] = {
                "Path": device.user.path,
                "UserName": device.user.name,
                "UserId": device.user.id,
                "Arn": device.user.arn,
                "CreateDate": device.user.create_date,
                "PasswordLastUsed": password.used if password else None,
            }
        elif device.enable_date is not None:
            account = self.caller.account
            shown["User"] = {
                "UserId": account,
                "Arn": f"arn:aws:iam::{account}:root",
                "CreateDate": self.facts.created,
                "PasswordLastUsed": self.facts.root.password_used,
            }
        return shown
