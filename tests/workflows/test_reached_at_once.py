"""A write for a whole account reaches nobody: each comes under the policy by a write of their own, asked live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AttachToGroup,
    Change,
    CreateVersion,
    DetachFromGroup,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, GROUP, POLICY, a_ref
from tests.fakes import Trouble
from tests.workflows.operator import Operator
from tests.workflows.scenes import Scene, edited, release_over
from tests.workflows.test_fresh_at_the_write import EIGHT_HOURS, NEW_ID, made_anew, reset
from tests.workflows.test_release import a_world, carried, kinds
from tests.workflows.test_verify import WEAK, by_hand
from tests.workflows.world import World, a_group, a_person

BOB = a_ref("bob")
AT_ONCE = (SetDefaultVersion, CreateVersion, AttachToGroup)


def released(world: World) -> None:
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT))


def detached(world: World) -> None:
    by_hand(world, DetachFromGroup(ACCOUNT, GROUP, POLICY))


def end(operator: Operator) -> Any:
    return operator.end(operator.accounts(ACCOUNT))


def fix(operator: Operator) -> Any:
    return operator.fix()


def apply(operator: Operator) -> Any:
    return operator.apply(Stage.ENFORCE)


SCENES = [
    Scene(released, end),
    Scene(release_over, fix),
    Scene(release_over, apply),
    Scene(edited, fix),
    Scene(edited, apply),
    Scene(detached, fix),
]
in_each_scene = pytest.mark.parametrize("scene", SCENES, ids=str)


def before(world: World, kind: tuple[type[Change], ...], happens: Callable[[], object]) -> None:
    """Let something happen once, right before the first write of a kind."""
    left = [happens]

    def look(change: Change) -> None:
        if isinstance(change, kind) and left:
            left.pop()()

    world.account.before_write = look


@in_each_scene
def test_everybody_comes_back_each_by_a_write_of_their_own(scene: Scene):
    world = scene.world()
    scene.command(Operator(world))
    assert {"alice", "bob", "olga"} == world.enforced
    (at_once,) = (number for number, change in enumerate(world.written) if isinstance(change, AT_ONCE))
    assert ["RemoveMember"] * 2 == kinds(world.written[:at_once])
    assert ["AddMember"] * 2 == kinds(world.written[at_once + 1 :])
    assert {} == world.done.releases.to_return
    assert Operator(world).verify().clean


@pytest.mark.parametrize("happens", [reset, made_anew], ids=lambda one: one.__name__)
@in_each_scene
def test_what_happens_before_that_write_is_seen(scene: Scene, happens: Callable[[World], None]):
    world = scene.world()
    before(world, AT_ONCE, lambda: happens(world))
    scene.command(Operator(world))
    assert {"alice", "olga"} == world.enforced
    assert NEW_ID not in {user.id for user in world.account.facts.users if user.groups}
    assert "bob" in {skipped.user.name for skipped in world.records(UserSkipped)}


@in_each_scene
def test_after_eight_hours_with_the_lid_closed_everybody_is_asked_again(scene: Scene):
    world = scene.world()

    def lid_closed() -> None:
        world.clock.advance(EIGHT_HOURS)
        reset(world)

    before(world, AT_ONCE, lid_closed)
    scene.command(Operator(world))
    assert {"alice", "olga"} == world.enforced


@in_each_scene
def test_who_would_be_trapped_stays_out_and_keeps_nobody_else_out(scene: Scene):
    world = scene.world()
    reset(world)
    scene.command(Operator(world))
    assert {"alice", "olga"} == world.enforced
    (skipped,) = (one for one in world.records(UserSkipped) if one.user.name == "bob")
    assert "first-sign-in" in skipped.detail


@in_each_scene
def test_where_nobody_may_come_back_nothing_is_written(scene: Scene):
    world = scene.world()
    for name in ("alice", "bob"):
        password = world.person(name).password
        assert password is not None
        world.change(name, mfa_active=False, devices=(), password=replace(password, reset_required=True))
    scene.command(Operator(world))
    assert [] == world.attempted


@in_each_scene
def test_somebody_who_came_into_the_group_since_the_look_is_not_reached(scene: Scene):
    world = scene.world()
    before(world, (RemoveMember,), lambda: world.account.put(a_person("mallory", groups=(GROUP,))))
    scene.command(Operator(world))
    assert [] == [change for change in world.written if isinstance(change, AT_ONCE)]


@pytest.mark.parametrize("scene", SCENES[:5], ids=str)
def test_a_version_that_somebody_put_in_force_since_the_look_is_left(scene: Scene):
    world = scene.world()
    strange = CreateVersion(ACCOUNT, POLICY, {**WEAK, "Id": "strange"})
    before(world, (RemoveMember,), lambda: by_hand(world, strange))
    scene.command(Operator(world))
    assert [] == [change for change in world.written if isinstance(change, AT_ONCE)]
    (skipped, _) = world.records(UserSkipped)
    assert "somebody has put another version in force" in skipped.detail


@in_each_scene
def test_when_that_write_fails_they_are_out_and_come_back_the_next_time(scene: Scene):
    world = scene.world()
    world.account.fail(Trouble.REFUSED, when=lambda change: isinstance(change, AT_ONCE))
    scene.command(Operator(world))
    assert {"olga"} == world.enforced
    assert {"alice", "bob"} == {one.user.name for one in world.done.releases.to_return.values()}
    Operator(world, runs=50).fix()
    assert {"alice", "bob", "olga"} == world.enforced
    assert {} == world.done.failing


def test_to_whom_the_policy_is_attached_directly_it_is_attached_again():
    world = carried(World(a_person("alice"), a_person("bob"), attach=Attachment.USER))
    release_over(world)
    world.account.written.clear()
    Operator(world).fix()
    assert ["DetachFromUser"] * 2 + ["SetDefaultVersion"] + ["AttachToUser"] * 2 == kinds(world.written)
    assert {"alice", "bob"} == world.enforced


def test_whom_another_group_holds_under_the_policy_keeps_it_from_being_put_in_force():
    """Our policy hangs on a group of somebody else's: nobody of it was judged, and it is not ours to empty."""
    world = a_world()
    released(world)
    facts = world.account.facts
    admins = a_group("Admins", POLICY)
    world.account.facts = replace(facts, groups={**facts.groups, "Admins": admins})
    world.account.put(a_person("mallory", groups=("Admins",)))
    result = end(Operator(world))
    assert {"olga"} == world.enforced
    assert "would also apply to mallory" in result.accounts[0].failed[0]


def test_a_text_that_changes_for_those_who_are_enforced_takes_nobody_out():
    world = a_world()
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = world.rules.documents.full
    by_hand(
        world, CreateVersion(ACCOUNT, POLICY, {**document, "Statement": [*document["Statement"], statement]})
    )
    Operator(world).fix()
    assert [SetDefaultVersion(ACCOUNT, POLICY, "v2", ("alice", "bob"))] == world.written
