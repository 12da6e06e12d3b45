"""The credential report as in AWS; moto's lacks the root user, key use and the lifetime of four hours."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from moto.core.responses import ActionResult

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import IamAnswer
from rollout.sandbox.world.world import StoredReport

if TYPE_CHECKING:
    from moto.iam.models import AccessKey, User

# A new report is generated only when the stored one is older (IAM User Guide, "Generate credential reports").
_LIFETIME = timedelta(hours=4)
# The documented 23rd column, additional_credentials_info, has not been seen in live reports:
# see aws-facts.md#credential-report.
_COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)
_NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
_NO_CERTIFICATES = ["false", "N/A", "false", "N/A"]


class CredentialReports(IamAnswer):
    """Generates, stores and returns the account's one report."""

    def generate_credential_report(self) -> ActionResult:
        """Start a report if there is none or it is too old; otherwise answer that it is complete."""
        facts, now = self.facts, self.world.clock.now()
        if facts.report is not None and now - facts.report.generated <= _LIFETIME:
            facts.report_pending = False
            return ActionResult({"State": "COMPLETE"})
        reason = "No report exists. " if facts.report is None else "The stored report has expired. "
        facts.report = StoredReport(self._written(), now)
        facts.report_pending = True
        return ActionResult(
            {"State": "STARTED", "Description": reason + "Starting a new report generation task"}
        )

    def get_credential_report(self) -> ActionResult:
        """Return the stored report unchanged, even if the account has changed since."""
        facts, now = self.facts, self.world.clock.now()
        if facts.report is None:
            raise AwsError("ReportNotPresent", "No report exists. Call GenerateCredentialReport first.")
        if facts.report_pending:
            facts.report_pending = False
            raise AwsError("ReportInProgress", "The report is still being generated.")
        if now - facts.report.generated > _LIFETIME:
            raise AwsError("ReportExpired", "The report has expired. Call GenerateCredentialReport first.")
        return ActionResult(
            {
                "Content": facts.report.content,
                "ReportFormat": "text/csv",
                "GeneratedTime": facts.report.generated,
            }
        )

    def _written(self) -> str:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerow(self._root_row())
        for user in sorted(self.backend.users.values(), key=lambda user: user.name.lower()):
            writer.writerow(self._user_row(user))
        return lines.getvalue()

    def _root_row(self) -> list[str]:
        facts, account = self.facts, self.caller.account
        root = facts.root
        return [
            "<root_account>",
            f"arn:aws:iam::{account}:root",
            _date(facts.created),
            _flag(root.has_password),
            _date(root.password_used, absent="no_information" if root.has_password else "N/A"),
            "not_supported" if root.has_password else "N/A",
            "not_supported",
            _flag(root.mfa != "none"),
            *_NO_KEY,
            *_NO_KEY,
            *_NO_CERTIFICATES,
        ]

    def _user_row(self, user: User) -> list[str]:
        password = self.facts.passwords.get(user.id)
        if password is None:
            console = ["false", "N/A", "N/A", "N/A"]
        else:
            console = [
                "true",
                _date(password.used, absent="no_information"),
                _date(password.changed),
                self._rotation(password.changed),
            ]
        keys = [_key_cells(key) for key in user.access_keys[:2]]
        keys += [_NO_KEY] * (2 - len(keys))
        return [
            user.name,
            user.arn,
            _date(user.create_date),
            *console,
            _flag(bool(user.mfa_devices)),
            *keys[0],
            *keys[1],
            *_NO_CERTIFICATES,
        ]

    def _rotation(self, changed: datetime) -> str:
        policy = self.backend.account_password_policy
        if policy is None or not policy.expire_passwords:
            return "N/A"
        return _date(changed + timedelta(days=policy.max_password_age))


def _key_cells(key: AccessKey) -> list[str]:
    cells = [_flag(key.status == "Active"), _date(key.create_date)]
    if key.last_used is None:
        return [*cells, "N/A", "N/A", "N/A"]
    return [*cells, _date(key.last_used.timestamp), key.last_used.region, key.last_used.service]


def _flag(value: bool) -> str:  # noqa: FBT001 - one cell, one value
    return "true" if value else "false"


def _date(moment: datetime | None, *, absent: str = "N/A") -> str:
    if moment is None:
        return absent
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%SZ")
