"""Reads one user live: credentials, and the policies and groups that bind the user (aws-facts.md#inventory-calls)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from rollout.aws.read.devices import devices_of
from rollout.aws.read.policy_text import document_of
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.domain.people.organization import account_of
from rollout.domain.people.users import (
    AccessKey,
    Credential,
    MfaDevice,
    NamedPolicy,
    Password,
    Unread,
    User,
    UserRef,
)
from rollout.workflows.ports import Refusal

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import AccessKeyMetadataTypeDef, UserTypeDef

T = TypeVar("T")

CREDENTIALS = frozenset(Credential)
INLINE, ATTACHED, GROUPS = "inline policies", "attached policies", "groups"
RIGHTS = frozenset({INLINE, ATTACHED, GROUPS})


class LiveUsers:
    """Per-user calls into one account: one a credential, eight and more for all."""

    def __init__(self, calls: Calls, client: IAMClient) -> None:
        """Keep the arguments; make no call yet."""
        self._calls = calls
        self._client = client

    def credentials(self, user: User, now: datetime, *, rights: bool = False) -> User:
        """Return the user with current credentials; `unread` lists what could not be read.

        With `rights`, the boundary, the inline and attached policies, the groups and the tags are current too.

        Raises Refusal(gone=True) when the user no longer exists, or the name now belongs to another UserId.
        """
        unread: list[Unread] = []
        found = self._asked(user, Credential.PASSWORD, unread, lambda: self._found(user), None)
        seen = self.only(user, CREDENTIALS, now, found)
        if rights:
            seen = replace(
                seen,
                rights_at=now,
                boundary_arn=_boundary_of(found) if found else user.boundary_arn,
                tags=_tags_of(found) if found else user.tags,
                inline=self._asked(user, INLINE, unread, lambda: self._inline(user), user.inline),
                attached=self._asked(user, ATTACHED, unread, lambda: self._attached(user), user.attached),
                groups=self._asked(user, GROUPS, unread, lambda: self._groups(user), user.groups),
            )
        kept = (known for known in seen.unread if not (rights and known.fact in RIGHTS))
        return replace(seen, unread=tuple(dict.fromkeys((*kept, *unread))))

    def only(
        self, user: User, facts: Collection[Credential], at: datetime, found: UserTypeDef | None = None
    ) -> User:
        """Return the user with some credentials current, as of `at`; everything else stays as it is given.

        `found` is the answer of `GetUser`, which tells when the password was last used.
        Raises Refusal(gone=True) when the user no longer exists, as far as that is noticed.
        """
        unread = [known for known in user.unread if known.fact not in facts]
        seen = user
        if Credential.PASSWORD in facts:
            known_use = user.password.last_used if user.password else None
            last_used = found.get("PasswordLastUsed") if found else known_use
            password = self._asked(
                user, Credential.PASSWORD, unread, lambda: self.password(user, last_used), user.password
            )
            seen = replace(seen, password=password)
        if Credential.DEVICES in facts:
            devices = self._asked(user, Credential.DEVICES, unread, lambda: self.devices(user), None)
            mfa_active = user.mfa_active if devices is None else bool(devices)
            seen = replace(seen, devices=devices, mfa_active=mfa_active)
        if Credential.KEYS in facts:
            keys = self._asked(user, Credential.KEYS, unread, lambda: self._keys(user), user.keys)
            seen = replace(seen, keys=keys)
        return replace(seen, unread=tuple(dict.fromkeys(unread)), facts_at=at)

    def _asked(self, user: User, fact: str, unread: list[Unread], ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except CallFailed as failed:
            if failed.fault is Fault.NOT_FOUND:
                raise self._gone(user) from failed
            unread.append(Unread(str(fact), failed.short))
            return otherwise

    def named(self, name: str) -> UserRef | None:
        """Find who has this name now. Raises CallFailed."""
        answer = self._calls.maybe(self._client.get_user, UserName=name)
        if answer is None:
            return None
        found = answer["User"]
        return UserRef(account_of(found["Arn"]), found["UserName"], found["UserId"], found["Arn"])

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

    def _found(self, user: User) -> UserTypeDef:
        found = self._calls.read(self._client.get_user, UserName=user.name)["User"]
        if found["UserId"] != user.id:
            raise self._gone(user)
        return found

    def _inline(self, user: User) -> tuple[NamedPolicy, ...]:
        pages = self._calls.pages(self._client.list_user_policies, "Marker", UserName=user.name)
        names = sorted(name for page in pages for name in page["PolicyNames"])
        return tuple(policy for name in names if (policy := self._inline_policy(user, name)))

    def _inline_policy(self, user: User, name: str) -> NamedPolicy | None:
        answer = self._calls.maybe(self._client.get_user_policy, UserName=user.name, PolicyName=name)
        return NamedPolicy(name, document_of(answer["PolicyDocument"])) if answer else None

    def _attached(self, user: User) -> tuple[str, ...]:
        pages = self._calls.pages(self._client.list_attached_user_policies, "Marker", UserName=user.name)
        return tuple(sorted(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]))

    def _groups(self, user: User) -> tuple[str, ...]:
        pages = self._calls.pages(self._client.list_groups_for_user, "Marker", UserName=user.name)
        return tuple(sorted(group["GroupName"] for page in pages for group in page["Groups"]))

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


def _boundary_of(found: UserTypeDef) -> str | None:
    return found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")


def _tags_of(found: UserTypeDef) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}


def _text_or_none(text: str | None) -> str | None:
    return None if text in {None, "", "N/A"} else text
