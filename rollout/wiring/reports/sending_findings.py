"""Sends the findings of a report to Security Hub, once somebody has agreed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rollout.aws.security_hub import SecurityHub, SentFindings
from rollout.awsapi.retries import Retries

__all__ = ["SentFindings", "security_hub", "send_findings"]

if TYPE_CHECKING:
    from rollout.wiring.live import Live
    from rollout.workflows.inventory import Premises


def security_hub(live: Live, where: Premises) -> SecurityHub:
    """Reach Security Hub in the caller's account and Region."""
    return SecurityHub(live.connection, Retries(), where.caller.account_id, where.organization.partition)


def send_findings(hub: SecurityHub, file: Path) -> SentFindings:
    """Send a file of findings in ASFF. Raises AwsFailure."""
    with file.open("rb") as lines:
        return hub.send(lines)
