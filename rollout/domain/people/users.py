"""Represents an IAM user: credentials, devices, permissions and tags, with the time at which they were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from rollout.domain.people.key_activity import KeyActivity

FRESH_FOR = timedelta(seconds=10)
"""How old a live answer about a user may be, by AWS's clock, when it is acted on."""


class Credential(StrEnum):
    """What can be asked of one user alone."""

    PASSWORD = "password"  # noqa: S105 - what is asked for, not one
    DEVICES = "devices"
    KEYS = "access keys"


class DeviceKind(StrEnum):
    """The kind of an MFA device, derived from its serial number (aws-facts.md#inventory-calls)."""

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
        """The kind: virtual and hardware tokens produce codes, passkeys do not, and SMS is obsolete."""
        if not self.serial.startswith("arn:"):
            return DeviceKind.HARDWARE
        resource = self.serial.split(":", 5)[-1]
        if resource.startswith("u2f/"):
            return DeviceKind.PASSKEY
        return DeviceKind.SMS if resource.startswith("sms-mfa/") else DeviceKind.TOTP


@dataclass(frozen=True, slots=True)
class Password:
    """A console password. `reset_required` is None when `GetLoginProfile` was not called."""

    last_used: datetime | None = None
    last_changed: datetime | None = None
    next_rotation: datetime | None = None
    reset_required: bool | None = None


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key. `id` is None when it comes from the credential report, which only numbers the keys."""

    slot: int
    active: bool
    created: datetime | None
    last_used: datetime | None = None
    service: str | None = None
    region: str | None = None
    id: str | None = None

    def in_use(self, now: datetime, days: int) -> bool:
        """Tell whether the key counts as in use: for `days` after its creation or last use (design.md#verdicts)."""
        if not self.active:
            return False
        latest = max((moment for moment in (self.created, self.last_used) if moment), default=None)
        return latest is None or now - latest <= timedelta(days=days)

    @property
    def label(self) -> str:
        """A label that does not reveal the key ID: `key 1`, or `key AKIA…3F`."""
        return label_of(self.id) if self.id else f"key {self.slot}"


def label_of(key_id: str) -> str:
    """Return a label of an access key that does not reveal its ID."""
    return f"key {key_id[:4]}…{key_id[-2:]}"


@dataclass(frozen=True, slots=True)
class ServiceCredential:
    """A service-specific credential: CodeCommit, Keyspaces, Bedrock, CloudWatch Logs (aws-facts.md#caveats)."""

    service: str
    active: bool


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy document as AWS returned it (a dict, or undecoded text), with its name for messages."""

    name: str
    document: Mapping[str, object] | str
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A needed fact that could not be read; missing data never counts as fine (design.md#verdicts)."""

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
    """One IAM user with everything that a verdict can depend on.

    `devices` is None when only `mfa_active` is known, since the credential report does not list devices. `facts_at` is
    the time of the credentials (the report's `GeneratedTime`, or the live read), `rights_at` that of the groups,
    policies and tags. `certificates` and `ssh_keys` count the active X.509 signing certificates and the active SSH
    public keys for CodeCommit, None where they were not asked for (aws-facts.md#doors-and-credentials-found-later).
    `activity` has one value for each access key whose calls were looked at.
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
    ssh_keys: int | None = None
    service_credentials: tuple[ServiceCredential, ...] = ()
    groups: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    inline: tuple[NamedPolicy, ...] = ()
    boundary_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    activity: tuple[KeyActivity, ...] = ()

    @property
    def ref(self) -> UserRef:
        """The user as changes and the journal name them."""
        return UserRef(self.account_id, self.name, self.id, self.arn)

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether what is known of the user may still be acted on."""
        return now - min(self.facts_at, self.rights_at) <= FRESH_FOR

    @property
    def has_device(self) -> bool:
        """Whether the user has an MFA device; the list of devices takes precedence over the report's flag.

        A phone that got codes by SMS is none: AWS no longer asks for such codes (aws-facts.md#inventory-calls).
        """
        if self.devices is None:
            return self.mfa_active
        return any(device.kind is not DeviceKind.SMS for device in self.devices)

    @property
    def active_keys(self) -> tuple[AccessKey, ...]:
        """The keys that can sign requests."""
        return tuple(key for key in self.keys if key.active)

    @property
    def device_kinds(self) -> tuple[DeviceKind, ...]:
        """The kinds of the user's devices, sorted; empty without devices, or when the kinds are unknown."""
        return tuple(sorted({device.kind for device in self.devices or ()}))

    @property
    def key_last_used(self) -> datetime | None:
        """The time of the latest use of any active key; None if there is none."""
        return max((key.last_used for key in self.active_keys if key.last_used), default=None)

    @property
    def active_services(self) -> tuple[str, ...]:
        """The services for which the user has an active service-specific credential, which bypasses MFA."""
        return tuple(line.service for line in self.service_credentials if line.active)

    @property
    def without_mfa_flag(self) -> tuple[str, ...]:
        """What the user's active credentials are for whose requests never carry MFA, so that ForceMFA denies them."""
        ssh = ("CodeCommit over SSH",) if self.ssh_keys else ()
        signing = ("a signing certificate",) if self.certificates else ()
        return (*self.active_services, *ssh, *signing)

    @property
    def has_credentials(self) -> bool:
        """Whether the user can sign in or sign a request in any way."""
        return self.password is not None or bool(self.active_keys or self.without_mfa_flag)


class Named(Protocol):
    """The properties by which a user can be matched: ARN, UserId and tags."""

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
    """Return the value of a user's tag; its key is case-insensitive (aws-facts.md#names-paths-arns-tags)."""
    wanted = key.casefold()
    return next((value for name, value in user.tags.items() if name.casefold() == wanted), None)
