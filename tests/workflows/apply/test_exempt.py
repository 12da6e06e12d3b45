"""Who is exempt and enforced is let out; who stops being exempt is told afresh (design.md#verdicts)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rollout.domain.people.scope import Selection
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import Applied, DetachFromUser, RemoveMember
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.stages import Stage
from tests.builders import GROUP, an_exemption
from tests.fakes import Trouble
from tests.workflows.world import World, a_cli_user, a_person

OTHER = "222233334444"


def enforced(*names: str, **rules: Any) -> World:
    """These users are enforced."""
    world = World(*(a_person(name) for name in names), **rules).planned()
    world.enforce()
    return world


def exempted(world: World, *names: str, days: int = 60) -> World:
    """They have become exempt since, and a new plan says so."""
    expires = world.clock.now().date() + timedelta(days=days)
    world.exempt(*(an_exemption(world.person(name).arn, expires=expires) for name in names))
    world.plan("p2p2")
    world.rehearse()
    return world


def test_who_is_exempt_and_enforced_is_let_out():
    world = exempted(enforced("alice", "bob"), "alice")
    answer = world.enforce()
    assert {"bob"} == world.enforced
    assert () == world.person("alice").groups
    assert 1 == answer.tally["let out"]
    assert RemoveMember is type(world.written[-1])
    assert isinstance(world.done.changes[-1].outcome, Applied)


def test_who_carries_the_policy_directly_is_let_out_too():
    world = exempted(enforced("alice", "bob", attach=Attachment.USER), "alice")
    world.enforce()
    assert {"bob"} == world.enforced
    assert DetachFromUser is type(world.written[-1])


def test_letting_out_happens_once():
    world = exempted(enforced("alice", "bob"), "alice")
    world.enforce()
    attempted = len(world.attempted)
    world.enforce()
    assert attempted == len(world.attempted)


def test_nobody_is_let_out_before_the_plan_says_so():
    """A removal is reviewed like anything else."""
    world = enforced("alice", "bob")
    world.exempt(an_exemption(world.person("alice").arn))
    answer = world.enforce()
    assert {"alice", "bob"} == world.enforced
    assert 1 == answer.tally["exempt"]


def test_nobody_is_let_out_whose_exemption_is_gone_again():
    world = exempted(enforced("alice", "bob"), "alice")
    world.exempt()
    world.enforce()
    assert {"alice", "bob"} == world.enforced


def test_telling_people_lets_nobody_out():
    world = exempted(enforced("alice", "bob"), "alice")
    world.notify()
    assert {"alice", "bob"} == world.enforced


def test_a_narrowed_run_lets_out_only_the_chosen():
    world = exempted(enforced("alice", "bob", "carol"), "alice", "bob")
    world.enforce(selection=Selection(users=("bob",)))
    assert {"alice", "carol"} == world.enforced


def test_letting_out_is_refused_for_one_and_not_for_the_other():
    world = exempted(enforced("alice", "bob", "carol"), "alice", "bob")
    world.account.fail(Trouble.REFUSED, lambda change: isinstance(change, RemoveMember))
    answer = world.enforce()
    assert {"alice", "carol"} == world.enforced
    assert answer.in_part
    world.enforce()
    assert {"carol"} == world.enforced


def test_who_was_let_out_is_not_taken_for_somebody_removed_by_hand():
    """When the exemption ends they come back like anybody else."""
    world = exempted(enforced("alice", "bob"), "alice", days=5)
    world.enforce()
    world.exempt()
    world.days_pass(6)
    world.plan("p3p3")
    world.rehearse()
    world.enforce()
    assert {"alice", "bob"} == world.enforced


def test_an_exemption_that_ran_out_needs_a_fresh_notice():
    """The notice from before is used up: the user was enforced by it, and let out since."""
    world = World(a_cli_user("carl"), a_person("bob")).ripe()
    world.enforce()
    exempted(world, "carl", days=2).enforce()
    assert {"bob"} == world.enforced

    world.days_pass(4)
    world.plan("p3p3")
    world.rehearse()
    assert 1 == world.enforce().tally["notice"]
    assert "told before having been let out or exempt" in world.records(UserSkipped)[-1].detail
    assert {"bob"} == world.enforced

    world.notify()
    world.days_pass(15).enforce()
    assert {"bob", "carl"} == world.enforced


def test_an_exemption_that_was_deleted_needs_a_fresh_notice_too():
    """Its line is gone from the settings; the journal remembers that the user was let out."""
    world = World(a_cli_user("carl"), a_person("bob")).ripe()
    world.enforce()
    exempted(world, "carl").enforce()
    world.exempt()
    world.days_pass(1)
    world.plan("p3p3")
    world.rehearse()
    assert 1 == world.enforce().tally["notice"]
    assert {"bob"} == world.enforced


def test_an_exemption_that_a_run_saw_makes_the_notice_void():
    """Nobody was let out, but somebody was told "not you" in between."""
    world = World(a_cli_user("carl")).ripe()
    world.exempt(an_exemption(world.person("carl").arn))
    assert {"exempt": 1} == world.enforce().tally.counts
    world.exempt()
    assert {"notice": 1} == world.enforce().tally.counts


def test_an_exemption_in_between_makes_the_notice_void_though_no_run_saw_it():
    """Told for the 8th, exempt from the 1st to the 7th: nobody expects to be enforced on the 8th."""
    world = World(a_cli_user("carl")).notified()
    expires = world.clock.now().date() + timedelta(days=13)
    world.exempt(an_exemption(world.person("carl").arn, expires=expires))
    world.days_pass(15)
    assert {"notice": 1} == world.enforce().tally.counts
    world.notify()
    assert 2 == len(world.notifier.sent)
    world.days_pass(15).enforce()
    assert {"carl"} == world.enforced


def test_an_exemption_that_ran_out_before_the_notice_does_not_matter():
    world = World(a_cli_user("carl"))
    world.exempt(an_exemption(world.person("carl").arn, days=-20))
    world.ripe()
    world.enforce()
    assert {"carl"} == world.enforced


def test_an_exemption_covers_through_its_last_day():
    world = World(a_cli_user("carl")).planned()
    world.exempt(an_exemption(world.person("carl").arn, days=0))
    assert {"exempt": 1} == world.notify().tally.counts
    assert {"told": 1, "messages": 1} == world.days_pass(1).notify().tally.counts


def test_an_exempt_member_of_somebody_elses_group_is_not_taken_out_of_it():
    """Only what is ours is undone."""
    world = World(a_person("alice"), a_person("bob", account_id=OTHER)).planned()
    world.enforce()
    world.change("bob", groups=(GROUP, "admins"))
    exempted(world, "bob").enforce()
    assert ("admins",) == world.person("bob").groups
    assert (Stage.ENFORCE, "rest") in world.done.carried
