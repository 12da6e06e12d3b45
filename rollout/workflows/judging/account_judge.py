"""Judges one account that was read, and writes its part of the plan down: only a summary stays in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollout.domain.gates.left_alone import Witness
from rollout.domain.people.observations import Observed
from rollout.domain.people.scope import Selection
from rollout.domain.people.selectors import UserSelector, matching
from rollout.domain.plan.account_totals import AccountTotals, summary_of
from rollout.domain.plan.entries import AccountPlan
from rollout.domain.plan.planning import Planner
from rollout.domain.progress.records import LeftAlone
from rollout.domain.status.to_come import to_come_in
from rollout.domain.status.user_status import Statuses
from rollout.workflows.ports import PlanParts, WrittenPart


@dataclass(frozen=True, slots=True)
class SummaryAndPart:
    """What is known of an account after it was judged, where its part is, and who of it was left alone on purpose."""

    summary: AccountTotals
    part: WrittenPart
    left_alone: tuple[LeftAlone, ...]


@dataclass(frozen=True, slots=True)
class AccountJudge:
    """Judges accounts, in whatever thread or process they were read.

    `names`: the summaries name who is still to be enforced. Of the part, only the chosen `users` are kept.
    """

    planner: Planner
    statuses: Statuses
    witness: Witness
    parts: PlanParts
    selectors: tuple[UserSelector, ...]
    names: bool
    users: Selection

    def __call__(self, observed: Observed) -> SummaryAndPart:
        """Judge an account, and write its part down. Raises Unwritable."""
        part = self._chosen(self.planner.plan(observed))
        unaffected_too = self.planner.rules.notice_for_unaffected
        users = observed.facts.users
        summary = summary_of(
            part,
            to_come_in([part], self.statuses, unaffected_too=unaffected_too),
            names=self.names,
            matched=matching(self.selectors, users),
        )
        return SummaryAndPart(summary, self.parts.write(part), tuple(self.witness.saw(users)))

    def _chosen(self, part: AccountPlan) -> AccountPlan:
        takes = self.users.takes_user
        chosen = (entry for entry in part.entries if takes(entry.user.arn, entry.user.name, entry.user.id))
        return replace(part, entries=tuple(chosen))
