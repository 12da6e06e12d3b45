"""IAM of the embedded organization as any AWS client sees it: plain boto3, nothing of ours in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import boto3

from rollout.domain.iam import (
    Context,
    Document,
    ExplicitlyDenied,
    Policies,
    Request,
    evaluate,
    parse_document,
)
from rollout.sandbox.serving.server import Sandbox

ROLES = ("OrganizationAccountAccessRole", "AWSControlTowerExecution")
# AWS gives these anew with everything that is made.
IDS = {
    "UserId",
    "GroupId",
    "RoleId",
    "PolicyId",
    "RoleLastUsed",
    "UpdateDate",
    "PermissionsBoundaryUsageCount",
}
DENIED = ("s3:ListAllMyBuckets", "ec2:DescribeInstances", "iam:CreateUser", "sts:AssumeRole")


class Onlooker:
    """Looks at the embedded organization with the operator's credentials, and into accounts by their roles."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._session: Any = boto3.Session(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        self._endpoint = environment["AWS_ENDPOINT_URL"]
        self._sts = self.client("sts")
        self._iam: dict[str, Any] = {}

    def client(self, service: str, keys: Mapping[str, str] | None = None) -> Any:
        how: dict[str, str] = {"endpoint_url": self._endpoint}
        if keys is not None:
            how |= {
                "aws_access_key_id": keys["AccessKeyId"],
                "aws_secret_access_key": keys["SecretAccessKey"],
                "aws_session_token": keys["SessionToken"],
            }
        return self._session.client(service, **how)

    def iam(self, account_id: str) -> Any:
        """IAM of one account; None where no role lets us in."""
        if account_id not in self._iam:
            self._iam[account_id] = self._enter(account_id)
        return self._iam[account_id]

    def _enter(self, account_id: str) -> Any:
        if self._sts.get_caller_identity()["Account"] == account_id:
            return self.client("iam")
        for role in ROLES:
            try:
                made = self._sts.assume_role(
                    RoleArn=f"arn:aws:iam::{account_id}:role/{role}", RoleSessionName="onlooker"
                )
            except self._sts.exceptions.ClientError:
                continue
            return self.client("iam", made["Credentials"])
        return None

    def accounts(self) -> list[str]:
        """Every active account."""
        pages = self.client("organizations").get_paginator("list_accounts").paginate()
        listed = [account for page in pages for account in page["Accounts"]]
        return sorted(account["Id"] for account in listed if account["State"] == "ACTIVE")

    def details(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """`GetAccountAuthorizationDetails` of every account that lets us in, by account id."""
        entered = {account_id: self.iam(account_id) for account_id in self.accounts()}
        return {account_id: _details(iam) for account_id, iam in entered.items() if iam is not None}

    def snapshot(self) -> dict[str, Any]:
        """The IAM state of every account, but for ids, dates and the numbers of versions."""
        return {account_id: _plain(found) for account_id, found in self.details().items()}

    def denied(self) -> set[str]:
        """ARNs of the users to whom all that is asked here is denied without MFA, by the documents that stand."""
        return {
            arn
            for found in self.details().values()
            for arn, policies in _policies(found)
            if all(_is_denied(action, arn, policies) for action in DENIED)
        }


def denied_by_us(sandbox: Sandbox, *accounts: str) -> list[str]:
    """Names of everybody in our group where our policy denies something, and of everybody it is attached to.

    It looks into the organization itself, which takes no time.
    """
    found = []
    for account in accounts:
        iam = sandbox._world.iam(account)
        for policy in iam.managed_policies.values():
            if policy.path == "/rollout/" and policy.name == "ForceMFA":
                default = next(version for version in policy.versions if version.is_default)
                if '"Deny"' in default.document:
                    found += [user.name for user in iam.users.values() if policy.arn in user.managed_policies]
                    groups = [group for group in iam.groups.values() if policy.arn in group.managed_policies]
                    found += [user.name for group in groups for user in group.users]
    return found


def _details(iam: Any) -> dict[str, list[dict[str, Any]]]:
    gathered: dict[str, list[dict[str, Any]]] = {}
    for page in iam.get_paginator("get_account_authorization_details").paginate():
        for kind in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
            gathered.setdefault(kind, []).extend(page.get(kind, []))
    return gathered


def _plain(value: Any) -> Any:
    match value:
        case dict() if "VersionId" in value:  # a version is what it says, and whether it is in force
            return [value["IsDefaultVersion"], _plain(value["Document"])]
        case dict():
            kept = {key: inner for key, inner in value.items() if _matters(key, inner)}
            return {key: _plain(inner) for key, inner in sorted(kept.items())}
        case list():
            return sorted((_plain(inner) for inner in value), key=repr)
        case _:
            return value


def _matters(key: str, value: Any) -> bool:
    return key not in IDS and key != "DefaultVersionId" and not isinstance(value, datetime)


def _is_denied(action: str, arn: str, policies: Policies) -> bool:
    return isinstance(evaluate(policies, Request(action, "*", arn, Context({}))), ExplicitlyDenied)


def _policies(found: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, Policies]]:
    managed = {
        policy["Arn"]: parse_document(version["Document"], policy["Arn"])
        for policy in found["Policies"]
        for version in policy["PolicyVersionList"]
        if version["IsDefaultVersion"]
    }
    groups = {
        group["GroupName"]: [*_inline(group["GroupPolicyList"]), *_attached(group, managed)]
        for group in found["GroupDetailList"]
    }
    for user in found["UserDetailList"]:
        documents = [*_inline(user.get("UserPolicyList", [])), *_attached(user, managed)]
        documents += [document for name in user["GroupList"] for document in groups[name]]
        yield user["Arn"], Policies(tuple(documents))


def _inline(policies: list[dict[str, Any]]) -> list[Document]:
    return [parse_document(policy["PolicyDocument"], policy["PolicyName"]) for policy in policies]


def _attached(holder: dict[str, Any], managed: Mapping[str, Document]) -> list[Document]:
    arns = (policy["PolicyArn"] for policy in holder["AttachedManagedPolicies"])
    return [managed[arn] for arn in arns if arn in managed]
