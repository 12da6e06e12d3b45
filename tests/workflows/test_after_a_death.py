"""After a command that died it need not be the same that comes next: whoever comes, all that was made can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rollout.domain.stages import Stage
from tests.workflows.apply.mortal import Fate, KillNow, MortalDoor, MortalJournal, killed_at_every_moment
from tests.workflows.operator import Operator
from tests.workflows.test_release import OTHER
from tests.workflows.test_rollback import states
from tests.workflows.world import World, a_cli_user, a_copy, a_person

Command = Callable[..., object]


@pytest.fixture(scope="module")
def ripe() -> World:
    return World(a_cli_user("carl"), a_person("olga", account_id=OTHER)).ripe()


def apply(operator: Operator) -> None:
    operator.apply()


def brake(operator: Operator, **tools) -> None:
    operator.release(operator.everybody(), **tools)


def let_go(operator: Operator, **tools) -> None:
    operator.end(operator.everybody(), **tools)


def let_out(operator: Operator, **tools) -> None:
    operator.release(operator.users(operator.world.person("carl").arn), **tools)


def fix(operator: Operator, **tools) -> None:
    operator.fix(memberships=True, **tools)


def roll_back(operator: Operator, **tools) -> None:
    if operator.world.done.changes:
        operator.roll_back(**tools)


def everything_can_be_undone(operator: Operator, before: object) -> None:
    """Whatever it takes: what stands open is settled, nothing of ours is left."""
    world = operator.world
    if world.done.changes:
        result = operator.roll_back()
        assert [] == [left for one in result.accounts for left in one.left]
    assert () == world.done.open
    assert before == states(world)


@pytest.mark.parametrize(
    "come_next",
    [
        (brake, let_go, apply),
        (brake, apply),
        (let_out, let_go),
        (let_out, apply),
        (fix, apply),
        (roll_back, apply),
        (roll_back,),
        (),
    ],
    ids=lambda commands: "-".join(command.__name__ for command in commands) or "nobody",
)
def test_after_an_enforcement_that_died(ripe: World, come_next: tuple[Command, ...]):
    before = states(ripe)
    for world in killed_at_every_moment(ripe, Stage.ENFORCE):
        operator = Operator(world)
        for command in come_next:
            command(operator)
        everything_can_be_undone(operator, before)


def deaths(world: World, ahead: tuple[Command, ...], command: Command) -> Iterator[Operator]:
    """Yield an operator after each death of a command that there can be."""
    deadly, alive = 0, False
    while not alive:
        deadly += 1
        operator, fate = Operator(a_copy(world)), Fate(deadly)
        for one in ahead:
            one(operator)
        tools = {
            "journal": MortalJournal(operator.world.journal, fate),
            "door": MortalDoor(operator.world.door, fate),
        }
        try:
            command(operator, **tools)
            alive = True
        except KillNow:
            yield operator


@pytest.mark.parametrize(
    ("ahead", "command"),
    [
        ((), brake),
        ((brake,), let_go),
        ((), let_out),
        ((let_out,), let_go),
        ((let_out, let_go), fix),
        ((), roll_back),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.parametrize("come_next", [(), (let_go, apply)], ids=["nobody", "end-apply"])
def test_after_any_other_command_that_died(
    ripe: World, ahead: tuple[Command, ...], command: Command, come_next: tuple[Command, ...]
):
    before = states(ripe)
    world = a_copy(ripe)
    world.enforce()
    for operator in deaths(world, ahead, command):
        for one in come_next:
            one(operator)
        everything_can_be_undone(operator, before)


def test_waves_are_undone_whenever_a_rollback_died(ripe: World):
    """Also when nobody was left to be let go, and only that had not been put on record."""
    world = a_copy(ripe)
    world.enforce()
    ideal = Operator(a_copy(world))
    ideal.roll_back()
    for operator in deaths(world, (), roll_back):
        operator.roll_back()
        assert ideal.world.done.carried == operator.world.done.carried
        assert ideal.world.done.undone.keys() == operator.world.done.undone.keys()
