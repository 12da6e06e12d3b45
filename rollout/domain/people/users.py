"""An IAM user as seen: credentials, devices, rights and tags, each fact with the time it was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class DeviceKind(StrEnum):
    """What an MFA device is, told by its serial number alone (aws-facts.md#inventory-calls)."""

    TOTP = "totp"
    PASSKEY = "passkey"
    HARDWARE = "hardware"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class MfaDevice:
    """One enabled device: `SerialNumber` and `EnableDate` of `ListMFADevices`."""

    serial: str
    enabled_at: datetime | None = None

    @property
    def kind(self) -> DeviceKind:
        """Virtual and hardware tokens give codes, passkeys do not, SMS is a relic."""
        if not self.serial.startswith("arn:"):
            return DeviceKind.HARDWARE
        resource = self.serial.split(":", 5)[-1]
        if resource.startswith("u2f/"):
            return DeviceKind.PASSKEY
        return DeviceKind.SMS if resource.startswith("sms-mfa/") else DeviceKind.TOTP


@dataclass(frozen=True, slots=True)
class Password:
    """A console password. `reset_required` is None where `GetLoginProfile` was not asked."""

    last_used: datetime | None = None
    last_changed: datetime | None = None
    next_rotation: datetime | None = None
    reset_required: bool | None = None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key. The credential report numbers keys and does not name them: `id` may be None."""

    slot: int
    active: bool
    created: datetime | None
    last_used: datetime | None = None
    service: str | None = None
    region: str | None = None
    id: str | None = None

    def in_use(self, now: datetime, days: int) -> bool:
        """Count from creation, and for `days` after the last use (design.md#verdicts)."""
        if not self.active:
            return False
        latest = max((moment for moment in (self.created, self.last_used) if moment), default=None)
        return latest is None or now - latest <= timedelta(days=days)

    @property
    def label(self) -> str:
        """Name the key without giving its id away: `key 1`, or `key AKIA…3F`."""
        return f"key {self.id[:4]}…{self.id[-2:]}" if self.id else f"key {self.slot}"


@dataclass(frozen=True, slots=True)
class ServiceCredential:
    """A service-specific credential: CodeCommit, Keyspaces, Bedrock, CloudWatch Logs (aws-facts.md#caveats)."""

    service: str
    active: bool


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy document with the name people know it by; raw as AWS gave it (dict, or undecoded text)."""

    name: str
    document: Mapping[str, object] | str
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A fact that is needed and could not be read; "no data" is never "fine" (design.md#verdicts)."""

    fact: str
    why: str


@dataclass(frozen=True, slots=True)
class UserRef:
    """Whom a change is about. `id` (AIDA…) decides; the name may be given to somebody else.

    See aws-facts.md#names-paths-arns-tags.
    """

    account_id: str
    name: str
    id: str
    arn: str


@dataclass(frozen=True, slots=True)
class User:
    """One IAM user with everything that a verdict can turn on.

    `devices` is None where only `mfa_active` is known (the report does not tell kinds).
    `facts_at` is when credentials were true (the report's `GeneratedTime`, or the live read), `rights_at` when
    groups, policies and tags were.
    """

    account_id: str
    name: str
    path: str
    id: str
    arn: str
    created: datetime | None
    rights_at: datetime
    facts_at: datetime
    password: Password | None = None
    mfa_active: bool = False
    devices: tuple[MfaDevice, ...] | None = None
    keys: tuple[AccessKey, ...] = ()
    certificates: int = 0
    service_credentials: tuple[ServiceCredential, ...] = ()
    groups: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    inline: tuple[NamedPolicy, ...] = ()
    boundary_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()

    @property
    def ref(self) -> UserRef:
        """The user as changes and the journal name them."""
        return UserRef(self.account_id, self.name, self.id, self.arn)

    @property
    def has_device(self) -> bool:
        """Whether an MFA device is on. Devices that were listed are believed before the report's flag."""
        return self.mfa_active if self.devices is None else bool(self.devices)

    @property
    def active_keys(self) -> tuple[AccessKey, ...]:
        """Keys that can sign a request today."""
        return tuple(key for key in self.keys if key.active)

    @property
    def device_kinds(self) -> tuple[DeviceKind, ...]:
        """The kinds of device this user has, sorted; empty where none, or where kinds are not known."""
        return tuple(sorted({device.kind for device in self.devices or ()}))

    @property
    def key_last_used(self) -> datetime | None:
        """The latest use of any active key."""
        return max((key.last_used for key in self.active_keys if key.last_used), default=None)

    @property
    def active_services(self) -> tuple[str, ...]:
        """The services that a credential of their own lets this user into, past any MFA."""
        return tuple(line.service for line in self.service_credentials if line.active)


class Named(Protocol):
    """What names a user: enough for whoever looks for one by ARN, id or tag."""

    @property
    def arn(self) -> str:
        """The ARN."""

    @property
    def id(self) -> str:
        """The UserId."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The user's tags."""


def tag(user: Named, key: str) -> str | None:
    """A user's tag by key; IAM user tag keys are case-insensitive (aws-facts.md#names-paths-arns-tags)."""
    wanted = key.casefold()
    return next((value for name, value in user.tags.items() if name.casefold() == wanted), None)
