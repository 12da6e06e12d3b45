"""What happens to an account whose people were enforced, and the commands that put them back, for several tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rollout.domain.policy.changes import CreateVersion
from tests.builders import ACCOUNT, POLICY
from tests.workflows.operator import Operator
from tests.workflows.test_release import a_world
from tests.workflows.test_verify import WEAK, by_hand
from tests.workflows.world import World


def release_over(world: World) -> None:
    """Let a release of the account run out."""
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=1)
    world.clock.advance(timedelta(hours=2))


def edited(world: World) -> None:
    """Put a document in force by hand that denies too little."""
    by_hand(world, CreateVersion(ACCOUNT, POLICY, WEAK))


@dataclass(frozen=True)
class Scene:
    """What has happened to an account, and the command that puts its people back under the policy."""

    happened: Callable[[World], None]
    command: Callable[[Operator], Any]

    def world(self) -> World:
        """Alice, bob and, in another account, olga were enforced; nothing of that is among the writes."""
        world = a_world()
        self.happened(world)
        for account in world.accounts.values():
            account.written.clear()
            account.attempted.clear()
        return world

    def __str__(self) -> str:
        return f"{self.command.__name__} after {self.happened.__name__}"
