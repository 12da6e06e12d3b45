"""Access keys and service-specific credentials; moto does not support the latter."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import IamAnswer
from rollout.sandbox.world.world import ServiceCredentialFacts

_MOST_KEYS = 2


class KeyAnswers(IamAnswer):
    """Access keys and service-specific credentials."""

    def list_access_keys(self) -> ActionResult:
        """List a user's keys, without their secrets."""
        user = self.named_user()
        shown, paging = self.page(user.access_keys)
        keys = [
            {
                "UserName": user.name,
                "AccessKeyId": key.access_key_id,
                "Status": key.status,
                "CreateDate": key.create_date,
            }
            for key in shown
        ]
        return ActionResult({"AccessKeyMetadata": keys, **paging})

    def create_access_key(self) -> ActionResult:
        """Create a key; a user can have two."""
        user = self.named_user()
        if len(user.access_keys) >= _MOST_KEYS:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {_MOST_KEYS}")
        key = self.backend.create_access_key(user.name)
        del self.backend.access_keys[key.access_key_id]
        key.access_key_id = self.world.key_id(self.caller.account, user.name)
        key.secret_access_key = self.world.ids.secret(key.access_key_id)
        self.backend.access_keys[key.access_key_id] = key
        return ActionResult({"AccessKey": key})

    def get_access_key_last_used(self) -> ActionResult:
        """Return when and for which service a key was last used; `N/A` if never."""
        key = self.backend.access_keys.get(self._get_param("AccessKeyId"))
        if key is None or key.user_name is None:
            raise AwsError("NoSuchEntity", "The Access Key cannot be found.")
        used = key.last_used
        last: dict[str, Any] = {"Region": "N/A", "ServiceName": "N/A"}
        if used is not None:
            last = {"LastUsedDate": used.timestamp, "Region": used.region, "ServiceName": used.service}
        return ActionResult({"UserName": key.user_name, "AccessKeyLastUsed": last})

    def list_service_specific_credentials(self) -> ActionResult:
        """List one user's credentials, or with `AllUsers` all users'; optionally of one service."""
        credentials, service = self.facts.service_credentials, self._get_param("ServiceName")
        if not self._get_param("AllUsers"):
            user_id = self.named_user().id
            credentials = [one for one in credentials if one.user_id == user_id]
        if service:
            credentials = [one for one in credentials if one.service == service]
        shown, paging = self.page(credentials)
        return ActionResult(
            {"ServiceSpecificCredentials": [self._credential(one) for one in shown], **paging}
        )

    def create_service_specific_credential(self) -> ActionResult:
        """Create a credential for one service."""
        user, service = self.named_user(), self._get_param("ServiceName")
        made = ServiceCredentialFacts(
            self.world.credential_id(self.caller.account, user.name),
            user.id,
            service,
            self.world.clock.now(),
            "Active",
            None,
        )
        self.facts.service_credentials.append(made)
        return ActionResult({"ServiceSpecificCredential": self._credential(made)})

    def delete_service_specific_credential(self) -> ActionResult:
        """Delete a credential."""
        wanted = self._get_param("ServiceSpecificCredentialId")
        kept = [one for one in self.facts.service_credentials if one.credential_id != wanted]
        if len(kept) == len(self.facts.service_credentials):
            raise AwsError("NoSuchEntity", f"No such credential {wanted} exists")
        self.facts.service_credentials[:] = kept
        return EmptyResult()

    def _credential(self, one: ServiceCredentialFacts) -> dict[str, Any]:
        owner = next((user.name for user in self.backend.users.values() if user.id == one.user_id), "")
        # Long-term API keys have an alias instead of a user name.
        name = "ServiceCredentialAlias" if one.expires else "ServiceUserName"
        return {
            "UserName": owner,
            "Status": one.status,
            name: f"{owner}-at-{self.caller.account}",
            "CreateDate": one.created,
            "ExpirationDate": one.expires,
            "ServiceSpecificCredentialId": one.credential_id,
            "ServiceName": one.service,
        }
