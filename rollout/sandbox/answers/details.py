"""GetAccountAuthorizationDetails as in AWS; moto's has no pages, boundaries or policy names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.iam.models import AWSManagedPolicy

from rollout.sandbox.answers.base import IamAnswer

if TYPE_CHECKING:
    from moto.iam.models import ManagedPolicy, User

# IAM may return fewer items than requested; small pages make clients respect IsTruncated.
_LARGEST_PAGE = 50


class AuthorizationDetails(IamAnswer):
    """Users, groups, roles and the policies in use, in one paged list."""

    def get_account_authorization_details(self) -> ActionResult:
        """Return the requested kinds of objects, in pages across all kinds."""
        wanted = set(self._get_param("Filter") or ()) or {
            "User",
            "Role",
            "Group",
            "LocalManagedPolicy",
            "AWSManagedPolicy",
        }
        items: list[tuple[str, Any]] = []
        if "User" in wanted:
            items += [("UserDetailList", self._user(user)) for user in self.backend.users.values()]
        if "Group" in wanted:
            items += [("GroupDetailList", group) for group in self.backend.groups.values()]
        if "Role" in wanted:
            items += [("RoleDetailList", role) for role in self.backend.roles.values()]
        items += [("Policies", self._policy(policy)) for policy in self._policies(wanted)]
        shown, paging = self.page(items, most=_LARGEST_PAGE)
        result: dict[str, Any] = dict(paging)
        for key, item in shown:
            result.setdefault(key, []).append(item)
        return ActionResult(result)

    def _policies(self, wanted: set[str]) -> list[ManagedPolicy]:
        """Return the account's own policies, and AWS's policies that are in use."""
        chosen: list[ManagedPolicy] = []
        for policy in self.backend.managed_policies.values():
            if isinstance(policy, AWSManagedPolicy):
                if "AWSManagedPolicy" in wanted and self._uses(policy):
                    chosen.append(policy)
            elif "LocalManagedPolicy" in wanted:
                chosen.append(policy)
        return chosen

    def _uses(self, policy: ManagedPolicy) -> bool:
        return policy.attachment_count > 0 or self.boundary_uses(policy) > 0

    def _user(self, user: User) -> dict[str, Any]:
        detail: dict[str, Any] = {
            "Path": user.path,
            "UserName": user.name,
            "UserId": user.id,
            "Arn": user.arn,
            "CreateDate": user.create_date,
            "UserPolicyList": user.user_policy_list,
            "GroupList": user.group_list,
            "AttachedManagedPolicies": user.attached_managed_policies,
            "Tags": user.tags,
        }
        boundary = self.facts.boundaries.get(user.id)
        if boundary:
            detail["PermissionsBoundary"] = {
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": boundary,
            }
        return detail

    def _policy(self, policy: ManagedPolicy) -> dict[str, Any]:
        return {
            "PolicyName": policy.name,
            "PolicyId": policy.id,
            "Arn": policy.arn,
            "Path": policy.path,
            "DefaultVersionId": policy.default_version_id,
            "AttachmentCount": policy.attachment_count,
            "PermissionsBoundaryUsageCount": self.boundary_uses(policy),
            "IsAttachable": True,
            "Description": policy.description or None,
            "CreateDate": policy.create_date,
            "UpdateDate": policy.update_date,
            "PolicyVersionList": [
                {
                    "Document": quote(version.document),
                    "VersionId": version.version_id,
                    "IsDefaultVersion": version.is_default,
                    "CreateDate": version.create_date,
                }
                for version in policy.versions
            ],
        }
