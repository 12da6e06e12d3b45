"""Fills one account's IAM with the described roles, policies, groups and users."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.iam.models import AccessKeyLastUsed, AWSManagedPolicy, MFADevice

from rollout.sandbox.world.identifiers import DESCRIBED_SEED
from rollout.sandbox.world.world import PasswordFacts, SandboxWorld, ServiceCredentialFacts

if TYPE_CHECKING:
    from moto.iam.models import Group as MotoGroup
    from moto.iam.models import IAMBackend, VirtualMfaDevice
    from moto.iam.models import Role as MotoRole
    from moto.iam.models import User as MotoUser

    from rollout.sandbox.world.blueprint import (
        Blueprint,
        DescribedAccount,
        DescribedDevice,
        DescribedKey,
        DescribedPolicy,
        DescribedRole,
        DescribedUser,
    )


def seed_account(world: SandboxWorld, blueprint: Blueprint, account: DescribedAccount) -> None:
    """Create everything that the description lists for an account, in moto and in the world."""
    iam = world.iam(account.id)
    iam.roles.clear()  # moto creates the standard role in every account, but the description decides
    _seed_policies(world, blueprint, account)
    for role in account.roles:
        _seed_role(world, account.id, role)
    for described in account.groups:
        group = iam.create_group(described.name, described.path)
        group.id = world.group_id(account.id, described.name)
        group.create_date = naive(account.joined)
        _hang(world, account.id, group, described.policies, described.inline)
    for user in account.users:
        _seed_user(world, account.id, user)
    facts = world.facts(account.id)
    if account.console_authorization:
        facts.console_authorization[account.id] = True
    facts.sign_in_policy.extend(account.sign_in_policy)
    for name in account.unassigned_devices:
        _seed_virtual_device(iam, name)
    if account.root.mfa == "totp":
        device = _seed_virtual_device(iam, "root-account-mfa-device")
        device.enable_date = naive(account.joined)
    if account.password_policy:
        rules = account.password_policy
        iam.update_account_password_policy(
            allow_change_password=rules.users_may_change,
            hard_expiry=rules.hard_expiry,
            max_password_age=rules.max_age_days,
            minimum_password_length=rules.minimum_length,
            password_reuse_prevention=24,
            require_lowercase_characters=True,
            require_numbers=True,
            require_symbols=True,
            require_uppercase_characters=True,
        )


def naive(moment: datetime) -> datetime:
    """Drop the time zone, as moto does in its dates."""
    return moment.replace(tzinfo=None)


def policy_arn(account: str, iam: IAMBackend, name: str) -> str:
    """Return the ARN of a policy by name, the account's own policies first. Raises LookupError."""
    for policy in iam.managed_policies.values():
        if policy.name == name:
            return policy.arn
    msg = f"account {account} has no policy {name}"
    raise KeyError(msg)


def _seed_policies(world: SandboxWorld, blueprint: Blueprint, account: DescribedAccount) -> None:
    """Create AWS's policies and the account's own."""
    seed_policies_of_aws(world, account.id)
    iam = world.iam(account.id)
    for name in sorted(_used_policies(account) & blueprint.customer_managed_policies.keys()):
        described = blueprint.customer_managed_policies[name]
        tags = [{"Key": key, "Value": value} for key, value in described.tags.items()]
        policy = iam.create_policy(
            described.description, described.path, json.dumps(described.document), name, tags=tags
        )
        policy.id = world.policy_id(account.id, name)
        policy.create_date = policy.update_date = naive(account.joined)
        policy.versions[0].create_date = naive(account.joined)


def seed_policies_of_aws(world: SandboxWorld, account_id: str) -> None:
    """Create the AWS managed policies in use; all of moto's would take a hundred megabytes per account."""
    iam = world.iam(account_id)
    for name, described in world.policies_of_aws.items():
        managed = AWSManagedPolicy.from_data(name, account_id, "us-east-1", _as_aws_data(described))
        managed.id, managed.description = world.ids.policy("aws", name), described.description
        iam.managed_policies[managed.arn] = managed


def _as_aws_data(described: DescribedPolicy) -> dict[str, Any]:
    """Convert a policy into an entry of moto's list of AWS managed policies."""
    return {
        "DefaultVersionId": "v1",
        "Path": described.path,
        "Document": described.document,
        "CreateDate": "2015-02-06T18:39:46",
        "UpdateDate": "2015-02-06T18:39:46",
    }


