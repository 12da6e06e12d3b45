"""Makes one harmless request per read operation, to find out whether it is allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rollout.aws.read.console_authorization import patiently
from rollout.awsapi.calls import Calls

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

SIGN_IN = {"GetConsoleAuthorizationConfiguration", "GetResourcePolicy"}
NOBODY = "rollout-doctor"
"""A user name that need not exist, since permissions depend only on the ARN."""
USERS_ASKED = 20
_NO_KEY = {"AttributeKey": "AccessKeyId", "AttributeValue": "AKIAROLLOUTDOCTOR000"}


class Probes:
    """One harmless request per operation. What it names need not exist: "not found" means that reading is allowed."""

    CANNOT_ASK = object()

    def __init__(
        self,
        calls: Calls,
        client: IAMClient,
        policy_arn: str,
        group: str,
        sign_in: Any,
        trail: Any = None,
    ) -> None:
        """Keep the arguments; make no call yet. `trail`: a client of CloudTrail, to ask for LookupEvents."""
        self._calls = calls
        self._client = client
        iam = client
        self._requests: dict[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
            "GenerateCredentialReport": (iam.generate_credential_report, {}),
            "GetAccountPasswordPolicy": (iam.get_account_password_policy, {}),
            "GetAccountSummary": (iam.get_account_summary, {}),
            "GetCredentialReport": (iam.get_credential_report, {}),
            "ListServiceSpecificCredentials": (
                iam.list_service_specific_credentials,
                {"AllUsers": True, "MaxItems": 1},
            ),
            "ListVirtualMFADevices": (iam.list_virtual_mfa_devices, {"MaxItems": 1}),
            "GetLoginProfile": (iam.get_login_profile, {"UserName": NOBODY}),
            "GetUser": (iam.get_user, {"UserName": NOBODY}),
            "GetUserPolicy": (iam.get_user_policy, {"UserName": NOBODY, "PolicyName": NOBODY}),
            "ListUserPolicies": (iam.list_user_policies, {"UserName": NOBODY}),
            "ListAccessKeys": (iam.list_access_keys, {"UserName": NOBODY}),
            "ListMFADevices": (iam.list_mfa_devices, {"UserName": NOBODY}),
            "ListSSHPublicKeys": (iam.list_ssh_public_keys, {"UserName": NOBODY}),
            "ListAttachedUserPolicies": (iam.list_attached_user_policies, {"UserName": NOBODY}),
            "ListGroupsForUser": (iam.list_groups_for_user, {"UserName": NOBODY}),
            "GetGroup": (iam.get_group, {"GroupName": group, "MaxItems": 1}),
            "ListAttachedGroupPolicies": (iam.list_attached_group_policies, {"GroupName": group}),
            "GetPolicy": (iam.get_policy, {"PolicyArn": policy_arn}),
            "GetPolicyVersion": (iam.get_policy_version, {"PolicyArn": policy_arn, "VersionId": "v1"}),
            "ListPolicies": (iam.list_policies, {"Scope": "Local", "MaxItems": 1}),
            "ListEntitiesForPolicy": (
                iam.list_entities_for_policy,
                {"PolicyArn": policy_arn, "MaxItems": 1},
            ),
            "GetConsoleAuthorizationConfiguration": (sign_in.get_console_authorization_configuration, {}),
            "GetResourcePolicy": (sign_in.get_resource_policy, {}),
            "ListPolicyVersions": (iam.list_policy_versions, {"PolicyArn": policy_arn, "MaxItems": 1}),
        }
        if trail is not None:
            self._requests |= {"LookupEvents": (trail.lookup_events, {"LookupAttributes": [_NO_KEY]})}

    def ask(self, operation: str, users: Sequence[str]) -> object:
        """Make the request; `CANNOT_ASK` when the account has nothing to try it on. Raises CallFailed."""
        if operation == "GetAccessKeyLastUsed":
            return self._use_of_some_key(users)
        if operation == "GetAccountAuthorizationDetails":
            return users  # the caller has listed them with this very operation
        method, params = self._requests[operation]
        calls = patiently(self._calls) if operation in SIGN_IN else self._calls
        return calls.read(method, **params)

    def _use_of_some_key(self, users: Sequence[str]) -> object:
        # AWS denies it for a key that does not exist, so only a real key can tell.
        for name in users[:USERS_ASKED]:
            answer = self._calls.maybe(self._client.list_access_keys, UserName=name)
            keys = answer["AccessKeyMetadata"] if answer else []
            if keys:
                return self._calls.read(
                    self._client.get_access_key_last_used, AccessKeyId=keys[0]["AccessKeyId"]
                )
        return self.CANNOT_ASK
