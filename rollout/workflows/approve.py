"""`rollout approve`: puts on record who let a wave of a plan go on; the plan's very bytes, no other's."""

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
    """Record the approval. Raises EmptySelection for a wave that is not there or empty, WrongUsage without a reason."""
    header = stored.header
    if not reason.strip():
        raise WrongUsage("approve needs --reason", cure='say why: --reason "…"; it is journalled')
    if wave not in header.waves:
        known = ", ".join(header.waves) or "none"
        raise EmptySelection(f'the plan has no wave "{wave}"', cure=f"waves of this plan: {known}")
    if not header.waves[wave]:
        raise EmptySelection(f'nobody is in wave "{wave}"', cure="take another wave, or plan again")
    given = Approved(run, now, header.organization_id, wave, header.checksum, reason.strip(), caller.arn)
    journal.append(given)
    return given
