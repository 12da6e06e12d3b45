"""Requests the credential report, waits until it is ready, and downloads it (aws-facts.md#credential-report)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.aws.read.report_rows import Report, UnusableReport, parse_report
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

LONGEST_WAIT = 120.0
FIRST_WAIT = 0.25
LONGEST_STEP = 5.0
LIMITED_TRIES = 3
NOT_THERE = frozenset({"ReportNotPresent", "ReportExpired"})
NOT_READY = frozenset({"ReportInProgress"})
LIMITED = frozenset({"LimitExceeded"})
"""Elsewhere this code means a quota was reached; here it means "try later" (aws-facts.md#credential-report)."""


class CredentialReport:
    """The report of one account: call `start`, do other work, then call `finish`."""

    def __init__(self, calls: Calls, client: IAMClient) -> None:
        """Keep the arguments; make no call yet."""
        self._calls = calls
        self._client = client
        self._asked_for = False
        self._failed: CallFailed | None = None

    def start(self) -> None:
        """Request a report; AWS reuses one younger than four hours. A failure is raised by `finish`."""
        try:
            self._generate()
        except CallFailed as failed:
            self._failed = failed

    def finish(self) -> Report:
        """Download the report as soon as it is ready. Raises CallFailed, UnusableReport."""
        if self._failed and self._failed.code not in LIMITED:
            raise self._failed
        retries = self._calls.retries
        started, step, limited = retries.monotonic(), FIRST_WAIT, 0
        while True:
            try:
                if not self._asked_for:
                    self._generate()
                # Try even if GenerateCredentialReport answered STARTED: that was several calls ago.
                answer = self._calls.read(self._client.get_credential_report)
                return parse_report(answer["Content"], answer["GeneratedTime"])
            except CallFailed as failed:
                limited += failed.code in LIMITED
                if failed.code in NOT_THERE | LIMITED and limited <= LIMITED_TRIES:
                    self._asked_for = False
                elif failed.code not in NOT_READY:
                    raise
            if retries.monotonic() - started + step > LONGEST_WAIT:
                raise UnusableReport(
                    f"AWS did not complete the credential report within {LONGEST_WAIT:.0f} seconds"
                )
            retries.wait_aside(step)
            step = min(LONGEST_STEP, step * 2)

    def _generate(self) -> None:
        self._calls.read(self._client.generate_credential_report)
        self._asked_for = True
