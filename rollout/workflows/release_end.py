"""`rollout release --end`: puts back under the policy whom a release, or somebody's hand, has let out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rollout.domain.actions.wishes import when_ended
from rollout.domain.people.organization import Account
from rollout.domain.progress.records import ReleaseEnded, RunEnded, RunStarted
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.workflows.apply.maker import Maker, Numbering
from rollout.workflows.apply.watch import lock_lost
from rollout.workflows.repairing import Eyes, Repaired, RepairTools, repair, word_for

ENDING = "release --end"


@dataclass(frozen=True, slots=True)
class EndOrder:
    """Which releases end, and why."""

    release_scope: ReleaseScope
    reason: str
    caller: str
    version: str
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of it, account by account."""

    release_scope: ReleaseScope
    accounts: tuple[Repaired, ...]
    unbegun: int = 0

    @property
    def writes(self) -> int:
        """How many writes were made."""
        return sum(len(one.written) for one in self.accounts)

    @property
    def interrupted(self) -> bool:
        """Tell whether it was asked to stop."""
        return self.unbegun > 0 or any(one.interrupted for one in self.accounts)

    @property
    def in_part(self) -> bool:
        """Tell whether somebody who should be back is not."""
        return any(one.failed or one.stays for one in self.accounts)


def end(order: EndOrder, accounts: Sequence[Account], eyes: Eyes, tools: RepairTools) -> Ended:
    """End releases. Unlike letting out, this enforces: it holds the lock, and judges everybody again.

    Raises LockHeld, Unwritable.
    """
    with tools.lock.hold(eyes.organization_id, ENDING):
        now = tools.clock.now()
        stage = Stage.DRY_RUN if order.rehearsal else Stage.ENFORCE
        word = ReleaseEnded(eyes.run, now, order.release_scope, order.reason, order.caller)
        started = RunStarted(
            eyes.run, now, eyes.organization_id, "", "", stage, order.caller, order.version, ENDING
        )
        tools.journal.append(started, word)
        tools.marker.put(word)
        maker = Maker(eyes.run, tools.journal, tools.clock, Numbering())
        done = sorted(
            repair(
                accounts,
                lambda sight: when_ended(sight, order.release_scope),
                eyes,
                tools,
                maker,
                "Ending releases in accounts",
            ),
            key=lambda one: one.account.id,
        )
        result = Ended(order.release_scope, tuple(done), len(accounts) - len(done))
        lost = any(one.lost for one in done)
        ending = word_for(lost=lost, interrupted=result.interrupted, in_part=result.in_part)
        tools.journal.append(RunEnded(eyes.run, tools.clock.now(), ending, {"writes": result.writes}))
    if lost:
        raise lock_lost(tools.lock, eyes.organization_id)
    return result
