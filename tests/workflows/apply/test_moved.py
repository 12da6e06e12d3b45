"""Who moves between waves keeps what was said and done: it belongs to the organization and the UserId.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from datetime import timedelta

from rollout.domain.plan.comparison import LATER
from rollout.domain.plan.waves import Wave
from rollout.domain.progress.records import Told
from rollout.workflows.judging.draft import PlanOrder
from rollout.workflows.plan import make_plan, newest_plan
from tests.builders import ORGANIZATION
from tests.fakes import FakeDraft
from tests.workflows.world import World, a_cli_user, a_person


def two_told() -> World:
    """Ana goes first, carl in the rest; both were told today."""
    return World(a_cli_user("ana"), a_cli_user("carl"), canary=["ana"]).notified()


def plan_anew(world: World, *canary: str) -> None:
    """Plan again after rollout.yaml was changed, and rehearse."""
    world.waves = (Wave("canary", users=canary), Wave("rest"))
    world.days_pass(1)
    world.plan("p2p2")
    world.rehearse()


def test_who_moves_forward_keeps_the_day_told_and_is_not_told_again():
    world = two_told()
    (carl,) = [told for told in world.records(Told) if told.user.name == "carl"]
    plan_anew(world, "ana", "carl")
    world.notify()
    assert 2 == len(world.notifier.sent)
    world.clock.instant = carl.at + timedelta(days=15)
    assert ("canary",) == world.enforce().waves
    assert {"ana"} == world.enforced
    world.clock.instant = carl.due
    world.enforce()
    assert {"ana", "carl"} == world.enforced


def test_who_moves_back_keeps_the_day_told_and_goes_with_the_later_wave():
    world = two_told()
    plan_anew(world, "carl")
    world.notify()
    assert 2 == len(world.notifier.sent)
    world.days_pass(17)
    assert ("canary",) == world.enforce().waves
    assert {"carl"} == world.enforced
    world.days_pass(3).enforce()
    assert {"ana", "carl"} == world.enforced


def test_who_is_enforced_stays_so_whatever_wave_a_new_plan_says():
    world = two_told().days_pass(20)
    world.enforce()
    assert {"ana"} == world.enforced
    plan_anew(world, "carl")
    written = len(world.written)
    answer = world.enforce()
    assert {"ana", "carl"} == world.enforced
    assert written + 1 == len(world.written)
    assert 1 == answer.tally["enforced"]


def test_the_plan_says_who_goes_later_than_before():
    world = World(a_person("alice"), a_person("bob"), canary=["alice"]).planned()
    world.waves = (Wave("canary", users=("nobody",)), Wave("rest"))
    earlier = newest_plan(world.plans, ORGANIZATION)
    order = PlanOrder("p2p2", world.rules, world.waves, "auto", world.settings, 100)
    header = make_plan(world.look(), order, FakeDraft(world.plans), world.journal, earlier).stored.header
    (finding,) = [finding for finding in header.findings if finding.code == LATER]
    assert "1 user has moved from wave canary to wave rest since plan k3f9: " in finding.text
    assert finding.text.endswith("user/alice")
