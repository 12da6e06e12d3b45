"""GetAccountAuthorizationDetails against aws-facts.md#inventory-calls."""

from typing import Any

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import HUB, PAYMENTS, STOREFRONT, TEST, iam_of


def details(iam: Any, **asked: Any) -> dict[str, Any]:
    pages = iam.get_paginator("get_account_authorization_details").paginate(**asked)
    found: dict[str, Any] = pages.build_full_result()
    return found


def test_it_is_cut_into_pages_and_says_so(sandbox: Sandbox):
    iam = iam_of(sandbox, HUB)
    first = iam.get_account_authorization_details(MaxItems=1000)
    assert first["IsTruncated"]
    assert len(first["UserDetailList"]) < 60
    assert 60 == len(details(iam)["UserDetailList"])


def test_a_page_is_as_short_as_asked(sandbox: Sandbox):
    page = iam_of(sandbox, HUB).get_account_authorization_details(MaxItems=3)
    assert 3 == len(page["UserDetailList"])
    assert page["Marker"]


def test_pages_do_not_overlap(sandbox: Sandbox):
    found = details(iam_of(sandbox, PAYMENTS), PaginationConfig={"PageSize": 4})
    names = [user["UserName"] for user in found["UserDetailList"]]
    assert 20 == len(names) == len(set(names))


def test_a_filter_leaves_the_other_lists_out(sandbox: Sandbox):
    found = details(iam_of(sandbox, PAYMENTS), Filter=["Group", "LocalManagedPolicy"])
    assert {"Everyone", "Developers"} == {group["GroupName"] for group in found["GroupDetailList"]}
    assert not found.get("UserDetailList")
    assert not found.get("RoleDetailList")
    names = {policy["PolicyName"] for policy in found["Policies"]}
    assert {
        "RequireMfaEverywhere",
        "EnforceMFA",
        "MfaOrNothing",
        "DeveloperBoundary",
        "SecurityKeysOnly",
    } == names


def test_users_come_with_tags_groups_and_boundary(sandbox: Sandbox):
    users = {user["UserName"]: user for user in details(iam_of(sandbox, PAYMENTS))["UserDetailList"]}
    nadia = users["nadia.petrova"]
    assert {"Key": "email", "Value": "nadia.petrova@example.com"} in nadia["Tags"]
    assert ["Everyone"] == nadia["GroupList"]
    assert {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": f"arn:aws:iam::{PAYMENTS}:policy/boundaries/DeveloperBoundary",
    } == nadia["PermissionsBoundary"]
    assert "PermissionsBoundary" not in users["ida.nilsen"]
    inline = users["greta.vogel"]["UserPolicyList"][0]
    assert "NothingWithoutMfa" == inline["PolicyName"]
    assert isinstance(inline["PolicyDocument"], dict)


def test_users_have_their_paths_and_ids(sandbox: Sandbox):
    users = {user["UserName"]: user for user in details(iam_of(sandbox, HUB))["UserDetailList"]}
    rita = users["rita.santos"]
    assert ("/team/payments/", f"arn:aws:iam::{HUB}:user/team/payments/rita.santos") == (
        rita["Path"],
        rita["Arn"],
    )
    assert rita["UserId"].startswith("AIDA")
    assert 21 == len(rita["UserId"])


def test_policies_have_names_ids_and_the_default_version(sandbox: Sandbox):
    policies = {policy["PolicyName"]: policy for policy in details(iam_of(sandbox, TEST))["Policies"]}
    clash = policies["ForceMFA"]
    assert clash["PolicyId"].startswith("ANPA")
    assert (1, 0) == (clash["AttachmentCount"], clash["PermissionsBoundaryUsageCount"])
    (version,) = [one for one in clash["PolicyVersionList"] if one["IsDefaultVersion"]]
    assert clash["DefaultVersionId"] == version["VersionId"]
    assert isinstance(version["Document"], dict)


def test_policies_of_aws_are_there_where_they_are_in_use(sandbox: Sandbox):
    found = details(iam_of(sandbox, STOREFRONT), Filter=["AWSManagedPolicy"])["Policies"]
    names = {policy["PolicyName"] for policy in found}
    assert {"AdministratorAccess", "ReadOnlyAccess", "AmazonS3ReadOnlyAccess"} == names


def test_a_policy_that_only_bounds_is_in_use_too(sandbox: Sandbox):
    found = details(iam_of(sandbox, PAYMENTS), Filter=["LocalManagedPolicy"])["Policies"]
    boundary = next(policy for policy in found if policy["PolicyName"] == "DeveloperBoundary")
    assert (0, 1) == (boundary["AttachmentCount"], boundary["PermissionsBoundaryUsageCount"])
