"""Checks plan and organization before anything is written (design.md#plan-file)."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.people.organization import Organization
from rollout.domain.plan.entries import Header
from rollout.errors import EmptySelection, OtherOrganization, PlanRefused
from rollout.workflows.apply.order import Order
from rollout.workflows.selecting import check_in_plan


def check_order(order: Order, organization: Organization, now: datetime) -> None:
    """Refuse invalid orders before the operator is asked to confirm and before anything is written.

    Raises OtherOrganization, PlanRefused, EmptySelection.
    """
    check_plan(order, organization, now)
    _check_wave(order)
    check_in_plan(order.selection, order.plan)


def check_plan(order: Order, organization: Organization, now: datetime) -> None:
    """Refuse a plan of another organization, with other settings, or too old. Raises OtherOrganization, PlanRefused."""
    header = order.plan.header
    if header.organization_id != organization.id:
        raise OtherOrganization(
            f"plan {header.id} is of organization {header.organization_id}, these credentials are of {organization.id}",
            cure="use credentials of the plan's organization, or plan again",
        )
    again = "plan again, have the plan reviewed, and apply it"
    renewed = order.plan.renewed
    verb, since = "made", header.created
    if renewed is not None and since < renewed <= now:
        verb, since = "renewed", renewed
    valid_until = since + order.plan_max_age
    if now > valid_until:
        raise PlanRefused(
            f"plan {header.id} is too old: it was {verb} {since:%Y-%m-%d %H:%M} UTC and was valid until "
            f"{valid_until:%Y-%m-%d %H:%M} UTC (rules.plan_max_age)",
            cure=again,
        )
    _check_digests(header, order, again)


def _check_wave(order: Order) -> None:
    users = order.plan.header.waves
    if order.wave is not None and order.wave not in users:
        known = ", ".join(users) or "none"
        raise EmptySelection(f'the plan has no wave "{order.wave}"', cure=f"waves of this plan: {known}")
    if order.wave is not None and order.wave not in order.filled:
        raise EmptySelection(f'nobody is in wave "{order.wave}"', cure="choose another wave, or plan again")


def _check_digests(header: Header, order: Order, again: str) -> None:
    if header.digests.policy != order.policy:
        raise PlanRefused(
            f"the policy documents have changed since plan {header.id} was made (policy: in rollout.yaml)",
            cure=again,
        )
    if header.digests.settings != order.settings:
        raise PlanRefused(
            f"policy, rules, waves or scope in rollout.yaml have changed since plan {header.id} was made",
            cure=again,
        )
