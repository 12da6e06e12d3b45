"""`rollout approve`: records who approved a wave of a plan, identified by the plan's checksum."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.people.organization import Caller
from rollout.domain.progress.records import Approved
from rollout.errors import EmptySelection, WrongUsage
from rollout.workflows.ports import Journal, StoredPlan


def approve(
    stored: StoredPlan,
    wave: str,
    reason: str,
    caller: Caller,
    journal: Journal,
    run: str,
    now: datetime,
) -> Approved:
    """Journal the approval. Raises EmptySelection if the wave is unknown or empty, WrongUsage without a reason."""
    header = stored.header
    if not reason.strip():
        raise WrongUsage("approve needs --reason", cure='give one: --reason "…"; it is journalled')
    if wave not in header.waves:
        known = ", ".join(header.waves) or "none"
        raise EmptySelection(f'the plan has no wave "{wave}"', cure=f"waves of this plan: {known}")
    if not header.waves[wave]:
        raise EmptySelection(f'nobody is in wave "{wave}"', cure="choose another wave, or plan again")
    given = Approved(run, now, header.organization_id, wave, header.checksum, reason.strip(), caller.arn)
    journal.append(given)
    return given
