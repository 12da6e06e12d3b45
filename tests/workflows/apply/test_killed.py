"""Any kill at any moment loses nothing, does nothing twice, and the next run knows (issue 5)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    Change,
    CreatePolicy,
    SkipCode,
    Skipped,
    name,
)
from rollout.domain.progress.records import Intent, RunStarted, Settled
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, POLICY, an_exemption
from tests.fakes import Trouble
from tests.workflows.apply.mortal import Fate, killed_at_every_moment, run_until
from tests.workflows.world import World, a_cli_user, a_copy, a_group, a_person, an_enroller

OTHER = "222233334444"
GROUPS = tuple(f"team-{number}" for number in range(10))


def an_organization_of_six(**more: Any) -> World:
    """Two accounts; somebody with ten groups, somebody who hangs on the policy already."""
    return World(
        a_person("alice"),
        a_cli_user("carl"),
        an_enroller("erin"),
        a_person("full", groups=GROUPS),
        a_cli_user("bob", account_id=OTHER),
        an_enroller("bert", account_id=OTHER),
        facts={ACCOUNT: {"groups": [a_group(group) for group in GROUPS]}},
        **more,
    )


@pytest.fixture(scope="module", params=list(Attachment))
def ripe(request) -> World:
    """Told, and the day has come: enforcement is due."""
    return an_organization_of_six(attach=request.param).ripe()


@pytest.fixture(scope="module")
def planned() -> World:
    """Rehearsed: telling people is due."""
    return an_organization_of_six().planned()


def undisturbed(world: World, stage: Stage) -> World:
    twin = a_copy(world)
    twin.apply(stage)
    return twin


def keeps_the_promise(world: World, ideal: World) -> None:
    """Nothing lost, nothing twice, everything on record."""
    assert ideal.state == world.state
    written = Counter(name(change) for change in world.written)
    assert Counter(name(change) for change in ideal.written) == written
    assert set(written.values()) <= {1}
    for key, outcomes in settled(world).items():
        assert 1 == len(outcomes), f"intent {key} has {len(outcomes)} outcomes"
    applied = Counter(name(change) for change, outcome in outcomes_of(world) if isinstance(outcome, Applied))
    before = Counter(name(change) for change in earlier(world))
    assert written == applied - before
    assert ideal.done.placed.keys() == world.done.placed.keys()
    for account in world.accounts:
        ideally, here = ideal.done.made_in(account), world.done.made_in(account)
        assert (ideally.groups.keys(), ideally.policies.keys()) == (here.groups.keys(), here.policies.keys())
    assert ideal.done.carried.keys() == world.done.carried.keys()


def has_nothing_left_to_do(world: World) -> None:
    state, attempted = world.state, len(world.attempted)
    assert {"already enforced": 6} == world.enforce().tally.counts
    assert (state, attempted) == (world.state, len(world.attempted))


def settled(world: World) -> dict[tuple[str, int], list[Settled]]:
    """The outcomes of each intent, by run and number."""
    found: dict[tuple[str, int], list[Settled]] = {
        (intent.run, intent.number): [] for intent in world.records(Intent)
    }
    for record in world.records(Settled):
        found[record.of, record.number].append(record)
    return found


def outcomes_of(world: World) -> list[tuple[Change, object]]:
    return [(done.intent.change, done.outcome) for done in world.done.changes]


def earlier(world: World) -> list[Change]:
    """Changes of runs from before the copy was made: its accounts did not see them written."""
    runs = [started.run for started in world.records(RunStarted)]
    copied = set(runs[: world.copied_runs])
    return [
        done.intent.change
        for done in world.done.changes
        if done.started.run in copied and isinstance(done.outcome, Applied)
    ]


# Takes a second or more: a run is killed at every one of its moments.
def test_a_run_killed_at_any_moment_is_finished_by_the_next(ripe):
    ideal, moments = undisturbed(ripe, Stage.ENFORCE), 0
    for world in killed_at_every_moment(ripe, Stage.ENFORCE):
        world.enforce()
        keeps_the_promise(world, ideal)
        has_nothing_left_to_do(world)
        moments += 1
    # Each write has four: before it, after it, after its intent and after its outcome.
    assert moments >= 4 * len(ideal.written)


def test_what_was_written_and_not_recorded_is_ours_to_undo(ripe):
    """Exactly one change can be in doubt; where its effect stands, it was made by us."""
    doubtful = 0
    for world in killed_at_every_moment(ripe, Stage.ENFORCE):
        dead = {done.intent.number: done.intent.change for done in world.done.open}
        assert len(dead) <= 1
        made = [name(change) for change in world.written]
        world.enforce()
        for change in dead.values():
            outcomes = [outcome for one, outcome in outcomes_of(world) if name(one) == name(change)]
            if name(change) in made:
                assert [Applied("", unconfirmed=True)] == outcomes
                doubtful += 1
            else:
                assert Skipped(SkipCode.NOT_MADE, "the run ended before this was written") == outcomes[0]
                assert isinstance(outcomes[1], Applied)
                assert not outcomes[1].unconfirmed
    assert doubtful == len(undisturbed(ripe, Stage.ENFORCE).written)


@pytest.mark.parametrize("trouble", [Trouble.LOST_AFTER, Trouble.LOST_BEFORE])
def test_a_kill_while_answers_are_lost_makes_no_difference(trouble):
    ripe = World(a_cli_user("carl"), a_person("bob", account_id=OTHER)).ripe()
    ideal = undisturbed(ripe, Stage.ENFORCE)

    def lose_answers(world: World) -> None:
        for account in world.accounts.values():
            account.fail(trouble, odd_one_out(), times=99)

    for world in killed_at_every_moment(ripe, Stage.ENFORCE, lose_answers):
        world.enforce()
        keeps_the_promise(world, ideal)


def odd_one_out():
    """Every second try goes wrong."""
    tries = 0

    def when(_: Change) -> bool:
        nonlocal tries
        tries += 1
        return tries % 2 == 1

    return when


def test_a_run_killed_while_letting_out_is_finished_by_the_next(ripe):
    world = a_copy(ripe)
    world.enforce()
    world.exempt(an_exemption(world.person("alice").arn), an_exemption(world.person("full").arn))
    world.plan("p2p2")
    world.rehearse()
    ideal = undisturbed(world, Stage.ENFORCE)
    assert 2 == len(ideal.written)
    for twin in killed_at_every_moment(world, Stage.ENFORCE):
        twin.enforce()
        keeps_the_promise(twin, ideal)


def test_a_run_killed_while_noting_what_was_found_is_finished_by_the_next(ripe):
    """Newcomers hang on the policy by somebody's hand: noted once, and never ours, however often we die."""
    world = a_copy(ripe)
    world.enforce()
    world.account.put(a_person("found", attached=(POLICY,)))
    world.plan("p2p2")
    world.rehearse()
    for twin in killed_at_every_moment(world, Stage.ENFORCE):
        twin.enforce()
        assert [] == twin.attempted
        found = [outcome for change, outcome in outcomes_of(twin) if "found" in str(change)]
        assert set(found) == {AlreadyInPlace()}
        assert all(1 == len(outcomes) for outcomes in settled(twin).values())


