"""An approval says who let which wave of which bytes go on, when and why."""

from __future__ import annotations

import pytest

from rollout.domain.progress.records import Approved
from rollout.errors import EmptySelection, WrongUsage
from rollout.workflows.approve import approve
from tests.builders import ORGANIZATION, a_caller
from tests.workflows.world import World, a_person


def planned() -> World:
    world = World(a_person("alice"), a_person("bob"), canary=["alice"])
    world.plan()
    return world


def say_yes(world: World, wave: str = "canary", reason: str = "CAB-311") -> Approved:
    stored = world.plans.kept[-1]
    return approve(stored, wave, reason, a_caller(), world.journal, "approval-1", world.clock.now())


def test_who_when_why_and_for_which_bytes_is_on_record():
    world = planned()
    given = say_yes(world, reason=" CAB-311 ")
    assert [given] == world.journal.kept
    assert (ORGANIZATION, "canary", "CAB-311") == (given.organization_id, given.wave, given.reason)
    assert a_caller().arn == given.caller
    assert world.clock.now() == given.at
    assert world.plans.kept[-1].header.checksum == given.plan_checksum
    assert given == world.done.approvals[given.plan_checksum, "canary"]


def test_nothing_is_asked_of_aws_and_nothing_written_there():
    world = planned()
    asked = list(world.account.asked)
    say_yes(world)
    assert asked == world.account.asked
    assert [] == world.attempted


@pytest.mark.parametrize(
    ("wave", "said"), [("canery", 'the plan has no wave "canery"'), ("", 'the plan has no wave ""')]
)
def test_a_wave_that_the_plan_does_not_have_is_wrong_usage(wave, said):
    world = planned()
    with pytest.raises(EmptySelection, match=said) as refusal:
        say_yes(world, wave)
    assert (2, "waves of this plan: canary, rest") == (refusal.value.exit_code, refusal.value.cure)
    assert [] == world.journal.kept


def test_a_wave_without_users_is_wrong_usage():
    world = World(a_person("alice"), canary=["alice"])
    world.plan()
    with pytest.raises(EmptySelection, match='nobody is in wave "rest"'):
        say_yes(world, "rest")


def test_a_reason_is_needed():
    world = planned()
    with pytest.raises(WrongUsage, match="needs --reason") as refusal:
        say_yes(world, reason="  ")
    assert 2 == refusal.value.exit_code
    assert [] == world.journal.kept


def test_the_newest_approval_counts_and_the_earlier_ones_stay_on_record():
    world = planned()
    say_yes(world, reason="one")
    world.days_pass(1)
    say_yes(world, reason="two")
    (given,) = world.done.approvals.values()
    assert "two" == given.reason
    assert 2 == len(world.journal.kept)
