"""An operator on a world in memory: lets out, ends it, rolls back, looks again and puts right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from rollout.aws.write.rehearsed_access import RehearsedAccess
from rollout.domain.people.inventory import Inventory
from rollout.domain.people.scope import Selection
from rollout.domain.progress.stages import Stage
from rollout.store.rehearsed_journal import RehearsingJournal, RehearsingMarker
from rollout.workflows.apply.order import Applied, Tools
from rollout.workflows.freshening import read_with_care
from rollout.workflows.inventory import Looking, read_levels, take_inventory
from rollout.workflows.plan import policy_fingerprint
from rollout.workflows.ports import AccountAccess, Journal, StopMarker
from rollout.workflows.release import LetOut, ReleaseOrder, ReleaseTools, release
from rollout.workflows.release_end import Ended, EndOrder, end
from rollout.workflows.release_selection import (
    ReleaseSelection,
    accounts_named,
    everybody,
    users_named,
    wave_named,
)
from rollout.workflows.repairing import Eyes, RepairTools
from rollout.workflows.rollback import RollbackOrder, RollbackTools, RolledBack, Wanted, roll_back
from rollout.workflows.verify import Fixed, FixOrder, Verified, VerifyTools, fix, verify
from tests.builders import OPERATOR, ORGANIZATION
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

    def release(self, whom: ReleaseSelection, hours: float | None = None, **more: Any) -> LetOut:
        world = self.world
        until = None if hours is None else world.clock.now() + timedelta(hours=hours)
        order = ReleaseOrder(
            self.name_run(),
            ORGANIZATION,
            "aws",
            world.rules.names,
            world.rules.documents.brake,
            whom[0],
            until,
            REASON,
            OPERATOR,
            "1.0.0",
            more.pop("rehearsal", False),
        )
        return release(order, whom[1], self.release_tools(**more), world.done)

    def release_tools(self, **more: Any) -> ReleaseTools:
        world = self.world
        fields: dict[str, Any] = {
            "access": world.access,
            "engine": FakeEngine(),
            "journal": world.journal,
            "marker": self.marker,
            "clock": world.clock,
            "progress": world.progress,
            "running": lambda: self.running,
            "pause": self._pause,
        }
        return ReleaseTools(**(fields | more))

    def _pause(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.meanwhile()

    def rehearse_release(self, whom: ReleaseSelection) -> LetOut:
        access, journal, marker = self._rehearsing()
        return self.release(whom, access=access, journal=journal, marker=marker, rehearsal=True)

    def end(self, whom: ReleaseSelection, **more: Any) -> Ended:
        release_scope, shares = whom
        order = EndOrder(release_scope, "all is well", OPERATOR, "1.0.0", more.pop("rehearsal", False))
        accounts = [share.account for share in shares]
        return end(order, accounts, self.eyes(), self.repair_tools(**more))

    def rehearse_end(self, whom: ReleaseSelection) -> Ended:
        access, journal, marker = self._rehearsing()
        return self.end(whom, access=access, journal=journal, marker=marker, rehearsal=True)

    def eyes(self) -> Eyes:
        world = self.world
        levels = read_levels(world.organization, world.where.accounts, "auto")
        by_account = getattr(levels, "by_account", None)
        return Eyes(self.name_run(), ORGANIZATION, world.rules, by_account, TAGS)

    def repair_tools(self, **more: Any) -> RepairTools:
        world = self.world
        fields: dict[str, Any] = {
            "access": world.access,
            "engine": FakeEngine(),
            "journal": world.journal,
            "lock": world.lock,
            "marker": self.marker,
            "clock": world.clock,
            "progress": world.progress,
            "stopping": world.stopping,
        }
        return RepairTools(**(fields | more))

    # --- Rolling back ---

    def roll_back(self, wanted: Wanted | None = None, **more: Any) -> RolledBack:
        world = self.world
        fields: dict[str, Any] = {
            "access": world.access,
            "engine": FakeEngine(),
            "journal": world.journal,
            "lock": world.lock,
            "clock": world.clock,
            "progress": world.progress,
            "stopping": world.stopping,
        }
        rehearsal = more.pop("rehearsal", False)
        order = RollbackOrder(self.name_run(), ORGANIZATION, wanted or Wanted(), OPERATOR, "1.0.0", rehearsal)
        return roll_back(order, RollbackTools(**(fields | more)), list(world.listed.values()))

    def rehearse_rollback(self, wanted: Wanted | None = None) -> RolledBack:
        access, journal, _ = self._rehearsing()
        return self.roll_back(wanted, access=access, journal=journal, rehearsal=True)

    def _rehearsing(self) -> tuple[AccountAccess, Journal, StopMarker]:
        world = self.world
        return (
            RehearsedAccess(world.access),
            RehearsingJournal(world.journal),
            RehearsingMarker(self.marker),
        )

    # --- Looking again ---

    def verify(self, selection: Selection = Selection(), **more: Any) -> Verified:  # noqa: B008 - a frozen value
        world = self.world
        fields: dict[str, Any] = {
            "journal": world.journal,
            "marker": self.marker,
            "clock": world.clock,
            "progress": world.progress,
        }
        tools = VerifyTools(**(fields | more))
        return verify(self._look(selection), world.plans.kept[-1], self.eyes(), tools)

    def _look(self, selection: Selection) -> Inventory:
        world = self.world
        read = read_with_care(world.rules.names.group, world.done)
        looking = Looking(world.access, FakeEngine(), world.clock, world.progress, read=read)
        levels = read_levels(world.organization, world.where.accounts, "auto")
        return take_inventory(world.where, levels, looking, world.scope, selection)

    def fix(self, *, memberships: bool = False, **more: Any) -> Fixed:
        world = self.world
        policy = policy_fingerprint(world.rules)
        order = FixOrder(world.plans.kept[-1], policy, world.settings, memberships, OPERATOR, "1.0.0")
        return fix(order, world.inventory(), self.eyes(), self.repair_tools(**more))

    # --- Applying beside it ---

    def apply(self, stage: Stage | str = Stage.ENFORCE, **more: Any) -> Applied:
        return self.world.apply(stage, self.tools(), **more)

    def tools(self) -> Tools:
        return replace(self.world.tools(), marker=self.marker)
