"""What enforcement writes: policies, versions, groups and attachments.

Held against aws-facts.md#quotas-and-rates and aws-facts.md#errors-and-retries.
"""

import json
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import HUB, PLAYGROUND, TEST, iam_of, refused

ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}}
)
SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"


@pytest.fixture
def hub(sandbox: Sandbox) -> Any:
    return iam_of(sandbox, HUB)


def made(iam: Any, name: str, **more: Any) -> str:
    return str(iam.create_policy(PolicyName=name, PolicyDocument=ALLOW, **more)["Policy"]["Arn"])


def test_a_policy_has_at_most_five_versions(hub: Any):
    arn = made(hub, "Versions")
    for _ in range(4):
        hub.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW, SetAsDefault=True)
    with refused("LimitExceeded", 409):
        hub.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW)
    versions = hub.list_policy_versions(PolicyArn=arn)["Versions"]
    assert ["v5", "v4", "v3", "v2", "v1"] == [one["VersionId"] for one in versions]
    assert ["v5"] == [one["VersionId"] for one in versions if one["IsDefaultVersion"]]
    with refused("DeleteConflict", 409):
        hub.delete_policy_version(PolicyArn=arn, VersionId="v5")
    hub.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert (
        "v6" == hub.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW)["PolicyVersion"]["VersionId"]
    )


def test_the_default_version_can_be_set_back(hub: Any):
    arn = made(hub, "Brake")
    hub.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW, SetAsDefault=True)
    hub.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert "v1" == hub.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = hub.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert json.loads(ALLOW) == document
    with refused("NoSuchEntity", 404):
        hub.set_default_policy_version(PolicyArn=arn, VersionId="v9")


def test_a_policy_has_at_most_6144_characters_without_white_space(hub: Any):
    def padded(size: int) -> str:
        bare = json.loads(ALLOW)
        bare["Statement"]["Sid"] = ""
        bare["Statement"]["Sid"] = "x" * (size - len(json.dumps(bare, separators=(",", ":"))))
        return json.dumps(bare, indent=4)

    hub.create_policy(PolicyName="JustFits", PolicyDocument=padded(6144))
    with refused("LimitExceeded", 409):
        hub.create_policy(PolicyName="TooLong", PolicyDocument=padded(6145))


def test_a_policy_must_be_one(hub: Any):
    with refused("MalformedPolicyDocument", 400):
        hub.create_policy(PolicyName="Broken", PolicyDocument="{")


def test_a_name_is_taken_once(hub: Any):
    made(hub, "Twice")
    with refused("EntityAlreadyExists", 409):
        made(hub, "Twice")
    hub.create_group(GroupName="Twice", Path="/rollout/")
    with refused("EntityAlreadyExists", 409):
        hub.create_group(GroupName="twice", Path="/elsewhere/")


def test_the_foreign_group_stands_in_the_way_on_any_path(sandbox: Sandbox):
    iam = iam_of(sandbox, PLAYGROUND)
    assert "/" == iam.get_group(GroupName="ForceMFA")["Group"]["Path"]
    with refused("EntityAlreadyExists", 409):
        iam.create_group(GroupName="ForceMFA", Path="/rollout/")
    with refused("EntityAlreadyExists", 409):
        iam_of(sandbox, TEST).create_policy(PolicyName="ForceMFA", PolicyDocument=ALLOW)


def test_tags_of_policies(hub: Any):
    arn = made(hub, "Tagged", Tags=[{"Key": "rollout:plan", "Value": "k3f9"}], Description="ours")
    hub.tag_policy(PolicyArn=arn, Tags=[{"Key": "rollout:version", "Value": "1"}])
    tags = {tag["Key"]: tag["Value"] for tag in hub.list_policy_tags(PolicyArn=arn)["Tags"]}
    assert {"rollout:plan": "k3f9", "rollout:version": "1"} == tags
    described = hub.get_policy(PolicyArn=arn)["Policy"]
    assert ("ours", 2) == (described["Description"], len(described["Tags"]))
    assert described["PolicyId"].startswith("ANPA")


def test_attaching_twice_counts_once(hub: Any):
    arn = made(hub, "Once")
    for _ in range(2):
        hub.attach_user_policy(UserName="ben.okafor", PolicyArn=arn)
        hub.attach_group_policy(GroupName="Contractors", PolicyArn=arn)
    assert 2 == hub.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"]
    hub.detach_user_policy(UserName="ben.okafor", PolicyArn=arn)
    with refused("NoSuchEntity", 404):
        hub.detach_user_policy(UserName="ben.okafor", PolicyArn=arn)
    with refused("DeleteConflict", 409):
        hub.delete_policy(PolicyArn=arn)
    hub.detach_group_policy(GroupName="Contractors", PolicyArn=arn)
    hub.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", 404):
        hub.get_policy(PolicyArn=arn)


def test_a_policy_with_other_versions_is_not_deleted(hub: Any):
    arn = made(hub, "Layered")
    hub.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW)
    with refused("DeleteConflict", 409):
        hub.delete_policy(PolicyArn=arn)


def test_an_eleventh_policy_is_one_too_many(hub: Any):
    with refused("LimitExceeded", 409):
        hub.attach_user_policy(UserName="victor.crowded", PolicyArn=made(hub, "Eleventh"))
    hub.create_group(GroupName="Crowded")
    for number in range(10):
        hub.attach_group_policy(GroupName="Crowded", PolicyArn=made(hub, f"Crowd{number}"))
    with refused("LimitExceeded", 409):
        hub.attach_group_policy(GroupName="Crowded", PolicyArn=SECURITY_AUDIT)


