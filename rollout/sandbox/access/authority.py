"""Weighs a request by the caller's policies, with the evaluator of the product: that shows the mechanics, not AWS.

moto ignores conditions, variables, boundaries, session policies and SCPs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rollout.domain.iam import (
    Allowed,
    Context,
    Decision,
    Document,
    ExplicitlyDenied,
    ImplicitlyDenied,
    Policies,
    Request,
    Undecided,
    evaluate,
    parse_document,
)
from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.access.one_time_codes import take_code
from rollout.sandbox.world.sandbox_clock import real_now

if TYPE_CHECKING:
    from moto.iam.models import Group, IAMBackend, Role, User

    from rollout.sandbox.access.callers import SignedCaller
    from rollout.sandbox.access.signatures import Signature
    from rollout.sandbox.world.world import SandboxWorld

# AWS allows this regardless of policies, even of a Deny (STS API reference).
_ALWAYS = "sts:GetCallerIdentity"
# This needs no Allow, but can be denied (STS API reference; aws-facts.md#caveats).
_WITHOUT_ALLOW = "sts:GetSessionToken"
# Actions that name a user, group or policy in the request, but are authorized on `*` (Service Authorization Reference).
_ON_EVERYTHING = {
    "ListVirtualMFADevices",
    "GetAccountAuthorizationDetails",
    "ListUsers",
    "ListGroups",
    "ListRoles",
}
_IN_MESSAGES = {
    "identity": "identity-based policy",
    "boundary": "permissions boundary",
    "scp": "service control policy",
    "session": "session policy",
}


def authorize(
    world: SandboxWorld, caller: SignedCaller, signature: Signature, action: str, params: Mapping[str, Any]
) -> None:
    """Raise AwsError for a request that the caller's policies do not allow, and for a code that is wrong."""
    service = signature.service
    if service == "iam" and caller.session is not None and caller.user is not None and not caller.session.mfa:
        # A session of GetSessionToken without MFA cannot call IAM at all (aws-facts.md#when-the-keys-exist).
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid")
    with_code = service == "sts" and _shows_code(world, caller, params)
    asked = Request(
        f"{service}:{action}",
        _resource(world, caller, service, action, params),
        caller.arn,
        # A code counts for the call itself only where a role is assumed (aws-facts.md#when-the-keys-exist).
        Context(
            {
                **_context(world, caller, params, with_code=with_code and action == "AssumeRole"),
                "aws:RequestedRegion": signature.region,
            }
        ),
    )
    if asked.action == _ALWAYS:
        return
    decision = evaluate(rights_of(world, caller), asked)
    if isinstance(decision, Allowed) or (
        isinstance(decision, ImplicitlyDenied) and asked.action == _WITHOUT_ALLOW
    ):
        return
    raise AwsError(
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {asked.action} on resource: {asked.resource} "
        f"{_because(decision, asked.action)}",
    )


def _because(decision: Decision, action: str) -> str:
    match decision:
        case ExplicitlyDenied(because=(first, *_)):
            arn = f": {first.document}" if first.document.startswith("arn:") else ""
            return f"with an explicit deny in a {_IN_MESSAGES[first.kind]}{arn}".replace("a i", "an i")
        case ImplicitlyDenied(silent=(first, *_)):
            return f"because no {_IN_MESSAGES[first.kind]} allows the {action} action"
        case Undecided(unknown=unknown):
            return f"because the sandbox cannot tell: it turns on {', '.join(unknown)}"
        case _:
            return ""


def _shows_code(world: SandboxWorld, caller: SignedCaller, params: Mapping[str, Any]) -> bool:
    """Tell whether the request has a right code, which it uses up. Raises AwsError for a wrong one."""
    serial = params.get("SerialNumber")
    if not serial:
        return False
    if caller.user is None or caller.session is not None:
        raise AwsError("AccessDenied", "MultiFactorAuthentication failed, the caller is no IAM user.")
    if serial not in caller.user.mfa_devices:
        raise AwsError(
            "AccessDenied",
            "MultiFactorAuthentication failed, unable to validate MFA code.  "
            "Please verify your MFA serial number is valid and associated with this user.",
        )
    if not take_code(world, caller.user, serial, str(params.get("TokenCode"))):
        message = "MultiFactorAuthentication failed with invalid MFA one time pass code."
        raise AwsError("AccessDenied", f"{message} ")
    return True


