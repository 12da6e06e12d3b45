"""Asked to stop, a run finishes the change in hand, says that it was interrupted, and can go on later.

See design.md#commands.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.progress.records import RunEnded, UserSkipped
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT
from tests.workflows.apply.test_killed import keeps_the_promise, undisturbed
from tests.workflows.world import World, a_cli_user, a_copy, a_person, an_enroller, placements

OTHER = "222233334444"


def six_people() -> World:
    return World(
        a_person("alice"),
        a_cli_user("carl"),
        an_enroller("erin"),
        a_person("zoe", account_id=OTHER),
        an_enroller("bert", account_id=OTHER),
        a_cli_user("bob", account_id=OTHER),
    )


def stop_after_writes(world: World, count: int) -> None:
    """Somebody presses Ctrl-C while a write is under way."""
    world.stopping = lambda: len(world.attempted) >= count


def stopped_at_every_moment(world: World, stage: Stage) -> Iterator[World]:
    """Yield the world after a run that was asked to stop the n-th time it looked, for every n."""
    looks = 0
    while True:
        looks += 1
        twin = a_copy(world)
        twin.stopping = _from_the(looks)
        answer = twin.apply(stage)
        if not answer.interrupted:
            return
        twin.stopping = lambda: False
        yield twin


def _from_the(number: int):
    looked = 0

    def stopping() -> bool:
        nonlocal looked
        looked += 1
        return looked >= number

    return stopping


def test_the_change_in_hand_is_finished_and_no_other_begun():
    world = six_people().ripe()
    stop_after_writes(world, 11)
    before = len(world.written)
    world.attempted.clear()
    answer = world.enforce()
    assert answer.interrupted
    assert all(done.outcome is not None for done in world.done.changes)
    assert len(world.written) > before
    assert "interrupted" == world.records(RunEnded)[-1].ending


def test_a_run_stopped_before_its_first_account_has_carried_nothing():
    """An engine that is asked to stop begins no account: nobody was enforced, so no wave was carried."""
    world = six_people().ripe()
    world.stopping = lambda: True
    world.engine_stops = True
    for stage in (Stage.NOTIFY, Stage.ENFORCE):
        answer = world.apply(stage)
        assert answer.interrupted
    assert (Stage.ENFORCE, "rest") not in world.done.carried
    assert set() == world.enforced


def test_a_run_stopped_after_one_account_has_not_carried_the_wave():
    world = six_people().ripe()
    world.stopping = lambda: len(world.accounts[ACCOUNT].written) >= 7 + 4
    world.engine_stops = True
    answer = world.enforce()
    assert answer.interrupted
    assert (Stage.ENFORCE, "rest") not in world.done.carried
    assert {"alice", "carl", "erin"} == world.enforced
    assert [] == placements(world.accounts[OTHER].written)


def test_an_interrupted_enforcement_goes_on_where_it_stopped():
    ripe = six_people().ripe()
    ideal, moments = undisturbed(ripe, Stage.ENFORCE), 0
    for world in stopped_at_every_moment(ripe, Stage.ENFORCE):
        assert all(done.outcome is not None for done in world.done.changes)
        assert (Stage.ENFORCE, "rest") not in world.done.carried
        world.enforce()
        keeps_the_promise(world, ideal)
        moments += 1
    assert moments >= len(ideal.written)


def test_an_interrupted_telling_goes_on_where_it_stopped_and_tells_nobody_twice():
    planned = six_people().planned()
    ideal = undisturbed(planned, Stage.NOTIFY)
    for world in stopped_at_every_moment(planned, Stage.NOTIFY):
        assert (Stage.NOTIFY, "rest") not in world.done.carried
        world.notify()
        keeps_the_promise(world, ideal)
        assert ideal.told == world.told


def test_nobody_is_told_by_a_run_that_was_stopped_before_their_right_to_enrol_was_given():
    world = World(an_enroller("erin"), a_cli_user("carl")).planned()
    stop_after_writes(world, 2)
    world.notify()
    assert [] == world.notifier.sent


def test_telling_stops_between_two_messages():
    world = World(*(a_cli_user(name) for name in ("ana", "ben", "carl"))).planned()
    world.stopping = lambda: len(world.notifier.sent) >= 1
    answer = world.notify()
    assert answer.interrupted
    assert ["ana@example.com"] == [notice.address for notice in world.notifier.sent]
    assert (Stage.NOTIFY, "rest") not in world.done.carried


def test_whoever_a_stopped_run_did_not_get_to_is_not_called_failed():
    world = World(a_person("alice"), a_person("bob"), a_person("carol")).planned()
    stop_after_writes(world, 5)
    answer = world.enforce()
    assert (1, 0) == (answer.tally["enforced"], answer.tally["failed"])
    assert [] == world.records(UserSkipped)
    assert not answer.in_part


def test_a_stopped_run_does_not_go_on_asking_about_everybody():
    """An account with thousands of users would keep the operator waiting."""
    world = World(*(a_person(f"user-{number}") for number in range(30))).planned()
    account = world.account
    account.asked.clear()
    world.stopping = lambda: account.asked.count("password") >= 3
    assert world.enforce().interrupted
    assert 3 == account.asked.count("password")
    assert 2 == len(world.enforced)


def test_a_stopped_rehearsal_does_not_begin_its_second_step():
    world = six_people()
    world.plan()
    world.stopping = lambda: len(world.accounts[OTHER].asked) >= 2
    rehearsal, access, _ = world.rehearse()
    assert rehearsal.interrupted
    assert [] == [name for changes in access.noted.values() for name in placements(changes)]
