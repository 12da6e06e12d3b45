"""An operator on a world in memory: lets out, ends it, rolls back, looks again and puts right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from rollout.aws.write.rehearsed_access import RehearsedAccess
from rollout.domain.people.observations import Inventory
from rollout.domain.people.scope import Selection
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.stages import Stage
from rollout.errors import NoPlan
from rollout.store.rehearsed_journal import RehearsingJournal, RehearsingMarker
from rollout.workflows.account_run import RunResult
from rollout.workflows.account_run.wave_gates import GatedBy
from rollout.workflows.apply.order import ApplyResult
from rollout.workflows.inventory import Look, Looking, read_levels, read_with_care, take_inventory
from rollout.workflows.judging.draft import policy_fingerprint
from rollout.workflows.release import ReleaseOrder, ReleaseResult, ReleaseSelection, release
from rollout.workflows.release_end import EndOrder, end
from rollout.workflows.release_selection import (
    accounts_named,
    everybody,
    users_named,
    wave_named,
)
from rollout.workflows.rollback import RollbackChoice, roll_back
from rollout.workflows.run_context import JudgementBasis, NoLock, RunContext
from rollout.workflows.verify import FixOrder, Verified, fix, verify
from tests.builders import OPERATOR
from tests.fakes import FakeEngine, FakeMarker
from tests.workflows.world import World

REASON = "INC-7"
TAGS = {"rollout:tool": "rollout", "rollout:version": "1.0.0"}


@dataclass
class Operator:
    """Gives commands on one world, each a run of its own. `meanwhile` happens while a release waits for a run."""

    world: World
    marker: FakeMarker = field(default_factory=FakeMarker)
    running: str = ""
    waited: list[float] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    runs: int = 0
    overrides: dict[str, str] = field(default_factory=dict)

    def name_run(self) -> str:
        self.runs += 1
        return f"operator-{self.runs}"

    # --- Whom ---

    def everybody(self) -> ReleaseSelection:
        return everybody(self.world.listed.values())

    def accounts(self, *globs: str) -> ReleaseSelection:
        return accounts_named(globs, self.world.listed.values())

    def wave(self, wave: str) -> ReleaseSelection:
        return wave_named(wave, self.world.done, self.world.listed.values())

    def users(self, *globs: str) -> ReleaseSelection:
        return users_named(globs, self.world.done, list(self.world.listed.values()), self.world.access)

    # --- Letting out ---

    def release(self, whom: ReleaseSelection, hours: float | None = None, **more: Any) -> ReleaseResult:
        """Let out whom a look at the journal has chosen before."""
        return self.release_chosen(lambda _: whom, hours, **more)

    def release_chosen(
        self, choose: Callable[[Progress], ReleaseSelection], hours: float | None = None, **more: Any
    ) -> ReleaseResult:
        world = self.world
        until = None if hours is None else world.clock.now() + timedelta(hours=hours)
        rules = world.rules
        order = ReleaseOrder("aws", rules.names, rules.documents.brake, until, REASON)
        run = self.run(lock=NoLock(), **more)
        return release(
            order, choose, lambda: world.done, run=run, running=lambda: self.running, pause=self._pause
        )

    def run(self, **more: Any) -> RunContext:
        """What the next command of this operator carries with it."""
        fields: dict[str, Any] = {
            "id": self.name_run(),
            "caller": OPERATOR,
            "marker": self.marker,
            "engine": FakeEngine(),
        }
        return self.world.run(**(fields | more))

    def _pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.meanwhile()

    def rehearse_release(self, whom: ReleaseSelection) -> ReleaseResult:
        return self.release(whom, **self._rehearsing())

    def end(self, whom: ReleaseSelection, **more: Any) -> RunResult:
        release_scope, shares = whom
        order = EndOrder(release_scope, "all is well", self.gated)
        accounts = [share.account for share in shares]
        where = self.world.where
        return end(order, accounts, run=self.run(**more), basis=self.basis(), where=where)

    def rehearse_end(self, whom: ReleaseSelection) -> RunResult:
        return self.end(whom, **self._rehearsing())

    def basis(self) -> JudgementBasis:
        world = self.world
        levels = read_levels(world.organization, world.where.accounts, "auto")
        return JudgementBasis(world.rules, getattr(levels, "by_account", None), TAGS)

    # --- Rolling back ---

    def roll_back(self, choice: RollbackChoice | None = None, **more: Any) -> RunResult:
        accounts = list(self.world.listed.values())
        return roll_back(choice or RollbackChoice(), accounts, run=self.run(**more), basis=self.basis())

    def rehearse_rollback(self, choice: RollbackChoice | None = None) -> RunResult:
        return self.roll_back(choice, **self._rehearsing())

    def _rehearsing(self) -> dict[str, Any]:
        world = self.world
        return {
            "access": RehearsedAccess(world.access),
            "journal": RehearsingJournal(world.journal),
            "marker": RehearsingMarker(self.marker),
            "rehearsal": True,
        }

    # --- Looking again ---

    def verify(self, selection: Selection = Selection(), **more: Any) -> Verified:  # noqa: B008 - a frozen value
        stored = self.world.plans.kept[-1]
        return verify(self._look(selection), stored, run=self.run(**more), basis=self.basis())

    def _look(self, selection: Selection) -> Inventory:
        world = self.world
        read = read_with_care(world.rules.names, world.rules.lead_time, world.done)
        looking = Looking(world.access, FakeEngine(), world.clock, world.progress, read=read)
        levels = read_levels(world.organization, world.where.accounts, "auto")
        return take_inventory(Look(world.where, lambda: levels, looking, world.scope, selection))

    def fix(self, *, memberships: bool = False, **more: Any) -> RunResult:
        world = self.world
        order = FixOrder(
            self.gated,
            policy_fingerprint(world.rules),
            world.settings,
            memberships,
        )
        run, basis = self.run(**more), self.basis()
        return fix(order, world.inventory(), run=run, basis=basis, where=world.where)

    @property
    def gated(self) -> GatedBy:
        """By which gates people are put back; `overrides` opens those of which it says why."""
        world = self.world
        if not world.plans.kept:
            raise NoPlan("no plan here")
        return GatedBy(
            world.plans.kept[-1], world.gates.changed(soak=world.soak), world.scope, self.overrides
        )

    # --- Applying beside it ---

    def apply(self, stage: Stage | str = Stage.ENFORCE, **more: Any) -> ApplyResult:
        return self.world.apply(stage, self.world.run(marker=self.marker), **more)