def rights_of(world: SandboxWorld, caller: SignedCaller) -> Policies:
    """Collect the identity policies, the permissions boundary, the session policy and the SCPs."""
    iam = world.iam(caller.account)
    boundary = None
    if caller.user is not None:
        holders: list[User | Role | Group] = [caller.user, *iam.get_groups_for_user(caller.user.name)]
        bounding = world.facts(caller.account).boundaries.get(caller.user.id)
        boundary = _default_version(iam, bounding) if bounding else None
    else:
        holders = [caller.role] if caller.role else []
        if caller.role and caller.role.permissions_boundary_arn:
            boundary = _default_version(iam, caller.role.permissions_boundary_arn)
    session = caller.session.policy if caller.session else None
    return Policies(
        tuple(_held(iam, holders)),
        boundary,
        tuple(_control_levels(world, caller.account)),
        _parsed(session, "session policy") if session is not None else None,
    )


def _held(iam: IAMBackend, holders: Iterable[User | Role | Group]) -> Iterator[Document]:
    for holder in holders:
        for name, text in holder.policies.items():
            yield _parsed(text, f"inline policy {name} of {holder.name}")
        for arn in holder.managed_policies:
            yield _default_version(iam, arn)


def _default_version(iam: IAMBackend, arn: str) -> Document:
    versions = iam.managed_policies[arn].versions
    return _parsed(next(version.document for version in versions if version.is_default), arn)


@lru_cache(maxsize=4096)
def _parsed(text: str, name: str) -> Document:
    return parse_document(text, name)


def _control_levels(world: SandboxWorld, account: str) -> Iterator[tuple[Document, ...]]:
    """Yield the SCPs of each level; none apply to the management account."""
    if account == world.management_id:
        return
    organizations = world.organizations
    target: Any = next((member for member in organizations.accounts if member.id == account), None)
    while target is not None:
        yield tuple(
            _parsed(policy.content, policy.arn)
            for policy in target.attached_policies
            if policy.type == "SERVICE_CONTROL_POLICY"
        )
        target = next((unit for unit in organizations.ou if unit.id == target.parent_id), None)


def _context(
    world: SandboxWorld, caller: SignedCaller, params: Mapping[str, Any], *, with_code: bool
) -> dict[str, str]:
    """Return the context keys that AWS would set; a long-term key sets none about MFA."""
    context = {
        **principal_context(world, caller),
        "aws:SecureTransport": "false",
        "aws:SourceIp": "127.0.0.1",
        "aws:userid": caller.user_id,
    }
    if caller.session is not None and caller.session.federated:
        context["aws:PrincipalType"] = "FederatedUser"
    elif caller.user is not None:
        context |= {"aws:username": caller.user.name, "aws:PrincipalType": "User"}
        context |= {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in caller.user.tags or []}
    else:
        context["aws:PrincipalType"] = "AssumedRole"
    if caller.session is not None:
        context["aws:MultiFactorAuthPresent"] = "true" if caller.session.mfa else "false"
        if caller.session.mfa:
            age = (real_now() - caller.session.began).total_seconds()
            context["aws:MultiFactorAuthAge"] = str(int(age))
    elif with_code:
        context |= {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"}
    if "PolicyArn" in params:
        context["iam:PolicyARN"] = params["PolicyArn"]
    if "PermissionsBoundary" in params:
        context["iam:PermissionsBoundary"] = params["PermissionsBoundary"]
    return context


def principal_context(world: SandboxWorld, caller: SignedCaller) -> dict[str, str]:
    """Return the context keys that tell who calls; of a session of a role, the role."""
    return {
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": caller.role.arn
        if caller.user is None and caller.role is not None
        else caller.arn,
        "aws:PrincipalOrgID": world.ids.organization(),
    }


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
