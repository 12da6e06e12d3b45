"""Limits how many users of a wave may still fail in a run, and so how many changes may be under way at once.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Budget:
    """The failure budget of one wave, as in the strict mode of StackSets. Immutable: each step returns a new budget.

    - It counts users who have failed, in earlier runs too, each of them once. A user whose change succeeds later no
      longer counts.
    - A change may begin only while the number of changes under way is at most the number of users who may still fail.
      However these changes end, at most one user more than the limit fails, if each change is about one user.
    - Once more users have failed than the limit allows, the budget is spent for good: no further change begins.

    `limit` is None for a rehearsal, which has no limit.
    """

    limit: int | None = None
    failed: frozenset[str] = frozenset()
    under_way: int = 0
    broken: bool = False

    @property
    def left(self) -> int | None:
        """How many more users may fail; None if there is no limit."""
        return None if self.limit is None else self.limit - len(self.failed)

    @property
    def spent(self) -> bool:
        """Tell whether more users have failed than the limit allows, now or at any time before."""
        return self.broken or (self.left is not None and self.left < 0)

    @property
    def may_begin(self) -> bool:
        """Tell whether one more change may begin."""
        return not self.spent and (self.left is None or self.under_way <= self.left)

    def begin(self) -> Budget:
        """Count one more change under way. Raises ValueError if none may begin."""
        if not self.may_begin:
            raise ValueError("no change may begin now")
        return replace(self, under_way=self.under_way + 1)

    def end(self) -> Budget:
        """Count one change under way less. Raises ValueError if there is none."""
        if not self.under_way:
            raise ValueError("no change is under way")
        return replace(self, under_way=self.under_way - 1)

    def fail(self, users: Collection[str]) -> Budget:
        """Count users who have failed."""
        more = replace(self, failed=self.failed.union(users))
        return replace(more, broken=more.spent)

    def mend(self, users: Collection[str]) -> Budget:
        """Stop counting users whose change has succeeded after all."""
        return replace(self, failed=self.failed.difference(users))
