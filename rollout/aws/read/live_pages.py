"""Reads users anew, many by one call: what binds them, and their virtual devices (aws-facts.md#inventory-calls)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rollout.aws.read.authorization_details import MOST_ON_A_PAGE, user_of
from rollout.aws.read.devices import VirtualDevices, read_virtual_devices
from rollout.awsapi.calls import Calls
from rollout.domain.people.users import DeviceKind, User
from rollout.workflows.ports import LivePage

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class LivePages:
    """Pages of one account's users; every method may raise CallFailed. Not for several threads."""

    def __init__(self, calls: Calls, client: IAMClient) -> None:
        """Keep the arguments; make no call yet."""
        self._calls = calls
        self._client = client
        self._device_calls = 1  # what listing all virtual devices took the last time

    def page(
        self, users: Mapping[str, User], after: str, size: int, now: datetime, *, devices: bool
    ) -> LivePage:
        """Read the page that begins `after` a marker, and of `users` (by UserId) give those who are on it."""
        marker: Any = {"Marker": after} if after else {}
        answer = self._calls.read(
            self._client.get_account_authorization_details,
            Filter=["User"],
            MaxItems=min(size, MOST_ON_A_PAGE),
            **marker,
        )
        found = [user_of(one, now) for one in answer.get("UserDetailList", []) if one["UserId"] in users]
        known = [(users[user.id], user) for user in found if users[user.id].arn == user.arn]
        virtual = self._virtual_devices([user for user, _ in known]) if devices else {}
        following = str(answer.get("Marker", "")) if answer.get("IsTruncated") else ""
        return LivePage(tuple(_renewed(*pair, virtual) for pair in known), following)

    def _virtual_devices(self, users: list[User]) -> Mapping[str, Any]:
        """List the virtual devices of all users, where that takes fewer calls than to ask these users alone."""
        if sum(DeviceKind.TOTP in user.device_kinds for user in users) <= self._device_calls:
            return {}
        found: VirtualDevices = read_virtual_devices(self._calls, self._client, "Assigned")
        self._device_calls = found.calls
        return found.of_user


def _renewed(known: User, seen: User, virtual: Mapping[str, Any]) -> User:
    devices = virtual.get(known.arn)
    return replace(
        known,
        rights_at=seen.rights_at,
        groups=seen.groups,
        attached=seen.attached,
        inline=seen.inline,
        boundary_arn=seen.boundary_arn,
        tags=seen.tags,
        devices=devices,
        mfa_active=known.mfa_active or devices is not None,
    )
