"""Accounts are carried side by side by threads; what comes of it is what comes of one after the other."""

from __future__ import annotations

import threading
from collections import Counter

from rollout.domain.policy.changes import name
from rollout.domain.progress.records import Intent, Settled
from rollout.domain.progress.stages import Stage
from rollout.execution.threads import ThreadEngine
from rollout.workflows.ports import CannotEnter
from tests.builders import an_id
from tests.workflows.world import World, a_cli_user, a_copy, a_person, an_enroller

ACCOUNTS = [f"{number:012d}" for number in range(1, 9)]


def eight_accounts() -> World:
    return World(
        *(
            person(f"{kind}-{account_id[-1]}", account_id=account_id)
            for account_id in ACCOUNTS
            for kind, person in (("alice", a_person), ("carl", a_cli_user), ("erin", an_enroller))
        )
    )


def in_threads(world: World, stage: Stage, workers: int = 4) -> World:
    run = world.run(engine=ThreadEngine(workers))
    world.apply(stage, run)
    return world


def test_threads_make_no_difference():
    ripe = eight_accounts().ripe()
    ideal = a_copy(ripe)
    ideal.enforce()
    world = in_threads(a_copy(ripe), Stage.ENFORCE)
    assert ideal.state == world.state
    assert Counter(map(name, ideal.written)) == Counter(map(name, world.written))
    assert ideal.done.placed.keys() == world.done.placed.keys()
    assert ideal.done.carried == world.done.carried


def test_no_number_is_given_twice_and_every_intent_has_its_outcome():
    world = in_threads(eight_accounts().ripe(), Stage.ENFORCE)
    for run in {intent.run for intent in world.records(Intent)}:
        intents = [intent.number for intent in world.records(Intent) if intent.run == run]
        assert sorted(intents) == list(range(1, len(intents) + 1))
        settled = [record.number for record in world.records(Settled) if record.of == run]
        assert sorted(intents) == sorted(settled)


def test_a_person_with_users_in_many_accounts_gets_one_message():
    world = World(
        *(a_cli_user("ana", account_id=id_, id=an_id("ana", id_)) for id_ in ACCOUNTS),
    ).planned()
    in_threads(world, Stage.NOTIFY)
    (notice,) = world.notifier.sent
    assert len(ACCOUNTS) == len(notice.lines)
    assert sorted(line.user.arn for line in notice.lines) == [line.user.arn for line in notice.lines]


def test_one_account_that_cannot_be_entered_stops_no_other():
    world = eight_accounts().ripe()
    world.closed[ACCOUNTS[3]] = CannotEnter("no role lets us in")
    in_threads(world, Stage.ENFORCE)
    assert 21 == len(world.enforced)
    assert (Stage.ENFORCE, "rest") in world.done.carried
    del world.closed[ACCOUNTS[3]]
    in_threads(world, Stage.ENFORCE)
    assert 24 == len(world.enforced), "a wave stays open for who comes late"


def test_asked_to_stop_the_accounts_in_hand_are_finished_and_no_other_begun():
    world = eight_accounts().ripe()
    stop = threading.Event()
    world.stopping = stop.is_set
    first, before = world.accounts[ACCOUNTS[0]], len(world.attempted)
    first.before_write = lambda _: stop.set()
    run = world.run(engine=ThreadEngine(1, stop))
    answer = world.apply(Stage.ENFORCE, run)
    assert answer.interrupted
    assert before + 1 == len(world.attempted)
    assert (Stage.ENFORCE, "rest") not in world.done.carried

    first.before_write = lambda _: None
    stop.clear()
    world.enforce()
    assert 24 == len(world.enforced)
