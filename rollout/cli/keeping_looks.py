"""Keeps the figures of what a command has found, and reads those of earlier ones for reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.cli.terminal.console import warn
from rollout.errors import RolloutError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rollout.domain.plan.entries import AccountPlan, Header
    from rollout.domain.progress.progress import Progress
    from rollout.domain.status.over_time import Past
    from rollout.wiring import Files


def keep_look(
    files: Files,
    command: str,
    header: Header,
    parts: Iterable[AccountPlan],
    progress: Progress,
    now: datetime,
) -> None:
    """Keep where everybody stands now. A store that cannot be written to costs the figures, and nothing else."""
    from rollout.domain.status.over_time import look_back
    from rollout.domain.status.user_status import Statuses

    kept = files.looks(header.organization_id)
    statuses = Statuses(header, progress, files.settings.domain_notified(), now)
    try:
        kept.keep(*look_back(command, header, parts, statuses, now, kept.stands()))
    except RolloutError as problem:
        warn(f"the figures of this look are not kept for later reports: {problem}")


def past_of(files: Files, organization_id: str) -> Past:
    """Read the figures of earlier looks."""
    from rollout.domain.status.over_time import Past

    kept = files.looks(organization_id)
    return Past(kept.looks(), kept.stands())
