"""Findings for AWS Security Hub, in the AWS Security Finding Format (ASFF): a line of JSON for each user.

Each line is one item of `Findings` of BatchImportFindings. Security Hub takes at most 100 of them in a call, of at most
240 KB each; texts are cut well below that. A call has to be made in the account that `AwsAccountId` names
(https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rollout.domain.plan.entries import Header
from rollout.reporting import spelling
from rollout.reporting.controls import CONTROLS, Figure
from rollout.reporting.formats.user_check import CHECK, RISK, TITLE, MfaAnswer, UserCheck, Weight, checks
from rollout.reporting.formats.written_report import WrittenReport
from rollout.visible_text import visible

REGIONS = {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}
"""IAM is global; its findings are kept in the home Region of the partition."""
LONGEST = 1024
_RECOMMENDATION = 512
_REQUIREMENTS = [control.name for control in CONTROLS if control.figure is Figure.ENFORCED]
_STATUSES = {
    MfaAnswer.PASSED: "PASSED",
    MfaAnswer.FAILED: "FAILED",
    MfaAnswer.EXEMPT: "WARNING",
    MfaAnswer.UNKNOWN: "NOT_AVAILABLE",
}
_LABELS = {Weight.NONE: "INFORMATIONAL", Weight.LOW: "LOW", Weight.MEDIUM: "MEDIUM", Weight.HIGH: "HIGH"}


def asff(report: WrittenReport) -> Iterator[str]:
    """Yield a finding for each user."""
    header, at = report.data.header, spelling.stamp(report.data.now)
    region = REGIONS.get(header.partition, REGIONS["aws"])
    for one in checks(report.data):
        yield f"{json.dumps(_finding(one, header, region, at))}\n"


def _finding(check: UserCheck, header: Header, region: str, at: str) -> dict[str, Any]:
    user, account_id = check.user, check.user.account.account_id
    facts = user.entry.facts
    details = {
        "UserId": user.entry.user.id,
        "UserName": visible(user.entry.user.name),
        "Path": visible(user.entry.path),
    }
    if facts.created:
        details["CreateDate"] = spelling.stamp(facts.created)
    severity, types = (
        {"Label": _LABELS[check.weight]},
        ["Software and Configuration Checks/AWS Security Best Practices"],
    )
    return {
        "SchemaVersion": "2018-10-08",
        "Id": check.uid,
        "ProductArn": f"arn:{header.partition}:securityhub:{region}:{account_id}:product/{account_id}/default",
        "GeneratorId": f"rollout/{CHECK}",
        "AwsAccountId": account_id,
        "FindingProviderFields": {"Severity": severity, "Types": types},
        "FirstObservedAt": spelling.stamp(facts.observed_at),
        "CreatedAt": spelling.stamp(facts.observed_at),
        "UpdatedAt": at,
        "Title": TITLE,
        "Description": _cut(f"{RISK} {check.text}", LONGEST),
        "Remediation": {"Recommendation": {"Text": _cut(check.cure or "nothing to do", _RECOMMENDATION)}},
        "ProductFields": {
            "rollout/Plan": header.id,
            "rollout/Organization": header.organization_id,
            "rollout/Verdict": str(user.entry.verdict),
            "rollout/State": user.status.state_code,
        },
        "Resources": [
            {
                "Type": "AwsIamUser",
                "Id": visible(user.entry.user.arn),
                "Partition": header.partition,
                "Region": region,
                "Details": {"AwsIamUser": details},
            }
        ],
        "Compliance": {"Status": _STATUSES[check.result], "RelatedRequirements": _REQUIREMENTS},
        "RecordState": "ACTIVE",
    }


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
