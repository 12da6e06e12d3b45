"""After a command that died it need not be the same that comes next: whoever comes, all that was made can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from rollout.domain.policy.changes import AddMember
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Record
from rollout.domain.progress.stages import Stage
from tests.builders import GROUP, a_ref, a_run, an_account, an_intent
from tests.fakes import FakeJournal
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


def take_out_by_hand(operator: Operator) -> None:
    operator.world.change("carl", groups=())


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


# Takes a second or more: a run is killed at every one of its moments, and others follow.
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
            "access": MortalDoor(operator.world.access, fate),
        }
        try:
            command(operator, **tools)
            alive = True
        except KillNow:
            yield operator


COMMANDS: list[tuple[tuple[Command, ...], Command]] = [
    ((), brake),
    ((brake,), let_go),
    ((), let_out),
    ((let_out,), let_go),
    ((take_out_by_hand,), fix),
    ((), roll_back),
]
NAMES = ["brake", "end-of-brake", "let-out", "end-of-letting-out", "fix", "roll-back"]


# Takes a second or more: as above.
@pytest.mark.parametrize(("ahead", "command"), COMMANDS, ids=NAMES)
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


@pytest.mark.parametrize(("ahead", "command"), COMMANDS, ids=NAMES)
def test_the_same_command_again_brings_it_to_its_end(
    ripe: World, ahead: tuple[Command, ...], command: Command
):
    """AWS and journal say what they say where nobody died: who is placed, let out, braked; what is carried, undone.

    A release settles nothing, since a run may be under way whose changes are open by right; its end does.
    """
    world = a_copy(ripe)
    world.enforce()
    ideal, afterwards = Operator(a_copy(world)), (let_go,) if command in {brake, let_out} else ()
    for one in (*ahead, command, *afterwards):
        one(ideal)
    for operator in deaths(world, ahead, command):
        for one in (command, *afterwards):
            one(operator)
        assert ideal.world.state == operator.world.state
        assert said(ideal.world) == said(operator.world)


def said(world: World) -> list[object]:
    progress, releases = world.done, world.done.releases
    by_key = (progress.placed, progress.carried, progress.undone, releases.to_return, releases.braked)
    return [() == progress.open, *(sorted(known) for known in by_key)]


def test_the_journal_is_read_once_however_many_accounts_a_run_that_died_has_left_open():
    """To read that of a large organization takes seconds, and 32 accounts are under way at a time."""
    accounts = [an_account(f"{700_000_000_000 + number:012d}") for number in range(8)]
    world = World(*(a_person(f"p{account.id}", account_id=account.id) for account in accounts)).ripe()
    for number, account in enumerate(accounts):
        world.journal.append(
            a_run(f"dead-{number}"),
            an_intent(AddMember(account.id, GROUP, a_ref("nobody", account.id)), run=f"dead-{number}"),
        )
    asked: list[str] = []
    world.journal = CountingJournal(world.journal.kept, asked)
    world.enforce()
    assert () == world.done.open
    assert len(asked) < len(accounts)


class CountingJournal(FakeJournal):
    """Notes each time that somebody reads it."""

    def __init__(self, records: list[Record], asked: list[str]) -> None:
        super().__init__(records)
        self._asked = asked

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        self._asked.append(organization_id)
        return super().progress(organization_id, more)