def _used_policies(account: DescribedAccount) -> set[str]:
    """Return the names of the policies that the account owns, attaches, or uses as permissions boundaries."""
    attached = [group.policies for group in account.groups]
    attached += [role.policies for role in account.roles]
    attached += [user.policies for user in account.users]
    boundaries = {user.boundary for user in account.users if user.boundary}
    return {*account.policies, *boundaries, *(name for names in attached for name in names)}


def _seed_role(world: SandboxWorld, account_id: str, described: DescribedRole) -> None:
    trusted = (
        f"arn:aws:iam::{world.management_id}:root" if described.trusts == "management" else described.trusts
    )
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": trusted},
        "Action": "sts:AssumeRole",
    }
    if described.external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": described.external_id}}
    iam = world.iam(account_id)
    role = iam.create_role(
        described.name,
        json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration=str(described.max_session),
    )
    del iam.roles[role.id]
    role.id = world.ids.role(account_id, described.name)
    role.create_date = naive(world.facts(account_id).created)
    iam.roles[role.id] = role
    _hang(world, account_id, role, described.policies, {})


def _hang(
    world: SandboxWorld,
    account_id: str,
    holder: MotoRole | MotoGroup | MotoUser,
    policies: tuple[str, ...],
    inline: dict[str, dict[str, Any]],
) -> None:
    """Attach managed policies, and write inline policies."""
    iam = world.iam(account_id)
    for name in policies:
        iam.managed_policies[policy_arn(account_id, iam, name)].attach_to(holder)
    for name, document in inline.items():
        holder.put_policy(name, json.dumps(document))


def _seed_user(world: SandboxWorld, account_id: str, described: DescribedUser) -> None:
    iam, facts = world.iam(account_id), world.facts(account_id)
    tags = dict(described.tags)
    if described.email:
        tags["email"] = described.email
    user = iam.create_user(
        "us-east-1",
        described.name,
        described.path,
        [{"Key": key, "Value": value} for key, value in tags.items()],
    )
    user.id = world.user_id(account_id, described.name)
    user.create_date = naive(described.created)
    _hang(world, account_id, user, described.policies, described.inline)
    for group in described.groups:
        iam.add_user_to_group(group, described.name)
    if described.boundary:
        facts.boundaries[user.id] = policy_arn(account_id, iam, described.boundary)
    if described.password:
        password = described.password
        facts.passwords[user.id] = PasswordFacts(
            password.created, password.changed, password.used, password.reset_required
        )
    for key in described.keys:
        _seed_key(world, account_id, user, key)
    for device in described.devices:
        _seed_device(world, account_id, user, device)
    for credential in described.service_credentials:
        facts.service_credentials.append(
            ServiceCredentialFacts(
                world.credential_id(account_id, user.name),
                user.id,
                credential.service,
                credential.created,
                credential.status,
                credential.expires,
            )
        )


def _seed_key(world: SandboxWorld, account_id: str, user: MotoUser, described: DescribedKey) -> None:
    iam = world.iam(account_id)
    key = iam.create_access_key(user.name, status=described.status)
    del iam.access_keys[key.access_key_id]
    key.access_key_id = world.key_id(account_id, user.name)
    key.secret_access_key = world.ids.secret(key.access_key_id)
    key.create_date = naive(described.created)
    if described.used:
        key.last_used = AccessKeyLastUsed(naive(described.used), described.service, described.region)
    iam.access_keys[key.access_key_id] = key
    if described.calls:
        world.facts(account_id).calls[key.access_key_id] = described.calls


def _seed_device(world: SandboxWorld, account_id: str, user: MotoUser, described: DescribedDevice) -> None:
    iam = world.iam(account_id)
    name = described.name or user.name
    if described.kind == "totp":
        device = _seed_virtual_device(iam, name)
        device.enable_date, device.user = naive(described.enabled), user
        serial = device.serial_number
    elif described.kind == "passkey":
        suffix = world.ids.passkey(account_id, user.name, name)
        serial = f"arn:aws:iam::{account_id}:u2f/user/{user.name}/{name}-{suffix}"
    elif described.kind == "sms":
        serial = f"arn:aws:iam::{account_id}:sms-mfa/{name}"
    else:
        serial = name
    enabled = MFADevice(serial, "", "")
    enabled.enable_date = naive(described.enabled)
    user.mfa_devices[serial] = enabled


def _seed_virtual_device(iam: IAMBackend, name: str) -> VirtualMfaDevice:
    device = iam.create_virtual_mfa_device(name, "/")
    device.base32_string_seed = DESCRIBED_SEED
    return device
