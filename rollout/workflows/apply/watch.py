"""Looks whether a run has to end: somebody asked it to, or somebody else has taken its lock.

See design.md#apply-journal-store.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollout.errors import LockHeld
from rollout.workflows.apply.order import Tools
from rollout.workflows.ports import Lock


@dataclass(slots=True)
class Watch:
    """Shared by the threads of a run; once the lock was found lost, it stays so."""

    tools: Tools
    lost: bool = False

    def ends(self) -> bool:
        """Tell whether no further change may begin."""
        if self.tools.stopping():
            return True
        if not self.lost and not self.tools.lock.still_held():
            self.lost = True
        return self.lost


def lock_lost(lock: Lock, organization_id: str) -> LockHeld:
    """Say that a run has lost its lock, and to whom."""
    try:
        with lock.hold(organization_id, "a look at who has the lock"):
            now = "nobody has it now: somebody ran `rollout unlock`"
    except LockHeld as held:
        now = str(held)
    return LockHeld(
        f"this run has lost its lock and stopped; {now}",
        cure="what was done is in the journal; once nobody else is at work, run it again",
    )
