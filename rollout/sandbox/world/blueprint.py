"""Reads the description of the sandbox's organization, which one readable file contains."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from rollout.sandbox.world.dates import Moment
from rollout.sandbox.world.described_calls import DescribedCalls

DESCRIPTION = Path(__file__).with_name("organization.yaml")

Document = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DescribedPassword(_Part):
    """A console password: when it was created, last changed and last used."""

    created: Moment
    changed: Moment
    used: Moment | None = None
    reset_required: bool = False

    @model_validator(mode="before")
    @classmethod
    def _unchanged_since_its_creation(cls, value: Any) -> Any:
        if isinstance(value, dict) and "changed" not in value:
            return {**value, "changed": value.get("created")}
        return value


class DescribedKey(_Part):
    """An access key and its last use, in the terms of the credential report, and the calls that CloudTrail shows."""

    created: Moment
    used: Moment | None = None
    service: str = "s3"
    region: str = "N/A"
    status: Literal["Active", "Inactive", "Expired"] = "Active"
    calls: tuple[DescribedCalls, ...] = ()


class DescribedDevice(_Part):
    """An enabled MFA device."""

    kind: Literal["totp", "passkey", "hardware", "sms"]
    enabled: Moment
    name: str | None = None


class DescribedServiceCredential(_Part):
    """A password or API key for one service, such as CodeCommit's Git credentials."""

    service: str
    created: Moment
    expires: Moment | None = None
    status: Literal["Active", "Inactive", "Expired"] = "Active"


class DescribedUser(_Part):
    """An IAM user with all its credentials, policies and tags."""

    name: str = Field(pattern=r"^[\w+=,.@-]{1,64}$")
    path: str = "/"
    created: Moment
    email: str | None = None
    tags: dict[str, str] = {}
    password: DescribedPassword | None = None
    keys: tuple[DescribedKey, ...] = Field(default=(), max_length=2)
    devices: tuple[DescribedDevice, ...] = Field(default=(), max_length=8)
    groups: tuple[str, ...] = Field(default=(), max_length=10)
    policies: tuple[str, ...] = Field(default=(), max_length=10)
    inline: dict[str, Document] = {}
    boundary: str | None = None
    service_credentials: tuple[DescribedServiceCredential, ...] = ()


class DescribedGroup(_Part):
    """An IAM group; its members are listed with the users."""

    name: str
    path: str = "/"
    policies: tuple[str, ...] = ()
    inline: dict[str, Document] = {}


class DescribedRole(_Part):
    """A role and who may assume it: `management`, or an ARN, optionally with an external ID."""

    name: str
    trusts: str = "management"
    external_id: str | None = None
    policies: tuple[str, ...] = ("AdministratorAccess",)
    max_session: int = 3600


class DescribedPasswordPolicy(_Part):
    """The account's password policy."""

    minimum_length: int = 14
    max_age_days: int = 0
    hard_expiry: bool = False
    users_may_change: bool = True


class DescribedRoot(_Part):
    """The account's root user, which has no credentials in member accounts that Organizations created."""

    password_used: Moment | None = None
    mfa: Literal["none", "totp"] = "none"
    has_password: bool = False


class DescribedPolicy(_Part):
    """A managed policy that accounts refer to by name."""

    document: Document
    description: str = ""
    path: str = "/"
    tags: dict[str, str] = {}


class DescribedAccount(_Part):
    """One account of the organization."""

    id: str = Field(pattern=r"^\d{12}$")
    name: str
    email: str
    ou: str = ""
    joined: Moment
    invited: bool = False
    state: Literal["ACTIVE", "PENDING_CLOSURE", "SUSPENDED", "CLOSED"] = "ACTIVE"
    tags: dict[str, str] = {}
    root: DescribedRoot = DescribedRoot()
    roles: tuple[DescribedRole, ...] = ()
    password_policy: DescribedPasswordPolicy | None = None
    console_authorization: bool = False
    sign_in_policy: tuple[Document, ...] = ()
    policies: tuple[str, ...] = ()
    groups: tuple[DescribedGroup, ...] = ()
    users: tuple[DescribedUser, ...] = ()
    unassigned_devices: tuple[str, ...] = ()


class ControlPolicy(_Part):
    """A service control policy, and the OU paths or account IDs that it is attached to."""

    name: str
    description: str
    attached_to: tuple[str, ...]
    document: Document


class Delegation(_Part):
    """An account that administers a service for the whole organization."""

    account: str
    service: str


class Blueprint(_Part):
    """The whole organization, as it is when the sandbox starts."""

    operator: str
    management: DescribedAccount
    members: tuple[DescribedAccount, ...]
    organizational_units: tuple[str, ...] = ()
    service_control_policies: tuple[ControlPolicy, ...] = ()
    delegated_administrators: tuple[Delegation, ...] = ()
    aws_managed_policies: dict[str, DescribedPolicy]
    customer_managed_policies: dict[str, DescribedPolicy]

    @property
    def accounts(self) -> tuple[DescribedAccount, ...]:
        """All accounts, the management account first."""
        return (self.management, *self.members)


def read_blueprint(now: datetime, path: Path | None = None) -> Blueprint:
    """Read the description at `path` (default: the packaged one), with its dates relative to `now`."""
    with (path or DESCRIPTION).open(encoding="utf-8") as file:
        raw: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    kinds = raw.pop("kinds", {})
    for account in (raw["management"], *raw["members"]):
        account.setdefault("email", f"aws+{account['id']}@example.com")
        account["users"] = [
            DescribedUser.model_validate(
                _plain(user), context={"now": now - _jitter(account["id"], user["name"])}
            )
            for entry in account.get("users", [])
            for user in _people(entry, kinds)
        ]
    return Blueprint.model_validate(raw, context={"now": now})


def _people(entry: dict[str, Any], kinds: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Expand an entry into one user per name, each with the facts of its kind and its own."""
    own = {key: value for key, value in entry.items() if key not in ("kind", "names")}
    base = {**kinds[entry["kind"]], **own} if "kind" in entry else own
    return [{**base, "name": name} for name in entry.get("names", [entry.get("name")])]


def _plain(user: dict[str, Any]) -> dict[str, Any]:
    """Replace the address `auto` with a tag: most people have a tag with their address."""
    if user.get("email") != "auto":
        return user
    local = re.sub(r"[^a-z0-9.]+", ".", user["name"].lower()).strip(".")
    return {**user, "email": f"{local}@example.com"}


def _jitter(account: str, name: str) -> timedelta:
    """Shift each user's dates by up to ten hours, so that reports look natural."""
    return timedelta(
        seconds=int.from_bytes(hashlib.sha256(f"{account}/{name}".encode()).digest()[:4]) % 36000
    )
