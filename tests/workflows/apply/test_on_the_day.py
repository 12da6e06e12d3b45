"""Who is enforced hears it once more where the operator wants that; it decides nothing."""

from __future__ import annotations

from datetime import timedelta

from rollout.domain.progress.records import Reminded
from rollout.domain.progress.stages import Stage
from tests.workflows.apply.mortal import Fate, run_until
from tests.workflows.world import World, a_cli_user, a_copy, a_person


def ripe() -> World:
    return World(a_cli_user("carl"), a_cli_user("dora"), a_person("alice")).ripe()


def test_who_is_enforced_now_hears_it_once():
    world = ripe()
    answer = world.enforce(announces=True)
    said = [notice for notice in world.notifier.sent if notice.enforced]

    assert {"carl@example.com", "dora@example.com"} == {notice.address for notice in said}
    assert 2 == answer.tally["told that they are enforced"]
    assert {timedelta()} == {record.mark for record in world.records(Reminded)}
    assert {"alice", "carl", "dora"} == world.enforced  # whoever notices nothing was not told before either
    before = len(world.notifier.sent)
    world.enforce(announces=True)
    assert before == len(world.notifier.sent)


def test_by_default_nobody_hears_anything():
    world = ripe()
    before = len(world.notifier.sent)
    world.enforce()

    assert before == len(world.notifier.sent)


def test_whom_a_run_that_died_has_enforced_hears_it_from_the_next():
    ideal = a_copy(ripe())
    for deadly in range(1, 60, 4):
        world = a_copy(ideal)
        original = world.order
        world.order = lambda stage, original=original, **more: original(stage, **{"announces": True, **more})  # type: ignore[method-assign]  # all runs of this world announce
        if run_until(world, Stage.ENFORCE, Fate(deadly)):
            break
        world.lock.holder = ""
        world.enforce()
        told = [record.user.name for record in world.records(Reminded)]
        assert {"carl", "dora"} == set(told)


def test_a_mailbox_that_is_closed_on_the_day_keeps_nobody_out():
    world = ripe()
    world.notifier.failing = frozenset({"carl@example.com"})
    answer = world.enforce(announces=True)

    assert {"alice", "carl", "dora"} == world.enforced
    assert 1 == answer.tally["reminders not sent"]