def test_an_eleventh_group_is_one_too_many(hub: Any):
    hub.create_group(GroupName="Room", Path="/rollout/")
    with refused("LimitExceeded", 409):
        hub.add_user_to_group(GroupName="Room", UserName="ursula.vance")
    groups = hub.list_groups_for_user(UserName="ursula.vance")["Groups"]
    assert 10 == len(groups)


def test_members_are_added_once_and_taken_out_once(hub: Any):
    made_group = hub.create_group(GroupName="Members", Path="/rollout/")["Group"]
    assert f"arn:aws:iam::{HUB}:group/rollout/Members" == made_group["Arn"]
    assert made_group["GroupId"].startswith("AGPA")
    for _ in range(2):
        hub.add_user_to_group(GroupName="Members", UserName="ava.lindqvist")
    hub.add_user_to_group(GroupName="Members", UserName="rita.santos")
    page = hub.get_group(GroupName="Members", MaxItems=1)
    assert page["IsTruncated"]
    (second,) = hub.get_group(GroupName="Members", Marker=page["Marker"])["Users"]
    assert f"arn:aws:iam::{HUB}:user/team/payments/rita.santos" == second["Arn"]
    with refused("DeleteConflict", 409):
        hub.delete_group(GroupName="Members")
    for user in ("ava.lindqvist", "rita.santos"):
        hub.remove_user_from_group(GroupName="Members", UserName=user)
    with refused("NoSuchEntity", 404):
        hub.remove_user_from_group(GroupName="Members", UserName="ava.lindqvist")
    hub.attach_group_policy(GroupName="Members", PolicyArn=SECURITY_AUDIT)
    with refused("DeleteConflict", 409):
        hub.delete_group(GroupName="Members")
    hub.detach_group_policy(GroupName="Members", PolicyArn=SECURITY_AUDIT)
    hub.delete_group(GroupName="Members")
    with refused("NoSuchEntity", 404):
        hub.get_group(GroupName="Members")


def test_entities_of_a_policy_are_told_by_name_and_id(hub: Any):
    arn = made(hub, "Told")
    hub.create_group(GroupName="Told", Path="/rollout/")
    hub.attach_group_policy(GroupName="Told", PolicyArn=arn)
    hub.attach_user_policy(UserName="no", PolicyArn=arn)
    hub.put_user_permissions_boundary(UserName="1e3", PermissionsBoundary=arn)
    found = hub.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy")
    assert ["Told"] == [group["GroupName"] for group in found["PolicyGroups"]]
    (user,) = found["PolicyUsers"]
    assert ("no", hub.get_user(UserName="no")["User"]["UserId"]) == (user["UserName"], user["UserId"])
    bounded = hub.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert ["1e3"] == [user["UserName"] for user in bounded["PolicyUsers"]]
    page = hub.list_entities_for_policy(PolicyArn=arn, MaxItems=1)
    assert page["IsTruncated"]
    with refused("DeleteConflict", 409):
        hub.delete_policy(PolicyArn=arn)
    hub.delete_user_permissions_boundary(UserName="1e3")


def test_inline_policies_of_a_user_fit_2048_characters_together(hub: Any):
    long = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Sid": "x" * 1000, "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        }
    )
    hub.put_user_policy(UserName="-dash", PolicyName="one", PolicyDocument=long)
    hub.put_user_policy(UserName="-dash", PolicyName="one", PolicyDocument=long)
    with refused("LimitExceeded", 409):
        hub.put_user_policy(UserName="-dash", PolicyName="two", PolicyDocument=long)


def test_what_is_made_is_stamped_with_the_sandbox_time(sandbox: Sandbox, hub: Any):
    created = hub.create_policy(PolicyName="Stamped", PolicyDocument=ALLOW)["Policy"]["CreateDate"]
    assert abs((sandbox.now() - created).total_seconds()) < 30
    group = hub.create_group(GroupName="Stamped")["Group"]["CreateDate"]
    assert abs((sandbox.now() - group).total_seconds()) < 30


def test_the_summary_tells_quotas_and_true_counts(sandbox: Sandbox):
    iam = iam_of(sandbox, TEST)
    summary = iam.get_account_summary()["SummaryMap"]
    assert (6, 1, 2, 1) == tuple(summary[key] for key in ("Users", "Groups", "MFADevicesInUse", "Policies"))
    assert (10, 10, 10, 5, 6144) == tuple(
        summary[key]
        for key in (
            "GroupsPerUserQuota",
            "AttachedPoliciesPerUserQuota",
            "AttachedPoliciesPerGroupQuota",
            "VersionsPerPolicyQuota",
            "PolicySizeQuota",
        )
    )
    assert 0 == summary["AccountMFAEnabled"]
    made(iam, "Another")
    assert 2 == iam.get_account_summary()["SummaryMap"]["Policies"]


def test_list_policies_by_scope(sandbox: Sandbox):
    iam = iam_of(sandbox, PLAYGROUND)
    assert [] == iam.list_policies(Scope="Local")["Policies"]
    names = {one["PolicyName"] for one in iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"]}
    assert {"AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess"} == names
