"""OCSF Compliance Findings (class 2003), a line of JSON for each user, made with the models of py-ocsf-models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from py_ocsf_models.events.findings.activity_id import ActivityID
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from py_ocsf_models.events.findings.compliance_finding_type_id import ComplianceFindingTypeID
from py_ocsf_models.events.findings.severity_id import SeverityID
from py_ocsf_models.objects.check import Check
from py_ocsf_models.objects.compliance import Compliance
from py_ocsf_models.objects.compliance_status import StatusID
from py_ocsf_models.objects.finding_info import FindingInformation
from py_ocsf_models.objects.metadata import Metadata
from py_ocsf_models.objects.product import Product
from py_ocsf_models.objects.remediation import Remediation
from py_ocsf_models.objects.resource_details import ResourceDetails

from rollout import __version__
from rollout.reporting.controls import CONTROLS, VERSION, Figure
from rollout.reporting.formats.user_check import CHECK, RISK, TITLE, MfaAnswer, UserCheck, Weight, checks
from rollout.reporting.formats.written_report import WrittenReport
from rollout.visible_text import visible

_SEVERITIES = {
    Weight.NONE: SeverityID.Informational,
    Weight.LOW: SeverityID.Low,
    Weight.MEDIUM: SeverityID.Medium,
    Weight.HIGH: SeverityID.High,
}
_STATUSES = {
    MfaAnswer.PASSED: StatusID.Pass,
    MfaAnswer.FAILED: StatusID.Fail,
    MfaAnswer.EXEMPT: StatusID.Warning,
    MfaAnswer.UNKNOWN: StatusID.Unknown,
}


def ocsf(report: WrittenReport) -> Iterator[str]:
    """Yield a finding for each user."""
    header, now = report.data.header, report.data.now
    metadata = Metadata(
        product=Product(name="rollout", vendor_name="rollout", version=__version__),
        event_code=CHECK,
        tenant_uid=header.organization_id,
    )
    requirements = [control.name for control in CONTROLS if control.figure is Figure.ENFORCED]
    check = Check(uid=CHECK, name=TITLE, desc=RISK, version=VERSION)

    def finding(one: UserCheck) -> ComplianceFinding:
        user, severity = one.user, _SEVERITIES[one.weight]
        return ComplianceFinding(
            activity_id=ActivityID.Create,
            activity_name=ActivityID.Create.name,
            type_uid=ComplianceFindingTypeID.Create,
            severity_id=severity,
            severity=severity.name,
            message=one.text,
            status_code=one.result,
            status_detail=one.text,
            metadata=metadata,
            time=_milliseconds(now),
            time_dt=now,
            compliance=Compliance(
                status_id=_STATUSES[one.result], requirements=requirements, control=CHECK, checks=[check]
            ),
            finding_info=FindingInformation(
                uid=one.uid,
                title=TITLE,
                desc=RISK,
                last_seen_time=_milliseconds(user.entry.facts.observed_at),
                last_seen_time_dt=user.entry.facts.observed_at,
            ),
            remediation=Remediation(desc=one.cure) if one.cure else None,
            resources=[
                ResourceDetails(
                    uid=visible(user.entry.user.arn),
                    name=visible(user.entry.user.name),
                    type="AwsIamUser",
                    cloud_partition=header.partition,
                    namespace=user.account.account_id,
                    data={
                        "account_name": visible(user.account.name),
                        "ou": visible(user.account.ou),
                        "user_id": user.entry.user.id,
                        "verdict": str(user.entry.verdict),
                        "state": user.status.state_code,
                        "plan": header.id,
                    },
                )
            ],
        )

    for one in checks(report.data):
        yield f"{finding(one).model_dump_json(exclude_none=True, ensure_ascii=True)}\n"


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
