"""A report as the formats get it: everything is gathered and counted once, whatever is written of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollout.reporting.frames import Counts
from rollout.reporting.report_data import ReportData


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The report and its numbers."""

    data: ReportData
    counts: Counts

    @property
    def totals(self) -> dict[str, Any]:
        """The numbers that every form of a report has to agree on."""
        counts = self.counts
        return {
            "users": counts.users,
            "verdicts": dict(counts.verdicts),
            "unprotected": dict(counts.unprotected),
            "under_mfa": counts.under_mfa,
            "enforced_by_us": counts.enforced_by_us,
            "without_device": counts.no_mfa,
            "unknown": counts.unknown,
            "queued": counts.queued,
            "accounts": dict(sorted(counts.listed.items())),
        }
