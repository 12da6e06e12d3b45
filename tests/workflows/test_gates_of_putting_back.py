"""Whatever command brings people under the policy, it asks the gates of `apply`; what only lets go waits for none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from rollout.domain.gates import Freeze, Tolerance, Window
from rollout.domain.gates.approval import ApprovalRule
from rollout.domain.people.scope import Selection
from rollout.domain.people.users import User
from rollout.domain.policy.changes import (
    AddMember,
    Change,
    CreateVersion,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.progress.records import GateOverridden, GateRead, RunEnded, UserSkipped
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, GROUP, POLICY, a_ref
from tests.workflows.operator import Operator
from tests.workflows.scenes import Scene, edited, release_over
from tests.workflows.test_release import OTHER, a_world, kinds
from tests.workflows.test_verify import by_hand
from tests.workflows.world import World, a_person, an_enroller

BOB, OLGA = a_ref("bob"), a_ref("olga", OTHER)


def out_by_hand(world: World) -> None:
    by_hand(world, RemoveMember(ACCOUNT, GROUP, BOB))


def another_text(world: World) -> None:
    """The document in force denies all that it should, and was edited all the same."""
    full = world.rules.documents.full
    more = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    by_hand(world, CreateVersion(ACCOUNT, POLICY, {**full, "Statement": [*full["Statement"], more]}))


def fix(operator: Operator) -> Any:
    return operator.fix(memberships=True)


def end_for_user(operator: Operator) -> Any:
    return operator.end(operator.users("bob"))


def end_for_account(operator: Operator) -> Any:
    return operator.end(operator.accounts(ACCOUNT))


SCENES = [
    Scene(out_by_hand, fix),
    Scene(out_by_hand, end_for_user),
    Scene(release_over, fix),
    Scene(release_over, end_for_account),
    Scene(edited, fix),
    Scene(another_text, fix),
]
in_each_scene = pytest.mark.parametrize("scene", SCENES, ids=str)
in_each_that_puts_back = pytest.mark.parametrize("scene", SCENES[:5], ids=str)


def freeze(world: World) -> None:
    today = world.clock.now().date()
    world.gates = world.gates.changed(window=Window(frozen=(Freeze(today, today + timedelta(days=3)),)))


# --- The calendar ---


@in_each_scene
def test_on_a_frozen_day_nothing_is_written_that_enforces(scene: Scene):
    world = scene.world()
    freeze(world)
    result = scene.command(Operator(world))
    assert [] == world.attempted
    assert result.accounts[0].left
    assert "gate window: " in result.accounts[0].left[0].why


@in_each_that_puts_back
def test_who_is_kept_out_by_a_gate_is_on_record_and_the_command_is_refused(scene: Scene):
    world = scene.world()
    freeze(world)
    result = scene.command(Operator(world))
    assert "gate window: " in str(result.refused)
    assert "--override-gate window" in result.refused.cure
    assert "gate" == world.records(UserSkipped)[-1].code
    assert "fail" in {read.result for read in world.records(GateRead) if read.gate == "window"}
    assert "refused" == world.records(RunEnded)[-1].ending


@in_each_that_puts_back
def test_a_gate_is_overridden_on_record_as_in_apply(scene: Scene):
    world = scene.world()
    freeze(world)
    result = scene.command(Operator(world, overrides={"window": "the board wants it"}))
    assert result.refused is None
    assert {"alice", "bob", "olga"} == world.enforced
    assert {("window", "the board wants it")} == {
        (one.gate, one.reason) for one in world.records(GateOverridden)
    }


def test_what_only_lets_go_is_written_on_a_frozen_day_and_the_rest_is_not():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("alice"))
    operator.release(operator.users("olga"), hours=1)
    world.clock.advance(timedelta(hours=2))
    by_hand(world, AddMember(ACCOUNT, GROUP, a_ref("alice")))
    freeze(world)
    world.accounts[OTHER].written.clear()
    result = operator.fix()
    assert [RemoveMember(ACCOUNT, GROUP, a_ref("alice"))] == world.written
    assert {"bob"} == world.enforced
    assert [OLGA.arn] == [left.what for left in result.accounts[1].left]


def test_rights_to_enrol_are_taken_away_on_a_frozen_day():
    world = World(an_enroller("erin"), an_enroller("emil")).ripe()
    world.enforce()
    world.change("erin", mfa_active=True, devices=a_person("erin").devices)
    freeze(world)
    world.account.written.clear()
    Operator(world).fix()
    assert ["RemoveMember"] == kinds(world.written)


def at_the_second_placing(world: World, happens: Callable[[], None]) -> None:
    """Let something happen while the first user is written."""
    left = [happens]

    def look(change: Change) -> None:
        if isinstance(change, AddMember) and left:
            left.pop()()

    world.account.before_write = look


@pytest.mark.parametrize("command", [fix, end_for_account, lambda operator: operator.apply(Stage.ENFORCE)])
def test_a_window_that_closes_during_the_run_closes_for_who_comes_next(command: Callable[[Operator], Any]):
    world = a_world()
    release_over(world)
    now = world.clock.now()
    closes = (now + timedelta(minutes=10)).time()
    world.gates = world.gates.changed(window=Window(opens=time(now.hour), closes=closes))
    at_the_second_placing(world, lambda: world.clock.advance(timedelta(seconds=5)))
    left = [lambda: world.clock.advance(timedelta(minutes=11))]

    def asked(user: User) -> None:
        if user.name == "bob" and left:
            left.pop()()

    world.account.after_asking = asked
    command(Operator(world))
    assert {"alice", "olga"} == world.enforced
    (skipped,) = (one for one in world.records(UserSkipped) if one.user.name == "bob")
    assert ("gate", True) == (skipped.code, "gate window: " in skipped.detail)


def test_a_wave_whose_window_closed_on_the_way_is_not_carried():
    world = World(a_person("alice"), a_person("bob")).ripe()
    now = world.clock.now()
    closes = (now + timedelta(minutes=10)).time()
    world.gates = world.gates.changed(window=Window(opens=time(now.hour), closes=closes))
    left = [lambda: world.clock.advance(timedelta(minutes=11))]
    world.account.after_asking = lambda user: left.pop()() if user.name == "bob" and left else None
    result = world.enforce()
    assert {"alice"} == world.enforced
    assert 1 == result.tally["gate"]
    assert (Stage.ENFORCE, "rest") not in world.done.carried
    world.gates = world.gates.changed(window=None)
    world.enforce()
    assert {"alice", "bob"} == world.enforced


# --- The plan, the journal, the people ---


@in_each_that_puts_back
def test_by_a_plan_that_was_not_rehearsed_nobody_is_put_back(scene: Scene):
    world = scene.world()
    world.plan("p2p2")
    result = scene.command(Operator(world))
    assert [] == world.attempted
    assert "this plan has not been rehearsed" in str(result.refused)


def begun(world: World) -> World:
    """Only bob of the wave is enforced so far, and somebody takes him out."""
    world.ripe()
    world.enforce(selection=Selection(users=("*/bob",)))
    by_hand(world, RemoveMember(ACCOUNT, GROUP, BOB))
    return world


def test_in_a_wave_that_was_not_carried_its_gates_are_asked():
    world = begun(World(a_person("alice"), a_person("bob")))
    world.gates = world.gates.changed(approval=ApprovalRule())
    result = Operator(world).fix(memberships=True)
    assert [] == world.written
    assert 'wave "rest" may not proceed yet: gate approval: ' in str(result.refused)


def test_who_comes_back_to_a_wave_does_not_wait_for_its_failures_of_which_they_are_one():
    world = begun(World(a_person("alice"), a_person("bob")))
    world.gates = world.gates.changed(failure_tolerance=Tolerance(0, 0))
    operator = Operator(world)
    operator.verify()
    assert {BOB.id} == world.done.failed_users("rest")
    operator.fix(memberships=True)
    assert {"bob"} == world.enforced
    assert world.enforce(wave="rest").refused is None


@pytest.mark.parametrize(("percent", "enforced"), [(50.0, {"bob"}), (60.0, set[str]())])
def test_in_a_wave_that_was_not_carried_its_people_are_looked_at(percent: float, enforced: set[str]):
    world = begun(World(an_enroller("erin"), a_person("bob")))
    world.gates = world.gates.changed(enrolment=percent)
    Operator(world).fix(memberships=True)
    assert enforced == world.enforced
    assert f"1 of 2 users have a device, {percent:g} % needed" in {
        read.detail for read in world.records(GateRead)
    }


def test_in_a_wave_that_was_carried_nobody_who_comes_back_waits_for_the_others():
    world = Scene(out_by_hand, fix).world()
    world.gates = world.gates.changed(enrolment=100.0, approval=ApprovalRule())
    world.change("alice", mfa_active=False, devices=())
    Operator(world).fix(memberships=True)
    assert "bob" in world.enforced


# --- The plan decides ---


@pytest.mark.parametrize("command", [fix, end_for_account])
def test_a_group_member_of_no_plan_is_never_reached(command: Callable[[Operator], Any]):
    world = a_world()
    release_over(world)
    world.account.put(a_person("mallory", groups=(GROUP,)))
    result = command(Operator(world))
    assert {"olga"} == world.enforced
    assert "would also apply to mallory" in result.accounts[0].failed[0]


def test_a_group_member_of_no_plan_who_is_enforced_by_hand_gets_no_other_text():
    world = Scene(another_text, fix).world()
    world.account.put(a_person("mallory", groups=(GROUP,)))
    result = Operator(world).fix()
    assert [] == world.written
    assert "would also apply to mallory" in result.accounts[0].failed[0]


@pytest.mark.parametrize("scene", SCENES[:2], ids=str)
def test_whom_the_plan_does_not_enforce_stays_out_and_the_command_says_why(scene: Scene):
    world = scene.world()
    stored = world.plans.kept[-1]
    parts = tuple(
        replace(
            part, entries=tuple(replace(one, wave="") if one.user == BOB else one for one in part.entries)
        )
        for part in stored.parts
    )
    world.plans.kept[-1] = replace(stored, parts=parts)
    result = scene.command(Operator(world))
    assert {"alice", "olga"} == world.enforced
    assert ["the plan does not enforce this user: plan again, have it reviewed, and apply it"] == [
        left.why for left in result.accounts[0].left
    ]


def test_an_override_of_the_plan_s_rehearsal_holds_for_apply_too():
    """It holds for that plan, whichever command it was given to."""
    world = Scene(out_by_hand, fix).world()
    world.plan("p2p2")
    fix(Operator(world, overrides={"dry_run_done": "rehearsed by hand"}))
    assert {"alice", "bob", "olga"} == world.enforced
    assert world.enforce().refused is None


def test_a_rehearsed_end_rehearses_no_plan():
    world = Scene(release_over, end_for_account).world()
    world.plan("p2p2")
    operator = Operator(world, overrides={"dry_run_done": "to see what comes of it"})
    operator.rehearse_end(operator.accounts(ACCOUNT))
    assert SetDefaultVersion not in {type(change) for change in world.attempted}
    assert world.plans.kept[-1].header.checksum not in world.done.rehearsed
