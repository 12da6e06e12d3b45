"""Reads the description of the organization, so that its content stands in one readable file only."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from rollout.sandbox.world.dates import moment

DESCRIPTION = Path(__file__).with_name("organization.yaml")

Document = dict[str, Any]


def _as_moment(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and info.context:
        return moment(value, info.context["now"])
    return value


Moment = Annotated[datetime, BeforeValidator(_as_moment)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Password(_Part):
    """A console password: when it was made, last changed and last used."""

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


class Key(_Part):
    """An access key and its last use, in the words of the credential report."""

    created: Moment
    used: Moment | None = None
    service: str = "s3"
    region: str = "N/A"
    status: Literal["Active", "Inactive", "Expired"] = "Active"


class Device(_Part):
    """An MFA device that its owner has enabled."""

    kind: Literal["totp", "passkey", "hardware"]
    enabled: Moment
    name: str | None = None


class ServiceCredential(_Part):
    """A password or API key for one service, such as CodeCommit's Git credentials."""

    service: str
    created: Moment
    expires: Moment | None = None
    status: Literal["Active", "Inactive", "Expired"] = "Active"


class User(_Part):
    """An IAM user with everything that is hers."""

    name: str = Field(pattern=r"^[\w+=,.@-]{1,64}$")
    path: str = "/"
    created: Moment
    email: str | None = None
    tags: dict[str, str] = {}
    password: Password | None = None
    keys: tuple[Key, ...] = Field(default=(), max_length=2)
    devices: tuple[Device, ...] = Field(default=(), max_length=8)
    groups: tuple[str, ...] = Field(default=(), max_length=10)
    policies: tuple[str, ...] = Field(default=(), max_length=10)
    inline: dict[str, Document] = {}
    boundary: str | None = None
    service_credentials: tuple[ServiceCredential, ...] = ()


class Group(_Part):
    """An IAM group; who is in it stands with the users."""

    name: str
    path: str = "/"
    policies: tuple[str, ...] = ()
    inline: dict[str, Document] = {}


class Role(_Part):
    """A role and who may enter it: `management`, or an ARN, perhaps with an external id."""

    name: str
    trusts: str = "management"
    external_id: str | None = None
    policies: tuple[str, ...] = ("AdministratorAccess",)
    max_session: int = 3600


class PasswordPolicy(_Part):
    """The account's rules for passwords."""

    minimum_length: int = 14
    max_age_days: int = 0
    hard_expiry: bool = False
    users_may_change: bool = True


class Root(_Part):
    """The account's root user, of which a member account made by Organizations has no credentials."""

    password_used: Moment | None = None
    mfa: Literal["none", "totp"] = "none"
    has_password: bool = False


class Policy(_Part):
    """A managed policy that accounts refer to by its name."""

    document: Document
    description: str = ""
    path: str = "/"


class Account(_Part):
    """One account of the organization."""

    id: str = Field(pattern=r"^\d{12}$")
    name: str
    email: str
    ou: str = ""
    joined: Moment
    invited: bool = False
    state: Literal["ACTIVE", "PENDING_CLOSURE", "SUSPENDED", "CLOSED"] = "ACTIVE"
    tags: dict[str, str] = {}
    root: Root = Root()
    roles: tuple[Role, ...] = ()
    password_policy: PasswordPolicy | None = None
    policies: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    users: tuple[User, ...] = ()
    unassigned_devices: tuple[str, ...] = ()


class ControlPolicy(_Part):
    """A service control policy and the OU paths or account ids that it is attached to."""

    name: str
    description: str
    attached_to: tuple[str, ...]
    document: Document


class Delegation(_Part):
    """An account that administers a service for the whole organization."""

    account: str
    service: str


class Blueprint(_Part):
    """The whole organization, as it stands when the sandbox starts."""

    operator: str
    management: Account
    members: tuple[Account, ...]
    organizational_units: tuple[str, ...] = ()
    service_control_policies: tuple[ControlPolicy, ...] = ()
    delegated_administrators: tuple[Delegation, ...] = ()
    aws_managed_policies: dict[str, Policy]
    customer_managed_policies: dict[str, Policy]

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Give every account, the management account first."""
        return (self.management, *self.members)


def read_blueprint(now: datetime, path: Path | None = None) -> Blueprint:
    """Read the description at `path` (the packaged one by default) as it is at `now`."""
    with (path or DESCRIPTION).open(encoding="utf-8") as file:
        raw: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    kinds = raw.pop("kinds", {})
    for account in (raw["management"], *raw["members"]):
        account.setdefault("email", f"aws+{account['id']}@example.com")
        account["users"] = [
            User.model_validate(_plain(user), context={"now": now - _jitter(account["id"], user["name"])})
            for entry in account.get("users", [])
            for user in _people(entry, kinds)
        ]
    return Blueprint.model_validate(raw, context={"now": now})


def _people(entry: dict[str, Any], kinds: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Spell out an entry: its kind's facts, then its own, once for each of its names."""
    own = {key: value for key, value in entry.items() if key not in ("kind", "names")}
    base = {**kinds[entry["kind"]], **own} if "kind" in entry else own
    return [{**base, "name": name} for name in entry.get("names", [entry.get("name")])]


def _plain(user: dict[str, Any]) -> dict[str, Any]:
    """Put the address `auto` in words: most people are reached under a tag that says their address."""
    if user.get("email") != "auto":
        return user
    local = re.sub(r"[^a-z0-9.]+", ".", user["name"].lower()).strip(".")
    return {**user, "email": f"{local}@example.com"}


def _jitter(account: str, name: str) -> timedelta:
    """Shift each user's dates by up to ten hours, so that reports do not look stamped out of tin."""
    return timedelta(
        seconds=int.from_bytes(hashlib.sha256(f"{account}/{name}".encode()).digest()[:4]) % 36000
    )
