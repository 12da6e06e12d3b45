"""Collects a caller's policies, and the action, resource and context of a request, for `permissions` to decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.access.permissions import AuthorizationRequest, CallerPolicies, is_allowed

if TYPE_CHECKING:
    from moto.iam.models import Group, IAMBackend, Role, User

    from rollout.sandbox.access.callers import SignedCaller
    from rollout.sandbox.access.signatures import Signature
    from rollout.sandbox.world.world import SandboxWorld

_CODE = re.compile(r"\d{6}")
# AWS allows these regardless of policies (STS API reference).
_ALWAYS = {"sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetAccessKeyInfo"}
# Actions that name a user, group or policy in the request, but are authorized on `*` (Service Authorization Reference).
_ON_EVERYTHING = {
    "ListVirtualMFADevices",
    "GetAccountAuthorizationDetails",
    "ListUsers",
    "ListGroups",
    "ListRoles",
}


def authorize(
    world: SandboxWorld, caller: SignedCaller, signature: Signature, action: str, params: Mapping[str, Any]
) -> None:
    """Raise AwsError for a request that the caller's policies do not allow."""
    service = signature.service
    asked = AuthorizationRequest(
        f"{service}:{action}",
        _resource(world, caller, service, action, params),
        {**_context(world, caller, params), "aws:RequestedRegion": signature.region},
    )
    if service == "iam" and caller.session is not None and caller.user is not None and not caller.session.mfa:
        # A session of GetSessionToken without MFA cannot call IAM at all (aws-facts.md#when-the-keys-exist).
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid")
    if asked.action in _ALWAYS or is_allowed(asked, rights_of(world, caller)):
        return
    message = (
        f"User: {caller.arn} is not authorized to perform: {asked.action} on resource: {asked.resource} "
        "because no policy allows it, or one denies it"
    )
    raise AwsError("AccessDenied", message)


def is_right_code(user: User, serial: str | None, code: str | None) -> bool:
    """Accept any six digits for one of the user's devices; a passkey shows no codes, and SMS brings none any more."""
    no_codes = ":u2f/" in str(serial) or ":sms-mfa/" in str(serial)
    return serial in user.mfa_devices and not no_codes and bool(_CODE.fullmatch(code or ""))


def rights_of(world: SandboxWorld, caller: SignedCaller) -> CallerPolicies:
    """Collect the identity policies, the permissions boundary, the session policy and the SCPs."""
    iam = world.iam(caller.account)
    levels: list[list[str]] = []
    if caller.user is not None:
        holders: list[User | Role | Group] = [caller.user, *iam.get_groups_for_user(caller.user.name)]
        boundary = world.facts(caller.account).boundaries.get(caller.user.id)
        if boundary:
            levels.append([_default_document(iam, boundary)])
    else:
        holders = [caller.role] if caller.role else []
    identity = [
        document
        for holder in holders
        for document in (
            *holder.policies.values(),
            *(_default_document(iam, arn) for arn in holder.managed_policies),
        )
    ]
    if caller.session is not None and caller.session.policy is not None:
        levels.append([caller.session.policy])
    return CallerPolicies(identity, [*levels, *_control_levels(world, caller.account)])


def _default_document(iam: IAMBackend, arn: str) -> str:
    policy = iam.managed_policies[arn]
    return next(version.document for version in policy.versions if version.is_default)


def _control_levels(world: SandboxWorld, account: str) -> list[list[str]]:
    """Return the SCPs from the account up to the root; none apply to the management account."""
    if account == world.management_id:
        return []
    organizations = world.organizations
    target: Any = next((member for member in organizations.accounts if member.id == account), None)
    levels = []
    while target is not None:
        levels.append(
            [policy.content for policy in target.attached_policies if policy.type == "SERVICE_CONTROL_POLICY"]
        )
        target = next((unit for unit in organizations.ou if unit.id == target.parent_id), None)
    return levels


def _context(world: SandboxWorld, caller: SignedCaller, params: Mapping[str, Any]) -> dict[str, str]:
    """Return the context keys that AWS would set; a long-term key sets none about MFA."""
    context = {
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalOrgID": world.ids.organization(),
        "aws:SecureTransport": "false",
        "aws:SourceIp": "127.0.0.1",
        "aws:userid": caller.user_id,
    }
    if caller.user is not None:
        context |= {"aws:username": caller.user.name, "aws:PrincipalType": "User"}
        context |= {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in caller.user.tags or []}
    else:
        context["aws:PrincipalType"] = "AssumedRole"
        context["aws:PrincipalArn"] = caller.role.arn if caller.role else caller.arn
    if caller.session is not None:
        context["aws:MultiFactorAuthPresent"] = "true" if caller.session.mfa else "false"
    elif caller.user is not None and is_right_code(
        caller.user, params.get("SerialNumber"), params.get("TokenCode")
    ):
        context["aws:MultiFactorAuthPresent"] = (
            "true"  # a code passed to AssumeRole counts for the call itself
        )
    if "PolicyArn" in params:
        context["iam:PolicyARN"] = params["PolicyArn"]
    if "PermissionsBoundary" in params:
        context["iam:PermissionsBoundary"] = params["PermissionsBoundary"]
    return context


def _resource(
    world: SandboxWorld, caller: SignedCaller, service: str, action: str, params: Mapping[str, Any]
) -> str:
    """Return the ARN that the action is authorized on, or `*` (Service Authorization Reference)."""
    if service == "sts":
        return str(params.get("RoleArn", "*"))
    if service != "iam" or action in _ON_EVERYTHING:
        return "*"
    iam, prefix = world.iam(caller.account), f"arn:aws:iam::{caller.account}:"
    if "GroupName" in params:
        group = iam.groups.get(params["GroupName"])
        return group.arn if group else f"{prefix}group{params.get('Path') or '/'}{params['GroupName']}"
    if "RoleName" in params:
        role = next((role for role in iam.roles.values() if role.name == params["RoleName"]), None)
        return role.arn if role else f"{prefix}role{params.get('Path') or '/'}{params['RoleName']}"
    if "UserName" in params:
        user = iam.users.get(params["UserName"])
        return user.arn if user else f"{prefix}user{params.get('Path') or '/'}{params['UserName']}"
    if action == "CreatePolicy":
        return f"{prefix}policy{params.get('Path') or '/'}{params.get('PolicyName')}"
    if action == "CreateVirtualMFADevice":
        return f"{prefix}mfa{params.get('Path') or '/'}{params.get('VirtualMFADeviceName')}"
    if params.get("AllUsers"):
        return f"{prefix}user/*"
    if action == "GetAccessKeyLastUsed":
        key = iam.access_keys.get(params.get("AccessKeyId", ""))
        return iam.users[key.user_name].arn if key and key.user_name in iam.users else "*"
    if action in _ON_SELF and caller.user is not None:
        return caller.user.arn
    return str(params.get("PolicyArn") or params.get("SerialNumber") or "*")


# Without a user name, these act on the caller. ListMFADevices does not: see aws-cli issue 6947.
_ON_SELF = {"GetUser", "ListAccessKeys", "CreateAccessKey", "ChangePassword", "GetLoginProfile"}
