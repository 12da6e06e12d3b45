"""Reads the people of IAM Identity Center, who have the addresses that IAM users lack.

See aws-facts.md#notification-channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.failures import CallFailed, fatal_error_of
from rollout.awsapi.faults import Fault
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.addresses import Addressee, ListedPerson
from rollout.errors import AwsFailure, RolloutError

FOUND_BY = "user name in Identity Center"
_CURE = "correct the Region, or take identity_center out of notify.find"

_ALLOW = (
    "allow sso:ListInstances and identitystore:ListUsers to the credentials that run rollout, "
    "or take identity_center out of notify.find"
)


class IdentityCenter:
    """The identity store of an organization, read with the caller's own credentials.

    `region` is that of Identity Center, and `owner` the account that has it: the management account.
    """

    def __init__(self, connection: Connection, retries: Retries, region: str, owner: str) -> None:
        """Keep the arguments; make no call yet."""
        self._connection, self._region, self._owner = connection, region, owner
        self._calls = Calls("", CallerIdentity(), retries, retries.pace())

    def people(self) -> Iterator[ListedPerson]:
        """Yield everybody who is enabled there and has an address, by user name, with language and zone as they are.

        Calls `ListInstances`, and `ListUsers` for each 100 people. Raises AwsFailure, NoCredentials,
        ExpiredCredentials.
        """
        try:
            client = self._connection.for_notices("identitystore", self._region)
            pages = self._calls.pages(
                client.list_users, "NextToken", IdentityStoreId=self._store(), MaxResults=100
            )
            for page in pages:
                yield from map(_person, filter(_is_reached, page["Users"]))
        except CallFailed as failed:
            raise self._not_read(failed) from failed

    def _store(self) -> str:
        client = self._connection.for_notices("sso-admin", self._region)
        for page in self._calls.pages(client.list_instances, "NextToken"):
            for instance in page["Instances"]:
                if instance.get("OwnerAccountId") == self._owner:
                    return str(instance["IdentityStoreId"])
        raise AwsFailure(f"the organization has no Identity Center in {self._region}", cure=_CURE)

    def _not_read(self, failed: CallFailed) -> RolloutError:
        fatal = fatal_error_of(failed)
        if not isinstance(fatal, AwsFailure):
            return fatal  # about the credentials
        cure = _ALLOW if failed.fault is Fault.DENIED else _CURE
        return AwsFailure(f"Identity Center cannot be read in {self._region}: {failed.sentence}", cure=cure)


def _is_reached(user: Mapping[str, Any]) -> bool:
    """Tell whether somebody may still sign in there, and has an address."""
    return user.get("UserStatus") != "DISABLED" and bool(user.get("UserName")) and bool(_address(user))


def _person(user: Mapping[str, Any]) -> ListedPerson:
    language = str(user.get("PreferredLanguage") or user.get("Locale") or "")
    zone = str(user.get("Timezone") or "")
    return ListedPerson(user["UserName"], Addressee(_address(user), FOUND_BY, language=language, zone=zone))


def _address(user: Mapping[str, Any]) -> str:
    emails = sorted(user.get("Emails") or (), key=lambda email: not email.get("Primary"))
    return next((str(email["Value"]) for email in emails if email.get("Value")), "")
