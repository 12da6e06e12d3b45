"""Reads users, groups and policies in use with `GetAccountAuthorizationDetails` (aws-facts.md#inventory-calls)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rollout.aws.read.policy_text import document_of
from rollout.awsapi.calls import Calls
from rollout.domain.people.observations import Group, ManagedPolicy, PolicyVersion
from rollout.domain.people.organization import account_of
from rollout.domain.people.users import NamedPolicy, User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import (
        AttachedPolicyTypeDef,
        GroupDetailTypeDef,
        ManagedPolicyDetailTypeDef,
        PolicyDetailTypeDef,
        PolicyVersionTypeDef,
        UserDetailTypeDef,
    )

MOST_ON_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Details:
    """The users, groups and policies of an account; the users' credentials are filled in later."""

    users: tuple[User, ...]
    groups: Mapping[str, Group]
    policies: Mapping[str, ManagedPolicy]


def read_details(calls: Calls, client: IAMClient, read_at: datetime) -> Details:
    """Read every page. Raises CallFailed."""
    users: list[User] = []
    groups: dict[str, Group] = {}
    policies: dict[str, ManagedPolicy] = {}
    # IAM may return short pages, and may omit any of the lists.
    for page in calls.pages(
        client.get_account_authorization_details,
        "Marker",
        Filter=["User", "Group", "LocalManagedPolicy", "AWSManagedPolicy"],
        MaxItems=MOST_ON_A_PAGE,
    ):
        users += [user_of(found, read_at) for found in page.get("UserDetailList", [])]
        groups |= {found["GroupName"]: _group(found) for found in page.get("GroupDetailList", [])}
        policies |= {found["Arn"]: _policy(found) for found in page.get("Policies", [])}
    return Details(tuple(sorted(users, key=lambda user: user.name)), groups, policies)


def user_of(found: UserDetailTypeDef, read_at: datetime) -> User:
    """Read what is said of one user; the credentials are left open."""
    boundary = found.get("PermissionsBoundary", {})
    return User(
        account_id=account_of(found["Arn"]),
        name=found["UserName"],
        path=found.get("Path", "/"),
        id=found["UserId"],
        arn=found["Arn"],
        created=found.get("CreateDate"),
        rights_at=read_at,
        facts_at=read_at,
        groups=tuple(sorted(found.get("GroupList", []))),
        attached=_attached(found.get("AttachedManagedPolicies", [])),
        inline=_inline(found.get("UserPolicyList", [])),
        boundary_arn=boundary.get("PermissionsBoundaryArn"),
        tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
    )


def _group(found: GroupDetailTypeDef) -> Group:
    return Group(
        name=found["GroupName"],
        path=found.get("Path", "/"),
        id=found.get("GroupId", ""),
        attached=_attached(found.get("AttachedManagedPolicies", [])),
        inline=_inline(found.get("GroupPolicyList", [])),
    )


def _policy(found: ManagedPolicyDetailTypeDef) -> ManagedPolicy:
    path, name = path_and_name(found["Arn"])
    return ManagedPolicy(
        arn=found["Arn"],
        name=found.get("PolicyName", name),
        path=found.get("Path", path),
        versions=tuple(
            sorted(
                (policy_version(version) for version in found.get("PolicyVersionList", [])),
                key=lambda version: int(version.id.removeprefix("v")),
                reverse=True,  # newest first, as IAM usually lists them
            )
        ),
        id=found.get("PolicyId", ""),
    )


def policy_version(found: PolicyVersionTypeDef) -> PolicyVersion:
    """Read one version of a managed policy."""
    return PolicyVersion(
        id=found["VersionId"],
        document=document_of(found.get("Document", "")),
        is_default=found.get("IsDefaultVersion", False),
        created=found.get("CreateDate"),
    )


def path_and_name(policy_arn: str) -> tuple[str, str]:
    """Split `…:policy/team/Name` into the path `/team/` and the name `Name` (aws-facts.md#names-paths-arns-tags)."""
    path, _, name = policy_arn.split(":", 5)[-1].removeprefix("policy").rpartition("/")
    return f"{path}/", name


def _attached(found: Iterable[AttachedPolicyTypeDef]) -> tuple[str, ...]:
    return tuple(sorted(policy["PolicyArn"] for policy in found))


def _inline(found: Iterable[PolicyDetailTypeDef]) -> tuple[NamedPolicy, ...]:
    policies = (NamedPolicy(policy["PolicyName"], document_of(policy["PolicyDocument"])) for policy in found)
    return tuple(sorted(policies, key=lambda policy: policy.name))
