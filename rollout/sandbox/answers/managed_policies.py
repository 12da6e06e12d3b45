"""Managed policies; moto has no quotas, counts attachments twice, and deletes attached policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import IamAnswer

if TYPE_CHECKING:
    from moto.iam.models import Group, ManagedPolicy, Role, User

_MOST_VERSIONS = 5
_MOST_ATTACHED = 10
_LONGEST_POLICY = 6144
_LONGEST_INLINE = {"User": 2048, "Group": 5120}


class PolicyAnswers(IamAnswer):
    """Policies, their versions and their attachments."""

    def create_policy(self) -> ActionResult:
        """Create a policy within the size limit; its name must be unique across all paths, regardless of case."""
        _check_size(self._get_param("PolicyDocument"))
        name = self._get_param("PolicyName")
        own = (policy for policy in self.backend.managed_policies.values() if ":iam::aws:" not in policy.arn)
        if any(policy.name.lower() == name.lower() for policy in own):
            message = f"A policy called {name} already exists. Duplicate names are not allowed."
            raise AwsError("EntityAlreadyExists", message)
        result = super().create_policy()
        policy: ManagedPolicy = result.result["Policy"]  # type: ignore[index]  # moto calls its results objects
        policy.id = self.world.policy_id(self.caller.account, name)
        return ActionResult({"Policy": {**self._listed(policy), "Tags": policy.get_tags()}})

    def get_policy(self) -> ActionResult:
        """Describe a policy."""
        policy = self.find_policy(self._get_param("PolicyArn"))
        described = {
            **self._listed(policy),
            "Description": policy.description or None,
            "Tags": policy.get_tags(),
        }
        return ActionResult({"Policy": described})

    def list_policies(self) -> ActionResult:
        """List policies by scope, path and use."""
        scope, prefix = self._get_param("Scope") or "All", self._get_param("PathPrefix") or "/"
        policies = [
            policy
            for policy in self.backend.managed_policies.values()
            if scope in ("All", "AWS" if ":iam::aws:" in policy.arn else "Local")
            and policy.path.startswith(prefix)
            and (policy.attachment_count or not self._get_param("OnlyAttached"))
        ]
        shown, paging = self.page(policies)
        return ActionResult({"Policies": [self._listed(policy) for policy in shown], **paging})

    def create_policy_version(self) -> ActionResult:
        """Create a new version; a policy can have five."""
        document = self._get_param("PolicyDocument")
        _check_size(document)
        policy = self.find_policy(self._get_param("PolicyArn"))
        if len(policy.versions) >= _MOST_VERSIONS:
            message = f"A managed policy can have up to {_MOST_VERSIONS} versions. Delete one first."
            raise AwsError("LimitExceeded", message)
        policy.update_date = self.world.clock.naive()
        return super().create_policy_version()

    def list_policy_versions(self) -> ActionResult:
        """List the versions without their documents, newest first."""
        policy = self.find_policy(self._get_param("PolicyArn"))
        shown, paging = self.page(policy.versions[::-1])
        versions = [
            {
                "VersionId": version.version_id,
                "IsDefaultVersion": version.is_default,
                "CreateDate": version.create_date,
            }
            for version in shown
        ]
        return ActionResult({"Versions": versions, **paging})

    def set_default_policy_version(self) -> ActionResult:
        """Set the default version."""
        self.find_policy(self._get_param("PolicyArn")).update_date = self.world.clock.naive()
        return super().set_default_policy_version()

    def delete_policy(self) -> ActionResult:
        """Delete a policy that is not attached and has only one version."""
        policy = self.find_policy(self._get_param("PolicyArn"))
        if policy.attachment_count or self.boundary_uses(policy):
            raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.")
        if len(policy.versions) > 1:
            message = (
                "This policy has more than one version. Before you delete a policy, delete its versions."
            )
            raise AwsError("DeleteConflict", message)
        return super().delete_policy()

    def attach_user_policy(self) -> ActionResult:
        """Attach to a user."""
        return self._attach(self.find_user(self._get_param("UserName")), "User")

    def attach_group_policy(self) -> ActionResult:
        """Attach to a group."""
        return self._attach(self.find_group(self._get_param("GroupName")), "Group")

    def detach_user_policy(self) -> ActionResult:
        """Detach from a user; as in AWS, an error if the policy is not attached."""
        return self._detach(self.find_user(self._get_param("UserName")))

    def detach_group_policy(self) -> ActionResult:
        """Detach from a group."""
        return self._detach(self.find_group(self._get_param("GroupName")))

    def put_user_policy(self) -> ActionResult:
        """Write an inline policy, within the limit for all of them together."""
        self._check_inline("User", self.find_user(self._get_param("UserName")).policies)
        return super().put_user_policy()

    def put_group_policy(self) -> ActionResult:
        """Write a group's inline policy, within the limit for all of them together."""
        self._check_inline("Group", self.find_group(self._get_param("GroupName")).policies)
        return super().put_group_policy()

    def list_entities_for_policy(self) -> ActionResult:
        """List who has a policy attached, or as a permissions boundary, by name and ID."""
        policy = self.find_policy(self._get_param("PolicyArn"))
        wanted, usage = self._get_param("EntityFilter"), self._get_param("PolicyUsageFilter")
        found: list[tuple[str, dict[str, str]]] = []
        if wanted in (None, "Group") and usage != "PermissionsBoundary":
            found += [
                ("PolicyGroups", {"GroupName": g.name, "GroupId": g.id}) for g in self._holding_groups(policy)
            ]
        if wanted in (None, "User"):
            found += [
                ("PolicyUsers", {"UserName": u.name, "UserId": u.id}) for u in self._users(policy, usage)
            ]
        if wanted in (None, "Role") and usage != "PermissionsBoundary":
            roles = [role for role in self.backend.roles.values() if policy.arn in role.managed_policies]
            found += [("PolicyRoles", {"RoleName": role.name, "RoleId": role.id}) for role in roles]
        shown, paging = self.page(found)
        result: dict[str, Any] = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": [], **paging}
        for key, entity in shown:
            result[key].append(entity)
        return ActionResult(result)

    def _holding_groups(self, policy: ManagedPolicy) -> list[Group]:
        return [group for group in self.backend.groups.values() if policy.arn in group.managed_policies]

    def _users(self, policy: ManagedPolicy, usage: str | None) -> list[User]:
        return [
            user
            for user in self.backend.users.values()
            if (usage != "PermissionsBoundary" and policy.arn in user.managed_policies)
            or (usage != "PermissionsPolicy" and self.facts.boundaries.get(user.id) == policy.arn)
        ]

    def _attach(self, holder: User | Group | Role, kind: str) -> ActionResult:
        policy = self.find_policy(self._get_param("PolicyArn"))
        if policy.arn in holder.managed_policies:
            return EmptyResult()
        if len(holder.managed_policies) >= _MOST_ATTACHED:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPer{kind}: {_MOST_ATTACHED}")
        policy.attach_to(holder)
        return EmptyResult()

    def _detach(self, holder: User | Group | Role) -> ActionResult:
        arn = self._get_param("PolicyArn")
        if arn not in holder.managed_policies:
            raise AwsError("NoSuchEntity", f"Policy {arn} was not found.")
        holder.managed_policies[arn].detach_from(holder)
        return EmptyResult()

    def _check_inline(self, kind: str, present: dict[str, str]) -> None:
        name, document = self._get_param("PolicyName"), self._get_param("PolicyDocument")
        texts = [document, *(text for other, text in present.items() if other != name)]
        if sum(map(_size, texts)) > _LONGEST_INLINE[kind]:
            message = f"Maximum policy size of {_LONGEST_INLINE[kind]} bytes exceeded for {kind.lower()}"
            raise AwsError("LimitExceeded", message)

    def _listed(self, policy: ManagedPolicy) -> dict[str, Any]:
        return {
            "PolicyName": policy.name,
            "PolicyId": policy.id,
            "Arn": policy.arn,
            "Path": policy.path,
            "DefaultVersionId": policy.default_version_id,
            "AttachmentCount": policy.attachment_count,
            "PermissionsBoundaryUsageCount": self.boundary_uses(policy),
            "IsAttachable": True,
            "CreateDate": policy.create_date,
            "UpdateDate": policy.update_date,
        }


def _size(document: str) -> int:
    """Count characters as IAM does, without white space."""
    return sum(not sign.isspace() for sign in document)


def _check_size(document: str) -> None:
    if _size(document) > _LONGEST_POLICY:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {_LONGEST_POLICY}")
