"""Reads one user's credentials live, where the bulk calls cannot tell (aws-facts.md#inventory-calls)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from rollout.aws.read.devices import devices_of
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.domain.people.users import AccessKey, MfaDevice, Password, Unread, User
from rollout.workflows.ports import Refusal

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import AccessKeyMetadataTypeDef

T = TypeVar("T")

PASSWORD, DEVICES, KEYS = "password", "devices", "access keys"
FACTS = frozenset({PASSWORD, DEVICES, KEYS})


class LiveUsers:
    """Per-user calls into one account: password, devices, keys and their last use, in about five calls per user."""

    def __init__(self, calls: Calls, client: IAMClient) -> None:
        """Keep the arguments; make no call yet."""
        self._calls = calls
        self._client = client

    def credentials(self, user: User, now: datetime) -> User:
        """Return the user with current credentials; `unread` lists what could not be read.

        Raises Refusal(gone=True) when the user no longer exists, or the name now belongs to another UserId.
        """
        unread: list[Unread] = [known for known in user.unread if known.fact not in FACTS]

        def asked(fact: str, ask: Callable[[], T], otherwise: T) -> T:
            try:
                return ask()
            except CallFailed as failed:
                if failed.fault is Fault.NOT_FOUND:
                    raise self._gone(user) from failed
                unread.append(Unread(fact, failed.short))
                return otherwise

        known_use = user.password.last_used if user.password else None
        last_used = asked(PASSWORD, lambda: self._last_sign_in(user), known_use)
        password = asked(PASSWORD, lambda: self.password(user, last_used), user.password)
        devices = asked(DEVICES, lambda: self.devices(user), None)
        keys = asked(KEYS, lambda: self._keys(user), user.keys)
        return replace(
            user,
            password=password,
            devices=devices,
            mfa_active=user.mfa_active if devices is None else bool(devices),
            keys=keys,
            unread=tuple(dict.fromkeys(unread)),
            facts_at=now,
        )

    def exists(self, name: str) -> bool:
        """Tell whether a user of this name exists. Raises CallFailed."""
        return self._calls.maybe(self._client.get_user, UserName=name) is not None

    def password(self, user: User, last_used: datetime | None) -> Password | None:
        """Call `GetLoginProfile`, the only source for whether the password must be changed. Raises CallFailed."""
        answer = self._calls.maybe(self._client.get_login_profile, UserName=user.name)
        if answer is None:
            return None
        profile = answer["LoginProfile"]
        known = user.password or Password()
        # CreateDate stays the same when the password changes; the report may have a later date.
        set_at = max(
            (moment for moment in (known.last_changed, profile.get("CreateDate")) if moment), default=None
        )
        return replace(
            known,
            last_used=last_used,
            last_changed=set_at,
            reset_required=profile.get("PasswordResetRequired", False),
        )

    def devices(self, user: User) -> tuple[MfaDevice, ...]:
        """Call `ListMFADevices`. Raises CallFailed."""
        return devices_of(self._calls, self._client, user.name)

    def _last_sign_in(self, user: User) -> datetime | None:
        found = self._calls.read(self._client.get_user, UserName=user.name)["User"]
        if found["UserId"] != user.id:
            raise self._gone(user)
        return found.get("PasswordLastUsed")

    def _keys(self, user: User) -> tuple[AccessKey, ...]:
        pages = self._calls.pages(self._client.list_access_keys, "Marker", UserName=user.name)
        found = [key for page in pages for key in page["AccessKeyMetadata"]]
        found.sort(key=lambda key: (str(key.get("CreateDate", "")), key["AccessKeyId"]))
        return tuple(self._key(slot, key) for slot, key in enumerate(found, start=1))

    def _key(self, slot: int, found: AccessKeyMetadataTypeDef) -> AccessKey:
        key = AccessKey(
            slot=slot,
            active=found["Status"] == "Active",
            created=found.get("CreateDate"),
            id=found["AccessKeyId"],
        )
        if not key.active:
            return key
        asked = self._calls.maybe(self._client.get_access_key_last_used, AccessKeyId=found["AccessKeyId"])
        if asked is None:
            return key
        used = asked["AccessKeyLastUsed"]
        return replace(
            key,
            last_used=used.get("LastUsedDate"),
            service=_text_or_none(used.get("ServiceName")),
            region=_text_or_none(used.get("Region")),
        )

    def _gone(self, user: User) -> Refusal:
        return Refusal(f"NoSuchEntity: user {user.name} ({user.id}) no longer exists", gone=True)


def _text_or_none(text: str | None) -> str | None:
    return None if text in {None, "", "N/A"} else text