def test_telling_people_is_finished_by_the_next_run(planned):
    """Rights once; everybody told. One message alone may be in doubt, and is sent again rather than never."""
    ideal = undisturbed(planned, Stage.NOTIFY)
    for world in killed_at_every_moment(planned, Stage.NOTIFY):
        sent = {notice.address for notice in world.notifier.sent}
        recorded = {told.address for told in told_in(world)}
        world.notify()
        keeps_the_promise(world, ideal)
        times = Counter(notice.address for notice in world.notifier.sent)
        assert set(ideal.told) == set(times)
        assert sent - recorded == {address for address, count in times.items() if count > 1}
        assert len(sent - recorded) <= 1


def told_in(world: World):
    return [told for notices in world.done.told.values() for told in notices]


@settings(max_examples=15)
@given(deaths=st.lists(st.integers(1, 40), max_size=8))
def test_many_kills_in_a_row_make_no_difference(many_deaths, deaths):
    """Each run dies after so many moments, the next one starts where it can."""
    ready, ideal = many_deaths
    world = a_copy(ready)
    for deadly in deaths:
        run_until(world, Stage.ENFORCE, Fate(deadly))
    world.enforce()
    keeps_the_promise(world, ideal)


@pytest.fixture(scope="module")
def many_deaths() -> tuple[World, World]:
    ready = an_organization_of_six().ripe()
    return ready, undisturbed(ready, Stage.ENFORCE)


def test_a_dead_run_that_never_comes_back_leaves_the_account_usable():
    """Its wave is gone from the new plan; the account's open change is settled by whoever comes next."""
    world = World(a_person("alice"), a_person("bob"), canary=["alice"]).planned()
    run_until(world, Stage.ENFORCE, Fate(6))
    left_open = [type(done.intent.change) for done in world.done.open]
    assert [CreatePolicy] == left_open
    world.account.remove("alice")
    world.days_pass(1)
    world.plan("p2p2")
    world.rehearse()
    world.enforce()
    assert 0 == len(world.done.open)
    assert {"bob"} == world.enforced
    assert POLICY in world.account.facts.policies
