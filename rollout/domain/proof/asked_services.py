"""Lists the harmless reads that are asked of AWS's services, and the rights for everything that is asked."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.proof.proof_users import PATH


@dataclass(frozen=True, slots=True)
class HarmlessRead:
    """A read without parameters; `operation` is as botocore names it, `action` as IAM does."""

    operation: str
    action: str


PROBE = HarmlessRead("iam:GetAccountSummary", "iam:GetAccountSummary")
"""The read by which is told whether the policy denies: one that no statement of it exempts."""
READS = (
    PROBE,
    HarmlessRead("s3:ListBuckets", "s3:ListAllMyBuckets"),
    HarmlessRead("ec2:DescribeRegions", "ec2:DescribeRegions"),
    HarmlessRead("dynamodb:ListTables", "dynamodb:ListTables"),
    HarmlessRead("sqs:ListQueues", "sqs:ListQueues"),
    HarmlessRead("sns:ListTopics", "sns:ListTopics"),
    HarmlessRead("kms:ListKeys", "kms:ListKeys"),
    HarmlessRead("logs:DescribeLogGroups", "logs:DescribeLogGroups"),
    HarmlessRead("ssm:DescribeParameters", "ssm:DescribeParameters"),
    HarmlessRead("cloudtrail:DescribeTrails", "cloudtrail:DescribeTrails"),
)
TOKENS = (
    HarmlessRead("sts:GetFederationToken", "sts:GetFederationToken"),
    HarmlessRead("sts:GetWebIdentityToken", "sts:GetWebIdentityToken"),
    HarmlessRead("sts:GetDelegatedAccessToken", "sts:GetDelegatedAccessToken"),
    HarmlessRead("signin:CreateBearerToken", "signin:CreateBearerToken"),
)
"""Other ways to a session or a token."""
THROUGH_A_SERVICE = HarmlessRead("cloudcontrol:ListResources", "cloudformation:ListResources")
"""Cloud Control API lists SNS topics with the caller's rights: a service that acts for the user, for nothing."""
SIGN_IN = ("signin:Authenticate", "signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token")
"""What `aws login` needs, and what is weighed at the sign-in to the console where console authorization is on."""
ON_OTHERS = ("iam:CreateAccessKey", "iam:DeactivateMFADevice")
"""What the users may do to each other but for the policy: so its Deny is what stops them."""


def rights_document(partition: str, account_id: str) -> dict[str, object]:
    """Return what the users may do but for the policy of this rollout."""
    anywhere = [read.action for read in (*READS, *TOKENS, THROUGH_A_SERVICE)]
    anywhere += SIGN_IN
    others = f"arn:{partition}:iam::{account_id}:user{PATH}*"
    role = f"arn:{partition}:iam::{account_id}:role{PATH}*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "AllowReads", "Effect": "Allow", "Action": anywhere, "Resource": "*"},
            {"Sid": "AllowOnOthers", "Effect": "Allow", "Action": list(ON_OTHERS), "Resource": others},
            {"Sid": "AllowTheRole", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role},
        ],
    }


def boundary_document() -> dict[str, object]:
    """Return a boundary that allows the reads, and no enrolling."""
    actions = [read.action for read in READS]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "AllowReads", "Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
