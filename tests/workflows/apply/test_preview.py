"""What the operator is told before the question: for whom the run would write, found out without a trace."""

from __future__ import annotations

import pytest

from rollout.domain.people.scope import Selection
from rollout.domain.plan.impact_counts import Affected, ImpactCounts
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.errors import Interrupted, Refused
from rollout.workflows.apply.order import RunPreview
from rollout.workflows.apply.run import OperatorQuestion
from rollout.workflows.ports import CannotEnter
from tests.builders import POLICY, a_user, an_exemption, an_id
from tests.workflows.apply.test_policy import change_documents, two_waves
from tests.workflows.world import World, a_cli_user, a_person, an_enroller

OTHER = "222233334444"


def foreseen(world: World, stage: Stage, **more) -> RunPreview:
    """Look, and say no."""
    seen: list[RunPreview] = []

    def no(question: OperatorQuestion) -> None:
        seen.append(question.look())
        raise Refused("nothing was written, because the answer was no")

    with pytest.raises(Refused, match="the answer was no"):
        world.apply(stage, agree=no, **more)
    return seen[0]


def names(affected: tuple[Affected, ...]) -> set[str]:
    return {one.user.name for one in affected}


def traces(world: World) -> tuple[int, int, int]:
    return len(world.journal.kept), len(world.attempted), len(world.notifier.sent)


def agreeing(world: World, stage: Stage, **more) -> set[str]:
    """Those foreseen are those for whom the run then writes, with the same impact."""
    before = foreseen(world, stage, **more)
    result = world.apply(stage, **more)
    assert set(before.affected) == set(result.affected)
    assert before.impact == result.impact
    return names(result.affected)


def test_looking_leaves_no_trace():
    world = World(an_enroller("erin"), a_cli_user("carl")).ripe()
    before = traces(world)
    assert {"erin", "carl"} == names(foreseen(world, Stage.ENFORCE).affected)
    assert before == traces(world)


@pytest.mark.parametrize("stage", [Stage.NOTIFY, Stage.ENFORCE])
def test_who_changed_since_the_plan_is_not_counted(stage: Stage):
    kept = [an_enroller("erin"), a_cli_user("carl"), a_person("alice")]
    gone = [a_cli_user(name) for name in ("machine", "deleted", "renamed", "exempt")]
    world = World(*kept, *gone)
    world = world.planned() if stage is Stage.NOTIFY else world.ripe()
    world.change("machine", password=None, devices=(), mfa_active=False)
    world.account.remove("deleted")
    world.account.put(a_user("renamed", id=an_id("somebody", "else"), tags={"email": "other@example.com"}))
    world.exempt(an_exemption(world.person("exempt").arn))
    assert {"erin", "carl", "alice"} == agreeing(world, stage)


def test_who_has_enrolled_since_is_counted_by_what_enforcement_means_now():
    world = World(an_enroller("erin"), an_enroller("emma")).ripe()
    device = a_person("x").devices
    world.change("emma", devices=device, mfa_active=True)
    assert (
        ImpactCounts(enrol=1, without_device=1, nothing=1, no_notice=1)
        == foreseen(world, Stage.ENFORCE).impact["rest"]
    )
    assert {"erin", "emma"} == agreeing(world, Stage.ENFORCE)


def test_who_waits_for_the_day_told_is_not_counted():
    world = World(an_enroller("erin"), a_person("alice")).notified()
    assert {"alice"} == agreeing(world, Stage.ENFORCE)


def test_who_was_told_is_not_told_again():
    world = World(an_enroller("erin"), a_person("alice")).planned()
    assert {"erin", "alice"} == agreeing(world, Stage.NOTIFY)
    (unaffected,) = foreseen(world, Stage.NOTIFY).affected
    assert ("alice", False) == (unaffected.user.name, unaffected.needs_notice)


def test_only_selected_users_count():
    world = World(an_enroller("erin"), an_enroller("emma")).ripe()
    found = foreseen(world, Stage.ENFORCE, selection=Selection(users=("erin",)))
    assert ({"rest": 1}, {"erin"}) == (found.users, names(found.affected))


def test_nobody_counts_whose_policy_would_reach_a_stranger():
    """The guard lets no write through that would reach somebody who is not to be enforced."""
    world = two_waves()
    world.account.put(a_person("robot", password=False, mfa=None, keys=1, attached=(POLICY,)))
    change_documents(world)
    world.plan("p2p2")
    assert set() == agreeing(world, Stage.ENFORCE, overrides={"dry_run_done": "we know"})
    assert "the policy would also apply to robot" in world.records(UserSkipped)[-1].detail


def test_users_of_an_account_that_lets_nobody_in_are_said_to_be_unseen():
    world = World(an_enroller("erin"), an_enroller("otto", account_id=OTHER)).ripe()
    world.closed[OTHER] = CannotEnter("no role lets us in", "make one")
    found = foreseen(world, Stage.ENFORCE)
    assert ({"erin"}, 1, {"rest": 2}) == (names(found.affected), found.unseen, found.users)


def test_a_stop_while_looking_ends_the_run_before_anything_is_written():
    world = World(an_enroller("erin"), an_enroller("otto", account_id=OTHER)).ripe()

    def stop(question: OperatorQuestion) -> None:
        world.stopping = lambda: True
        question.look()

    before = traces(world)
    with pytest.raises(Interrupted, match="nothing was written"):
        world.apply(Stage.ENFORCE, agree=stop)
    assert before == traces(world)
