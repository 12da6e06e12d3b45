"""The rehearsal is the real thing with other adapters: it writes nothing and foretells exactly what will be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import Change, CreatePolicy, name
from rollout.domain.progress.records import RunEnded, RunStarted
from tests.builders import ACCOUNT, an_exemption
from tests.workflows.world import World, a_cli_user, a_group, a_person, an_enroller

OTHER = "222233334444"
GROUPS = tuple(f"team-{number}" for number in range(10))


def everybody(**more) -> World:
    """Two accounts, two waves, every impact, one with ten groups, one machine."""
    return World(
        a_person("alice"),
        a_cli_user("carl"),
        an_enroller("erin"),
        an_enroller("eve", helped=False),
        a_person("full", groups=GROUPS),
        a_person("robot", password=False, mfa=None, keys=1),
        an_enroller("bert", account_id=OTHER),
        a_person("passkey", mfa="passkey", keys=1, account_id=OTHER),
        canary=["alice", "erin", "passkey"],
        facts={ACCOUNT: {"groups": [a_group(group) for group in GROUPS]}},
        **more,
    )


def carried_for_real(world: World) -> None:
    """All stages of all waves, as the weeks go by."""
    world.notify()
    world.notify()
    for days in (15, 4):
        world.days_pass(days).enforce()


def test_a_rehearsal_writes_nothing_and_tells_nobody():
    world = everybody()
    world.plan()
    before = world.state
    world.rehearse()
    assert before == world.state
    assert [] == world.attempted
    assert [] == world.notifier.sent


def test_only_its_start_and_its_end_are_on_record():
    """No later run takes a rehearsed change, notice or wave for a real one."""
    world = everybody()
    world.plan()
    rehearsal, _, _ = world.rehearse()
    assert [RunStarted, RunEnded] == [type(record) for record in world.journal.kept]
    assert {} == world.done.carried
    assert {} == world.done.notices
    assert {} == world.done.placed
    assert rehearsal.history.placed.keys() == {entry.id for entry in people(world)}


def people(world: World):
    return [
        user for account in world.accounts.values() for user in account.facts.users if user.name != "robot"
    ]


@pytest.mark.parametrize("attach", list(Attachment))
def test_a_rehearsal_foretells_exactly_the_writes_that_are_made(attach):
    world = everybody(attach=attach)
    world.plan()
    _, access, _ = world.rehearse()
    foretold = [change for account in world.accounts for change in access.noted[account]]
    carried_for_real(world)
    assert same(foretold) == same(world.written)
    assert len(world.attempted) == len(foretold)
    assert {user.name for user in people(world)} == world.enforced


def test_a_rehearsal_foretells_exactly_the_messages_that_are_sent():
    world = everybody()
    world.plan()
    _, _, notifier = world.rehearse()
    carried_for_real(world)
    foretold = {
        (line.user.name, line.impact, line.situation) for notice in notifier.noted for line in notice.lines
    }
    sent = {
        (line.user.name, line.impact, line.situation)
        for notice in world.notifier.sent
        for line in notice.lines
    }
    assert {name for name, _, _ in sent} == {"carl", "erin", "eve", "bert", "passkey"}
    assert foretold == sent


def test_a_rehearsal_foretells_who_is_let_out():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.enforce()
    world.exempt(an_exemption(world.person("alice").arn))
    world.plan("p2p2")
    _, access, _ = world.rehearse()
    before = len(world.written)
    world.enforce()
    assert same(access.noted[ACCOUNT]) == same(world.written[before:])


def test_a_rehearsal_foretells_a_run_that_goes_on_half_way():
    """Half of the users are enforced already, and the policy was edited by hand."""
    world = everybody()
    world.planned()
    world.notify()
    world.days_pass(15).enforce()
    world.plan("p2p2")
    _, access, _ = world.rehearse()
    foretold = [change for account in world.accounts for change in access.noted[account]]
    before = [len(account.written) for account in world.accounts.values()]
    world.notify()
    world.days_pass(15).enforce()
    written = [
        change
        for start, account in zip(before, world.accounts.values(), strict=True)
        for change in account.written[start:]
    ]
    assert same(foretold) == same(written)


def same(changes: list[Change] | tuple[Change, ...]) -> Counter[str]:
    """Compare changes by what they do; which of two waves made the foundation does not matter."""
    return Counter(name(change) for change in changes)


def test_a_rehearsal_reads_for_real():
    world = everybody()
    world.plan()
    for account in world.accounts.values():
        account.asked.clear()
    world.rehearse()
    for account in world.accounts.values():
        assert 2 == account.asked.count("read")
        assert account.asked.count("credentials_now") > 0


def test_a_rehearsal_takes_everybody_to_be_told_and_the_time_to_have_passed():
    world = World(a_cli_user("carl"))
    world.plan()
    rehearsal, _, _ = world.rehearse()
    assert (1, 0) == (rehearsal.tally["enforced"], rehearsal.tally["notice"])


def test_a_second_rehearsal_says_the_same():
    world = everybody()
    world.plan()
    first, first_door, _ = world.rehearse()
    second, second_door, _ = world.rehearse()
    assert first.tally.counts == second.tally.counts
    assert whoever_runs(first_door.noted) == whoever_runs(second_door.noted)


def whoever_runs(noted: Mapping[str, tuple[Change, ...]]) -> dict[str, list[Change]]:
    """What was noted, without the tags of policies, which name the run."""
    return {
        account: [
            replace(change, tags={}) if isinstance(change, CreatePolicy) else change for change in changes
        ]
        for account, changes in noted.items()
    }


def test_a_rehearsal_after_everything_is_done_foretells_nothing():
    world = everybody().planned()
    carried_for_real(world)
    world.plan("p2p2")
    rehearsal, access, notifier = world.rehearse()
    assert {ACCOUNT: (), OTHER: ()} == access.noted
    assert [] == notifier.noted
    assert 0 == rehearsal.tally["writes"]


def test_a_rehearsal_settles_nothing_that_a_dead_run_left_open():
    """It knows how it would be settled, and leaves it to a run that may write."""
    world = World(a_person("alice"), a_person("bob")).planned()
    world.enforce()
    last = max(place for place, record in enumerate(world.journal.kept) if type(record).__name__ == "Settled")
    world.journal.kept = world.journal.kept[:last]
    assert 1 == len(world.done.open)
    rehearsal, access, _ = world.rehearse()
    assert 1 == len(world.done.open)
    assert 0 == len(rehearsal.history.open)
    assert () == access.noted[ACCOUNT]
    world.enforce()
    assert not world.done.open


def test_a_rehearsal_leaves_a_braked_account_alone():
    world = World(a_person("alice"), a_person("bob"), canary=["alice"]).planned()
    world.enforce()
    world.pull_the_brake()
    rehearsal, access, _ = world.rehearse()
    assert () == access.noted[ACCOUNT]
    assert 2 == rehearsal.tally["released"]
