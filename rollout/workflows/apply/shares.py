"""Shares the plan out among accounts: who is in a run, read from the plan one account at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rollout.domain.people.organization import Account
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.policy.changes import SkipCode, Skipped
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import EmptySelection
from rollout.workflows.apply.order import Due, Order
from rollout.workflows.inventory import LIFELESS, Premises, left_alone
from rollout.workflows.selecting import chosen_parts

Entries = tuple[PlanEntry, ...]
Share = tuple[Account, Entries, Entries]
"""An account, its entries of the waves in hand, and those who may have to be let out again."""


@dataclass(frozen=True, slots=True)
class ShareCount:
    """How many accounts and users there are in a step."""

    accounts: int
    users: int


class PlanShares:
    """The accounts of a run, each with its share of the plan. Its users are counted before anything is written.

    Going through them reads the plan, so that a plan of any size takes no memory. `aside` are the users in accounts
    that cannot be entered, with the reason.
    """

    def __init__(self, order: Order, where: Premises, due: Due) -> None:
        """Count everybody. Raises EmptySelection if there is nobody."""
        self._order, self._due = order, due
        self._accounts = {account.id: account for account in where.accounts}
        self._sizes: dict[str, tuple[int, int]] = {}
        self.aside: list[tuple[PlanEntry, Skipped]] = []
        counts: Counter[str] = Counter()
        for account_id, entries, leaving in self._parts():
            counts.update(entry.wave for entry in entries)
            if why := self._why_not_entered(account_id):
                self.aside += [(entry, why) for entry in entries]
            else:
                self._sizes[account_id] = len(entries), len(leaving)
        self.users = {wave: counts[wave] for wave in due.waves}
        if not self._sizes and not self.aside and not due.let_out:
            raise EmptySelection(
                "no user of the waves due matches --account / --ou / --user",
                cure="list their users: rollout show",
            )

    def of(self, stage: Stage) -> Iterator[Share]:
        """Yield the shares of a step; users are let out again by enforcement only."""
        for account_id, entries, leaving in self._parts():
            if account_id in self._sizes and self._belongs(account_id, stage):
                yield self._accounts[account_id], entries, leaving if stage is Stage.ENFORCE else ()
        for account_id in self._due.let_out:
            if account_id not in self._sizes:
                yield self._accounts[account_id], (), ()

    def count(self, stage: Stage) -> ShareCount:
        """Count what `of` yields."""
        others = sum(account_id not in self._sizes for account_id in self._due.let_out)
        mine = [one for one in self._sizes if self._belongs(one, stage)]
        return ShareCount(len(mine) + others, sum(self._size(one, stage) for one in mine))

    def _belongs(self, account_id: str, stage: Stage) -> bool:
        return bool(self._size(account_id, stage)) or account_id in self._due.let_out

    def _size(self, account_id: str, stage: Stage) -> int:
        entries, leaving = self._sizes[account_id]
        return entries + (leaving if stage is Stage.ENFORCE else 0)

    def _parts(self) -> Iterator[tuple[str, Entries, Entries]]:
        order = self._order
        for part in chosen_parts(order.plan, order.selection):
            entries = tuple(entry for entry in part.entries if self._takes(entry))
            leaving = tuple(entry for entry in part.entries if self._leaves(entry))
            if entries or leaving:
                yield part.account_id, entries, leaving

    def _why_not_entered(self, account_id: str) -> Skipped | None:
        account = self._accounts.get(account_id)
        if account is None:
            return Skipped(SkipCode.GONE, "the account is not in the organization any more")
        if why_not := left_alone(account, self._order.scope):
            code = SkipCode.GONE if why_not in LIFELESS.values() else SkipCode.EXCLUDED
            return Skipped(code, f"the account is {why_not}")
        return None

    def _takes(self, entry: PlanEntry) -> bool:
        return entry.wave in self._due.waves and self._chosen(entry)

    def _leaves(self, entry: PlanEntry) -> bool:
        return entry.verdict is Kind.EXEMPT and bool(entry.enforced_by) and self._chosen(entry)

    def _chosen(self, entry: PlanEntry) -> bool:
        user = entry.user
        return self._order.selection.takes_user(user.arn, user.name, user.id)
