"""How many users of a wave may still fail in this run, and so how many changes may be under way at once.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Budget:
    """The failure budget of one wave, as in StackSets' strict mode; a value, each step gives the next one.

    - Failures are users, each counted once, those of earlier runs too; who is made good counts no more.
    - A change may begin only while no more are under way than users may still fail: so however all of them end, never
      more than one user beyond the limit fails by changes of one user each.
    - Once more have failed than may, it is spent, and nothing begins any more, whoever is made good after that.

    `limit` None: no limit, for a rehearsal wants to see everything.
    """

    limit: int | None = None
    failed: frozenset[str] = frozenset()
    under_way: int = 0
    broken: bool = False

    @property
    def left(self) -> int | None:
        """How many more may fail; None: as many as there are."""
        return None if self.limit is None else self.limit - len(self.failed)

    @property
    def spent(self) -> bool:
        """Tell whether more have failed than may."""
        return self.broken or (self.left is not None and self.left < 0)

    @property
    def may_begin(self) -> bool:
        """Tell whether one more change may be under way."""
        return not self.spent and (self.left is None or self.under_way <= self.left)

    def begin(self) -> Budget:
        """Let one change begin."""
        if not self.may_begin:
            raise ValueError("no change may begin now")
        return replace(self, under_way=self.under_way + 1)

    def end(self) -> Budget:
        """Let one change end."""
        if not self.under_way:
            raise ValueError("no change is under way")
        return replace(self, under_way=self.under_way - 1)

    def fail(self, users: Collection[str]) -> Budget:
        """Count users who have failed."""
        more = replace(self, failed=self.failed.union(users))
        return replace(more, broken=more.spent)

    def mend(self, users: Collection[str]) -> Budget:
        """Count users no more who have been made good."""
        return replace(self, failed=self.failed.difference(users))
