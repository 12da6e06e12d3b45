"""Judges everybody by today's `rollout.yaml`, account by account, and gathers what a plan's header says of them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.domain.gates.left_alone import Witness
from rollout.domain.gates.readiness import Notified
from rollout.domain.people.observations import AccountView, Inventory, NotEntered
from rollout.domain.people.scope import Selection
from rollout.domain.people.selectors import (
    Searched,
    Selector,
    UnmatchedSelector,
    UserSelector,
    find_unmatched,
)
from rollout.domain.plan.account_totals import (
    AccountTotals,
    count_impact_by_wave,
    count_verdicts,
    count_waves,
)
from rollout.domain.plan.entries import Digests, Header
from rollout.domain.plan.findings import about_exemptions
from rollout.domain.plan.fingerprints import digest
from rollout.domain.plan.planning import Planner, left_out
from rollout.domain.plan.waves import Wave
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import LeftAlone
from rollout.domain.status.user_status import Statuses
from rollout.domain.verdicts.rules import DecisionRules
from rollout.workflows.inventory import Look, survey
from rollout.workflows.judging.account_judge import AccountJudge, SummaryAndPart
from rollout.workflows.ports import PlanParts

ALL = Selection()


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """What a plan is made by, besides the inventory. `settings` and `policy` are digests (design.md#plan-file)."""

    id: str
    rules: DecisionRules
    waves: tuple[Wave, ...]
    scps: str
    settings: str
    max_exempt_percent: float
    selectors: tuple[Selector, ...] = ()
    accept_unmatched: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """Everybody judged by today's `rollout.yaml`, account by account.

    `unmatched` are the selectors that match nobody; each is a finding of the header too. `left_alone` is to be
    journalled when a plan is made of it.
    """

    header: Header
    accounts: tuple[AccountTotals, ...]
    unmatched: tuple[UnmatchedSelector, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()


def draft(
    look: Look,
    order: PlanOrder,
    progress: Progress,
    parts: PlanParts,
    *,
    run: str = "plan",
    names: bool = False,
    users: Selection = ALL,
) -> Draft:
    """Judge everybody and put them into waves, without asking whether a plan may be made of it.

    Only the chosen `users` are kept.
    """
    where, now = look.where, look.looking.clock.now()
    head = _head(look, order, now)
    witness = Witness(order.rules, progress, run, where.organization.id, now)
    judge = AccountJudge(
        Planner(order.rules, order.waves, now, progress.made),
        Statuses(head, progress, Notified.by(order.rules), now),
        witness,
        parts,
        tuple(one for one in order.selectors if isinstance(one, UserSelector)),
        names=names,
        users=users,
    )

    def take(one: SummaryAndPart) -> SummaryAndPart:
        return replace(one, part=parts.keep(one.part))

    found = survey(look, judge, now, take)
    accounts = tuple(one.summary for one in found.made)
    inventory, today = found.inventory, now.date()
    unmatched = tuple(find_unmatched(order.selectors, _searched(inventory, accounts), today))
    effort = inventory.whole_effort
    waves = tuple(wave.name for wave in order.waves)
    header = replace(
        head,
        waves=count_waves(accounts, waves),
        verdicts=count_verdicts(accounts),
        impact=count_impact_by_wave(accounts, waves),
        left_out=tuple(left_out(inventory)),
        findings=(
            *inventory.findings,
            *about_exemptions(order.rules.exemptions, today),
            *(one.finding for one in unmatched),
        ),
        calls=effort.calls,
        retries=effort.retries,
    )
    seen = (record for one in found.made for record in one.left_alone)
    return Draft(header, accounts, unmatched, (*seen, *witness.saw_excluded(inventory)))


def _head(look: Look, order: PlanOrder, now: datetime) -> Header:
    """What a plan's header says before any account was read."""
    organization, caller = look.where.organization, look.where.caller
    return Header(
        id=order.id,
        organization_id=organization.id,
        management_account_id=organization.management_account_id,
        partition=organization.partition,
        caller=caller.arn,
        caller_id=caller.user_id,
        created=now,
        inventory_at=now,
        digests=Digests(policy=policy_fingerprint(order.rules), settings=order.settings),
        scps=order.scps,
        waves={},
        verdicts={},
    )


def policy_fingerprint(rules: DecisionRules) -> str:
    """Digest the documents that enforcement will bring, and the names that they will have."""
    documents = rules.documents
    return digest(
        {
            "full": documents.full,
            "brake": documents.brake,
            "enrolment": documents.enrolment,
            "names": [rules.names.policy, rules.names.group, rules.names.path],
        }
    )


def _searched(inventory: Inventory, accounts: Iterable[AccountTotals]) -> Searched:
    not_entered = [view for view in inventory.accounts if isinstance(view, NotEntered)]
    unread: list[AccountView] = [
        *inventory.unreachable,
        *(view for view in not_entered if not view.asked_for),
    ]
    return Searched(
        tuple(view.account for view in inventory.accounts),
        frozenset(line for account in accounts for line in account.matched),
        frozenset(view.account.id for view in unread),
        frozenset(view.account.id for view in not_entered if view.asked_for),
    )
