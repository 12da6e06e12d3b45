"""Reads live whether a change is in effect in an account (design.md#apply-journal-store)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, TypeVar

from rollout.aws.read.authorization_details import policy_version
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import ManagedPolicy, PolicyVersion
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Found = TypeVar("Found")

SHOWN_WITHIN = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between reads, while IAM does not show a change yet."""
BELIEVED_ABSENT_AFTER = (0.5, 1.0, 2.0)
"""Seconds between reads, for a change that may never have been made."""


class LiveConfirmation:
    """Reads live whether changes are in effect; every method may raise CallFailed."""

    def __init__(self, calls: Calls, client: IAMClient) -> None:
        """Keep the arguments; make no call yet."""
        self._calls = calls
        self._client = client

    def shows(self, change: Change) -> bool:
        """Tell whether the change is in effect; read again for some seconds before concluding that it is not."""
        for pause in BELIEVED_ABSENT_AFTER:
            if self.holds(change):
                return True
            self._calls.retries.sleep(pause)
        return self.holds(change)

    def holds(self, change: Change) -> bool:
        """Tell whether the change is in effect. A deleted user, group or policy has no memberships or attachments."""
        match change:
            case CreatePolicy(policy_arn=arn, document=document, tags=tags):
                # Somebody else may have made one of the same name and document; the tags name our run.
                policy = self.policy(arn)
                return (
                    policy is not None
                    and tags.items() <= (policy.tags or {}).items()
                    and any(equal_documents(version.document, document) for version in policy.versions)
                )
            case CreateVersion(policy_arn=arn, document=document):
                default = self._default_version(arn)
                return default is not None and self._says(arn, default, document)
            case SetDefaultVersion(policy_arn=arn, version_id=version):
                return self._default_version(arn) == version
            case DeleteVersion(policy_arn=arn, version_id=version):
                return version not in self._version_ids(arn)
            case DeletePolicy(policy_arn=arn):
                return self._default_version(arn) is None
            case CreateGroup(group=name, path=path):
                return self._group_path(name) == path
            case DeleteGroup(group=name):
                return self._group_path(name) is None
            case AttachToGroup(group=name, policy_arn=arn):
                return arn in self._on_group(name)
            case DetachFromGroup(group=name, policy_arn=arn):
                return arn not in self._on_group(name)
            case AddMember(group=name, user=user):
                return name in self._groups_of(user.name)
            case RemoveMember(group=name, user=user):
                return name not in self._groups_of(user.name)
            case AttachToUser(user=user, policy_arn=arn):
                return arn in self._on_user(user.name)
            case DetachFromUser(user=user, policy_arn=arn):
                return arn not in self._on_user(user.name)

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Return a group's members, UserId and current name; wait a while for those in `expecting`."""
        return self._awaited(lambda: self._members(group), expecting)

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Return who has a policy attached, UserId and current name; wait a while for those in `expecting`."""
        return self._awaited(lambda: self._attached_users(policy_arn), expecting)

    def _awaited(self, look: Callable[[], dict[str, str]], expecting: frozenset[str]) -> dict[str, str]:
        """Read again while an expected user is missing, for a limited time (aws-facts.md#eventual-consistency)."""
        seen = look()
        for pause in SHOWN_WITHIN:
            if expecting <= seen.keys():
                break
            self._calls.retries.sleep(pause)
            seen = look()
        return seen

    def _members(self, group: str) -> dict[str, str]:
        pages = self._calls.pages(self._client.get_group, "Marker", GroupName=group, MaxItems=1000)
        return dict(
            _until_gone((user["UserId"], user["UserName"]) for page in pages for user in page["Users"])
        )

    def _attached_users(self, policy_arn: str) -> dict[str, str]:
        pages = self._calls.pages(
            self._client.list_entities_for_policy,
            "Marker",
            PolicyArn=policy_arn,
            EntityFilter="User",
            PolicyUsageFilter="PermissionsPolicy",
            MaxItems=1000,
        )
        found = (user for page in pages for user in page.get("PolicyUsers", []))
        return dict(_until_gone((user["UserId"], user["UserName"]) for user in found))

    def dependents(self, arn: str) -> tuple[str, ...]:
        """Name the roles that have the policy, and the users and roles whose boundary it is."""
        return (
            *self._having(arn, "PermissionsPolicy", "Role", ""),
            *self._having(arn, "PermissionsBoundary", "Role", " (boundary)"),
            *self._having(arn, "PermissionsBoundary", "User", " (boundary)"),
        )

    def _having(
        self,
        arn: str,
        usage: Literal["PermissionsPolicy", "PermissionsBoundary"],
        kind: Literal["Role", "User"],
        note: str,
    ) -> tuple[str, ...]:
        pages = self._calls.pages(
            self._client.list_entities_for_policy,
            "Marker",
            PolicyArn=arn,
            EntityFilter=kind,
            PolicyUsageFilter=usage,
            MaxItems=1000,
        )
        roles_or_users = (
            [one["RoleName"] for one in page.get("PolicyRoles", [])]
            if kind == "Role"
            else [one["UserName"] for one in page.get("PolicyUsers", [])]
            for page in pages
        )
        return tuple(
            f"{kind.lower()} {name}{note}" for names in _until_gone(roles_or_users) for name in names
        )

    def policies_at(self, path: str) -> tuple[str, ...]:
        """List the ARNs of the account's own policies right at a path, not below it."""
        pages = self._calls.pages(
            self._client.list_policies, "Marker", Scope="Local", PathPrefix=path, MaxItems=1000
        )
        found = (policy for page in pages for policy in page["Policies"])
        return tuple(policy["Arn"] for policy in found if policy["Path"] == path)

    def groups_with(self, arn: str) -> tuple[str, ...]:
        """Name the groups that a policy is attached to; none where there is no such policy."""
        pages = self._calls.pages(
            self._client.list_entities_for_policy,
            "Marker",
            PolicyArn=arn,
            EntityFilter="Group",
            PolicyUsageFilter="PermissionsPolicy",
            MaxItems=1000,
        )
        return tuple(
            _until_gone(group["GroupName"] for page in pages for group in page.get("PolicyGroups", []))
        )

    def policy(self, arn: str) -> ManagedPolicy | None:
        """Read one managed policy with all its versions; None when it does not exist."""
        answer = self._calls.maybe(self._client.get_policy, PolicyArn=arn)
        if answer is None:
            return None
        found = answer["Policy"]
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
        return ManagedPolicy(
            arn,
            found["PolicyName"],
            found["Path"],
            tuple(self._versions(arn)),
            tags,
            found.get("PolicyId", ""),
        )

    def _default_version(self, arn: str) -> str | None:
        answer = self._calls.maybe(self._client.get_policy, PolicyArn=arn)
        return answer["Policy"]["DefaultVersionId"] if answer else None

    def _version_ids(self, arn: str) -> list[str]:
        pages = self._calls.pages(self._client.list_policy_versions, "Marker", PolicyArn=arn)
        return list(_until_gone(version["VersionId"] for page in pages for version in page["Versions"]))

    def _versions(self, arn: str) -> Iterator[PolicyVersion]:
        for version_id in reversed(
            self._version_ids(arn)
        ):  # oldest first: the Allow-only version is the likeliest
            version = self._version(arn, version_id)
            if version:
                yield version

    def _version(self, arn: str, version_id: str) -> PolicyVersion | None:
        answer = self._calls.maybe(self._client.get_policy_version, PolicyArn=arn, VersionId=version_id)
        return policy_version(answer["PolicyVersion"]) if answer else None

    def _says(self, arn: str, version_id: str, document: Mapping[str, object]) -> bool:
        version = self._version(arn, version_id)
        return version is not None and equal_documents(version.document, document)

    def _group_path(self, name: str) -> str | None:
        answer = self._calls.maybe(self._client.get_group, GroupName=name, MaxItems=1)
        return answer["Group"]["Path"] if answer else None

    def _on_group(self, name: str) -> list[str]:
        pages = self._calls.pages(self._client.list_attached_group_policies, "Marker", GroupName=name)
        return list(_until_gone(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]))

    def _on_user(self, name: str) -> list[str]:
        pages = self._calls.pages(self._client.list_attached_user_policies, "Marker", UserName=name)
        return list(_until_gone(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]))

    def _groups_of(self, name: str) -> list[str]:
        pages = self._calls.pages(self._client.list_groups_for_user, "Marker", UserName=name)
        return list(_until_gone(group["GroupName"] for page in pages for group in page["Groups"]))


def _until_gone(found: Iterator[Found]) -> Iterator[Found]:
    """Yield what is found, and stop quietly when the object does not exist."""
    try:
        yield from found
    except CallFailed as failed:
        if failed.fault is not Fault.NOT_FOUND:
            raise
