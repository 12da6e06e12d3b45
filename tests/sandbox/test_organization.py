"""Organizations against aws-facts.md#organizations: pages, states, paths, and who may look."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import (
    ACQUIRED,
    CLOSED,
    DEV,
    FROZEN,
    HUB,
    MANAGEMENT,
    PARTNER,
    PAYMENTS,
    PLAYGROUND,
    STOREFRONT,
    as_operator,
    client,
    entered,
    refused,
)

SCP = "SERVICE_CONTROL_POLICY"


@pytest.fixture
def organizations(sandbox: Sandbox) -> Any:
    return as_operator(sandbox, "organizations")


def pages(call: Any, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every page to the end, which only a missing NextToken means."""
    token: dict[str, str] = {}
    while True:
        page = call(**asked, **token)
        yield page
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def everything(call: Any, key: str, **asked: Any) -> list[dict[str, Any]]:
    return [item for page in pages(call, **asked) for item in page[key]]


def test_the_organization_is_described_to_every_member(sandbox: Sandbox, organizations: Any):
    described = organizations.describe_organization()["Organization"]
    assert sandbox.organization_id == described["Id"]
    assert MANAGEMENT == described["MasterAccountId"]
    assert "ALL" == described["FeatureSet"]
    member = client("organizations", entered(sandbox.environment(), STOREFRONT))
    assert described == member.describe_organization()["Organization"]


def test_only_the_management_account_and_delegated_administrators_may_list(sandbox: Sandbox):
    with refused("AccessDeniedException", 400):
        client("organizations", entered(sandbox.environment(), STOREFRONT)).list_accounts()
    delegated = client("organizations", entered(sandbox.environment(), HUB))
    assert 13 == len(everything(delegated.list_accounts, "Accounts"))
    with refused("AccessDeniedException", 400):
        delegated.close_account(AccountId=DEV)


def test_accounts_come_in_short_pages_and_one_of_them_is_empty(organizations: Any):
    """An empty page can still carry a NextToken."""
    sizes = [len(page["Accounts"]) for page in pages(organizations.list_accounts)]
    assert [5, 0, 5, 3] == sizes
    assert [2, 0, 2, 2, 2, 2, 2, 1] == [
        len(page["Accounts"]) for page in pages(organizations.list_accounts, MaxResults=2)
    ]
    with refused("InvalidInputException", 400):
        organizations.list_accounts(MaxResults=50)


def test_state_and_status_differ_for_a_closed_account(organizations: Any):
    accounts = {one["Id"]: one for one in everything(organizations.list_accounts, "Accounts")}
    assert ("CLOSED", "SUSPENDED") == (accounts[CLOSED]["State"], accounts[CLOSED]["Status"])
    assert ("SUSPENDED", "SUSPENDED") == (accounts[FROZEN]["State"], accounts[FROZEN]["Status"])
    assert ("ACTIVE", "ACTIVE") == (accounts[HUB]["State"], accounts[HUB]["Status"])
    assert {PARTNER, ACQUIRED} == {key for key, one in accounts.items() if one["JoinedMethod"] == "INVITED"}
    assert "<script>alert(1)</script>" == accounts[PLAYGROUND]["Name"]


def test_paths_lead_from_the_organization_to_the_account(sandbox: Sandbox, organizations: Any):
    account = organizations.describe_account(AccountId=PAYMENTS)["Account"]
    (path,) = account["Paths"]
    organization, root, workloads, prod, payments, account_id, rest = path.split("/")
    assert (sandbox.organization_id, PAYMENTS, "") == (organization, account_id, rest)
    assert root.startswith("r-")
    names = [
        organizations.describe_organizational_unit(OrganizationalUnitId=unit)["OrganizationalUnit"]["Name"]
        for unit in (workloads, prod, payments)
    ]
    assert ["Workloads", "Prod", "Payments"] == names


def test_the_tree_can_be_walked_in_pages(organizations: Any):
    (root,) = organizations.list_roots()["Roots"]
    assert [{"Type": SCP, "Status": "ENABLED"}] == root["PolicyTypes"]

    def below(parent: str, path: str) -> Iterator[tuple[str, str]]:
        for account in everything(organizations.list_accounts_for_parent, "Accounts", ParentId=parent):
            yield account["Id"], path
        units = everything(
            organizations.list_organizational_units_for_parent, "OrganizationalUnits", ParentId=parent
        )
        for unit in units:
            yield from below(unit["Id"], f"{path}/{unit['Name']}".strip("/"))

    found = dict(below(root["Id"], ""))
    assert 13 == len(found)
    assert "" == found[MANAGEMENT]
    assert "Workloads/Prod/Payments" == found[PAYMENTS]
    assert "Acquired/Partners" == found[PARTNER]
    first = organizations.list_organizational_units_for_parent(ParentId=root["Id"])
    assert "NextToken" in first


def test_parents_and_tags_of_an_account(organizations: Any):
    (parent,) = organizations.list_parents(ChildId=PAYMENTS)["Parents"]
    assert "ORGANIZATIONAL_UNIT" == parent["Type"]
    tags = organizations.list_tags_for_resource(ResourceId=PAYMENTS)["Tags"]
    assert [{"Key": "criticality", "Value": "high"}] == tags


def test_full_access_hangs_everywhere(organizations: Any):
    targets = everything(organizations.list_targets_for_policy, "Targets", PolicyId="p-FullAWSAccess")
    kinds = [target["Type"] for target in targets]
    assert (1, 13) == (kinds.count("ROOT"), kinds.count("ACCOUNT"))
    assert kinds.count("ORGANIZATIONAL_UNIT") >= 12
    described = organizations.describe_policy(PolicyId="p-FullAWSAccess")["Policy"]
    assert described["PolicySummary"]["AwsManaged"]
    assert described["PolicySummary"]["Arn"].startswith("arn:aws:organizations::aws:policy/")


def test_control_policies_are_listed_described_and_found_by_target(organizations: Any):
    policies = {one["Name"]: one for one in everything(organizations.list_policies, "Policies", Filter=SCP)}
    assert {"FullAWSAccess", "KeepToOurRegions", "NoIamForUsers"} == set(policies)
    blocking = policies["NoIamForUsers"]["Id"]
    document = json.loads(organizations.describe_policy(PolicyId=blocking)["Policy"]["Content"])
    assert "iam:*" == document["Statement"][0]["Action"]
    (target,) = everything(organizations.list_targets_for_policy, "Targets", PolicyId=blocking)
    assert "Partners" == target["Name"]
    names = {
        one["Name"]
        for one in everything(
            organizations.list_policies_for_target, "Policies", TargetId=target["TargetId"], Filter=SCP
        )
    }
    assert {"FullAWSAccess", "NoIamForUsers"} == names


def test_accounts_that_do_not_exist_are_not_found(organizations: Any):
    with refused("AccountNotFoundException", 400):
        organizations.describe_account(AccountId="123456789012")
    with refused("ParentNotFoundException", 400):
        organizations.list_accounts_for_parent(ParentId="r-0000")


def test_a_new_account_can_be_entered_until_it_is_closed(sandbox: Sandbox, organizations: Any):
    made = organizations.create_account(AccountName="new", Email="new@example.com")["CreateAccountStatus"]
    inside = entered(sandbox.environment(), made["AccountId"])
    assert [] == client("iam", inside).list_users()["Users"]
    organizations.close_account(AccountId=made["AccountId"])
    assert "CLOSED" == organizations.describe_account(AccountId=made["AccountId"])["Account"]["State"]
    with refused("AccessDenied", 403):
        entered(sandbox.environment(), made["AccountId"])
