"""`rollout approve`: records who approved a wave of a plan, identified by the plan's checksum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.domain.gates.approval import ApprovalRule, Approvals, approvals_of
from rollout.domain.people.organization import Caller
from rollout.domain.progress.records import Approved
from rollout.errors import EmptySelection, Refused, WrongUsage
from rollout.workflows.ports import Journal, StoredPlan


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """Who approves which wave, and why. `caller` is as STS names them now, `rule` is `gates.approval`."""

    wave: str
    reason: str
    caller: Caller
    rule: ApprovalRule | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """What `approve` has recorded, and all approvals of the wave, this one included."""

    given: Approved
    approvals: Approvals


def approve(
    stored: StoredPlan, request: ApprovalRequest, journal: Journal, run: str, now: datetime
) -> Approval:
    """Journal the approval.

    Raises EmptySelection if the wave is unknown or empty, WrongUsage without a reason, Refused if the approval would
    not count.
    """
    wave, reason, caller, rule = request.wave, request.reason.strip(), request.caller, request.rule
    header = stored.header
    if not reason:
        raise WrongUsage("approve needs --reason", cure='give one: --reason "…"; it is journalled')
    if wave not in header.waves:
        known = ", ".join(header.waves) or "none"
        raise EmptySelection(f'the plan has no wave "{wave}"', cure=f"waves of this plan: {known}")
    if not header.waves[wave]:
        raise EmptySelection(f'nobody is in wave "{wave}"', cure="choose another wave, or plan again")
    if rule is not None and (why := rule.objection(caller.actor, header.planner)):
        raise Refused(f"not approved: {why}", cure=rule.cure(header.planner))
    progress = journal.progress(header.organization_id)
    given = Approved(
        run, now, header.organization_id, wave, header.checksum, reason, caller.arn, caller.user_id
    )
    journal.append(given)
    progress.approvals.setdefault((header.checksum, wave), []).append(given)
    return Approval(given, approvals_of(progress, header.checksum, wave, header.planner, rule))
