"""Fills moto with the described organization in-process, which takes a tenth of the time of doing it by API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollout.sandbox.world.seed_account import seed_account
from rollout.sandbox.world.world import AccountFacts, World

if TYPE_CHECKING:
    from moto.organizations.models import FakeOrganizationalUnit

    from rollout.sandbox.world.blueprint import Account, Blueprint

_CONTROL = "SERVICE_CONTROL_POLICY"
# A closed account keeps its old status: State and Status differ (OUG, Monitor the state of your AWS accounts).
_STATUS_OF_STATE = {"CLOSED": "SUSPENDED"}


def seed(world: World, blueprint: Blueprint) -> None:
    """Make the organization, then fill every account."""
    units = _seed_organization(world, blueprint)
    for account in blueprint.accounts:
        _seed_membership(world, account, units)
    for account in blueprint.accounts:
        seed_account(world, blueprint, account)
    _seed_control_policies(world, blueprint, units)
    for delegation in blueprint.delegated_administrators:
        world.organizations.register_delegated_administrator(
            AccountId=delegation.account, ServicePrincipal=delegation.service
        )


def _seed_organization(world: World, blueprint: Blueprint) -> dict[str, FakeOrganizationalUnit]:
    """Make the root and the tree of OUs; they are known by their path of names from here on."""
    organizations = world.organizations
    world.planned_accounts.append(world.management_id)
    organizations.create_organization(region="us-east-1", FeatureSet="ALL")
    if organizations.org is not None:  # it was just made, which the types cannot know
        organizations.org.master_account_email = blueprint.management.email
    root = organizations.ou[0]
    organizations.enable_policy_type(RootId=root.id, PolicyType=_CONTROL)
    units = {"": root}
    wanted = {account.ou for account in blueprint.accounts} | set(blueprint.organizational_units)
    for path in sorted(wanted - {""}):
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            here, above = "/".join(names[:depth]), "/".join(names[: depth - 1])
            if here not in units:
                organizations.create_organizational_unit(Name=names[depth - 1], ParentId=units[above].id)
                units[here] = organizations.ou[-1]
                units[here].id = world.ids.organizational_unit(here)
    return units


def _seed_membership(world: World, account: Account, units: dict[str, FakeOrganizationalUnit]) -> None:
    """Make the account a member, as it joined and as it stands today."""
    organizations = world.organizations
    if account.id == world.management_id:
        member = organizations.accounts[0]
    else:
        world.planned_accounts.append(account.id)
        organizations.create_account(AccountName=account.name, Email=account.email)
        member = organizations.accounts[-1]
    member.name, member.email = account.name, account.email
    member.joined_method = "INVITED" if account.invited else "CREATED"
    member.create_time = account.joined.replace(tzinfo=None)
    member.state, member.status = account.state, _STATUS_OF_STATE.get(account.state, account.state)
    member.parent_id = units[account.ou].id
    member.tags = dict(account.tags)
    world.accounts[account.id] = AccountFacts(created=account.joined, root=account.root)


def _seed_control_policies(
    world: World, blueprint: Blueprint, units: dict[str, FakeOrganizationalUnit]
) -> None:
    organizations = world.organizations
    for policy in blueprint.service_control_policies:
        organizations.create_policy(
            Name=policy.name,
            Description=policy.description,
            Type=_CONTROL,
            Content=json.dumps(policy.document),
        )
        made = organizations.policies[-1]
        made.id = world.ids.organization_policy(policy.name)
        for target in policy.attached_to:
            target_id = units[target].id if target in units else target
            organizations.attach_policy(PolicyId=made.id, TargetId=target_id)
