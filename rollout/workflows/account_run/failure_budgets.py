"""The failure budgets of a run, shared by its threads: a change waits until its budget allows it.

See design.md#stages-and-gates.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from rollout.counted import number_of
from rollout.domain.gates import Tolerance
from rollout.domain.gates.budget import Budget
from rollout.domain.progress.projection import Progress


class Budgets:
    """One `Budget` per wave; a wave without one has no limit. Thread-safe."""

    def __init__(
        self, by_wave: Mapping[str, Budget] | None = None, users: Mapping[str, int] | None = None
    ) -> None:
        """Take the budget and the number of users of each wave."""
        self._by_wave = dict(by_wave or {})
        self._users = users or {}
        self._stopped: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def change(self, wave: str) -> Iterator[bool]:
        """Count a change of the wave as under way while the block runs; yields False if the budget is spent.

        Waits while as many changes are under way as users may still fail; every change ends.
        """
        begun = self._begin(wave)
        try:
            yield begun
        finally:
            if begun and wave in self._by_wave:
                with self._changed:
                    self._by_wave[wave] = self._by_wave[wave].end()
                    self._changed.notify_all()

    def fail(self, wave: str, user_id: str) -> None:
        """Count a user of the wave as failed."""
        with self._changed:
            if wave in self._by_wave:
                self._by_wave[wave] = self._by_wave[wave].fail((user_id,))
                if self._by_wave[wave].spent:
                    self._stopped.add(wave)
                self._changed.notify_all()

    def mend(self, wave: str, user_id: str) -> None:
        """Stop counting a user as failed, after a repair."""
        with self._changed:
            if wave in self._by_wave:
                self._by_wave[wave] = self._by_wave[wave].mend((user_id,))
                self._changed.notify_all()

    def spent(self, wave: str) -> bool:
        """Tell whether the wave's budget is spent; if it is, note that this stopped the wave."""
        with self._changed:
            if wave not in self._by_wave or not self._by_wave[wave].spent:
                return False
            self._stopped.add(wave)
            return True

    @property
    def stopped(self) -> frozenset[str]:
        """The waves stopped because too many users failed, in this run or before it."""
        with self._changed:
            return frozenset(self._stopped)

    def describe(self, wave: str) -> str:
        """State the failures and the limit of a wave."""
        with self._changed:
            budget = self._by_wave.get(wave, Budget())
        failed, users = len(budget.failed), self._users.get(wave, 0)
        return f'{failed} of {number_of(users, "user")} of wave "{wave}" failed (limit {budget.limit})'

    def _begin(self, wave: str) -> bool:
        with self._changed:
            if wave not in self._by_wave:
                return True
            while not self._by_wave[wave].may_begin:
                if self._by_wave[wave].spent:
                    self._stopped.add(wave)
                    return False
                self._changed.wait()
            self._by_wave[wave] = self._by_wave[wave].begin()
            return True


def budgets_of(
    waves: Collection[str],
    users: Mapping[str, int],
    tolerance: Tolerance,
    progress: Progress,
    *,
    forgiven: bool,
) -> Budgets:
    """Make the budgets of some waves; failures of earlier runs count.

    `forgiven`: the operator overrode the failure gate, so earlier failures do not count.
    """
    by_wave = {}
    for wave in waves:
        limit, failed = tolerance.limit(users[wave]), progress.held_against(wave)
        too_many = len(failed) > limit
        by_wave[wave] = Budget(limit, frozenset() if too_many and forgiven else failed)
    return Budgets(by_wave, users)


def budgets_of_repairs(users: Mapping[str, int], tolerance: Tolerance, progress: Progress) -> Budgets:
    """Make the budgets of a command that puts users back; `users` is the number of users of each wave.

    If too many failed before, only new failures count: such a command is how those are repaired.
    """
    return budgets_of(users.keys(), users, tolerance, progress, forgiven=True)
