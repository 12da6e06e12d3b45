"""Who is let out stays out: whoever puts them back by hand is found out, and they are let out again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from rollout.domain.drift import Drifted
from rollout.domain.drift.head_count import KnownBy, LetOutBy
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AddMember,
    AttachToUser,
    Change,
    CreateVersion,
    DeleteVersion,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.progress.records import GateRead, Released, RunEnded, RunStarted, UserSkipped
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.workflows.ports import CannotEnter
from tests.builders import ACCOUNT, GROUP, OPERATOR, ORGANIZATION, POLICY, a_ref
from tests.domain.judging import DOCUMENTS
from tests.fakes import Trouble
from tests.workflows.operator import Operator
from tests.workflows.test_release import OTHER, a_world, carried
from tests.workflows.test_verify import by_hand, drift, numbers, only
from tests.workflows.world import World, a_person

BOB = a_ref("bob")
OTHER_POLICY = POLICY.replace(ACCOUNT, OTHER)


def put_back(*, hours: float | None = None) -> tuple[World, Operator]:
    """Bob is released, and somebody adds him to the group."""
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("bob"), hours=hours)
    by_hand(world, AddMember(ACCOUNT, GROUP, BOB))
    return world, operator


def attached_again() -> tuple[World, Operator]:
    """Bob, to whom the policy is attached directly, is released, and somebody attaches it to him again."""
    world = carried(World(a_person("alice"), a_person("bob"), attach=Attachment.USER))
    operator = Operator(world)
    operator.release(operator.users("bob"))
    by_hand(world, AttachToUser(ACCOUNT, BOB, POLICY))
    return world, operator


def in_force_again(*, hours: float | None = None) -> tuple[World, Operator]:
    """The account of alice and bob is released, and somebody puts the full document in force."""
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=hours)
    by_hand(world, SetDefaultVersion(ACCOUNT, POLICY, "v2"))
    return world, operator


def everybody_in_force_again() -> tuple[World, Operator]:
    """Everybody is released, and somebody writes a document that denies, and deletes what would have let them out."""
    world = a_world()
    operator = Operator(world)
    operator.release(operator.everybody())
    by_hand(world, CreateVersion(ACCOUNT, POLICY, DOCUMENTS.full), DeleteVersion(ACCOUNT, POLICY, "v1"))
    return world, operator


def notify(operator: Operator) -> object:
    return operator.apply(Stage.NOTIFY)


def enforce(operator: Operator) -> object:
    return operator.apply(Stage.ENFORCE)


def fix(operator: Operator) -> object:
    return operator.fix()


Scene = Callable[[], tuple[World, Operator]]
in_each_scene = pytest.mark.parametrize(
    "scene",
    [put_back, attached_again, in_force_again, everybody_in_force_again],
    ids=lambda one: one.__name__,
)
by_each_command = pytest.mark.parametrize("command", [notify, enforce, fix], ids=lambda one: one.__name__)
ON_PURPOSE = {"put_back": {"alice", "olga"}, "attached_again": {"alice"}, "in_force_again": {"olga"}}


# --- Found ---


def test_a_released_user_who_was_put_back_is_drift_that_names_the_release():
    world, operator = put_back()
    found = only(operator.verify())
    assert (Drifted.RELEASED_BUT_ENFORCED, BOB.arn) == (found.kind, found.who)
    assert f"is enforced in spite of a release: {BOB.arn} released until it is ended" in found.text
    assert found.cause.startswith("put back by hand")
    assert "rollout verify --fix" in found.cure
    assert "bob" in world.enforced


def test_a_released_account_whose_policy_denies_again_is_drift_of_the_account():
    _, operator = in_force_again()
    found = only(operator.verify())
    assert (Drifted.RELEASED_BUT_ENFORCED, POLICY) == (found.kind, found.who)


def test_under_a_pulled_brake_nobody_is_enforced_in_spite_of_a_release():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("bob"))
    operator.release(operator.accounts(ACCOUNT))
    by_hand(world, AddMember(ACCOUNT, GROUP, BOB))
    assert [] == drift(operator.verify())


# --- Let out again ---


@by_each_command
@in_each_scene
def test_the_next_command_lets_them_out_again(scene: Scene, command: Callable[[Operator], object]):
    world, operator = scene()
    command(operator)
    assert ON_PURPOSE.get(scene.__name__, set()) == world.enforced
    assert "done" == world.records(RunEnded)[-1].ending
    assert operator.verify().clean


@by_each_command
@in_each_scene
def test_a_second_time_there_is_nothing_to_do(scene: Scene, command: Callable[[Operator], object]):
    world, operator = scene()
    command(operator)
    attempted = len(world.attempted)
    command(operator)
    assert attempted == len(world.attempted)


def test_it_is_done_although_a_gate_refuses_the_next_wave_and_the_run_still_says_so():
    world, operator = put_back()
    world.plan("p2p2")
    result = operator.apply(Stage.ENFORCE)
    assert result.refused is not None
    assert {"dry_run_done"} == {read.gate for read in world.records(GateRead) if read.result != "pass"}
    assert [RemoveMember(ACCOUNT, GROUP, BOB)] == world.written
    assert {"alice", "olga"} == world.enforced


def test_a_rehearsal_shows_it_and_writes_nothing():
    world, _ = put_back()
    result, access, _ = world.rehearse()
    assert RemoveMember(ACCOUNT, GROUP, BOB) in access.noted[ACCOUNT]
    assert 1 == result.tally["let out again"]
    assert "bob" in world.enforced


def test_a_hand_that_puts_somebody_of_no_plan_into_a_released_account_is_undone_too():
    world, operator = in_force_again()
    world.account.put(a_person("mallory", groups=(GROUP,)))
    operator.apply()
    assert {"olga"} == world.enforced


def test_a_removal_that_is_refused_is_told_and_the_account_is_not_put_in_force_over_them():
    world, operator = put_back()
    by_hand(
        world,
        SetDefaultVersion(ACCOUNT, POLICY, "v1"),
        CreateVersion(ACCOUNT, POLICY, {**DOCUMENTS.full, "Id": "x"}),
    )
    world.account.fail(Trouble.REFUSED, when=lambda change: isinstance(change, RemoveMember))
    result = operator.fix()
    assert result.in_part
    assert not [change for change in world.written if isinstance(change, CreateVersion | SetDefaultVersion)]


def test_an_account_that_cannot_be_read_is_said_and_stops_no_other():
    world, operator = put_back()
    operator.release(operator.users("olga"))
    world.closed[OTHER] = CannotEnter("AccessDenied for roles X")
    operator.apply(Stage.NOTIFY)
    assert "bob" not in world.enforced
    assert (
        f"Cannot tell whether everybody released in account {OTHER} is out: AccessDenied for roles X"
        in world.progress.said
    )


# --- The record ---


def test_they_come_back_at_the_end_of_the_release_into_their_wave_and_need_no_new_notice():
    world, operator = put_back(hours=4)
    operator.fix()
    assert "rest" == world.done.releases.to_return[BOB.id].wave
    assert {} == world.done.left_alone_until
    world.clock.advance(timedelta(hours=5))
    operator.fix()
    assert {"alice", "bob", "olga"} == world.enforced
    assert "rest" == world.done.placed[BOB.id].wave


def test_a_brake_that_was_pulled_again_is_let_go_at_the_end_of_its_release():
    world, operator = in_force_again(hours=4)
    operator.fix()
    assert set(world.done.releases.braked) == {ACCOUNT}
    world.clock.advance(timedelta(hours=5))
    assert [Drifted.RELEASE_EXPIRED] == drift(operator.verify())
    operator.fix()
    assert {"alice", "bob", "olga"} == world.enforced


def test_whoever_was_let_out_again_is_on_record_as_released():
    world, operator = put_back()
    operator.apply()
    (skipped,) = (one for one in world.records(UserSkipped) if one.user == BOB)
    assert ("released", "rest") == (skipped.code, skipped.wave)


def test_a_write_that_was_taken_back_for_a_release_counts_as_released_too():
    """The account was released while its version was put in force: the brake that was pulled again is the release's."""
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=1)
    colleague = Operator(world, operator.marker, runs=100)
    left = [lambda: colleague.release(colleague.accounts(ACCOUNT), hours=4)]

    def meanwhile(change: Change) -> None:
        if isinstance(change, SetDefaultVersion) and left:
            left.pop()()

    world.account.before_write = meanwhile
    operator.end(operator.accounts(ACCOUNT))
    assert {"olga"} == world.enforced
    assert {ACCOUNT} == set(world.done.releases.braked)
    world.clock.advance(timedelta(hours=5))
    operator.fix()
    assert {"alice", "bob", "olga"} == world.enforced


# --- Numbers that cannot be talked away ---


def a_forged_release(world: World) -> None:
    now, everybody = world.clock.now(), ReleaseScope(everybody=True)
    started = RunStarted("forged", now, ORGANIZATION, "", "", Stage.ENFORCE, OPERATOR, "1", "release")
    world.journal.append(started, Released("forged", now, everybody, None, "x", OPERATOR))


def test_a_forged_release_of_everybody_does_not_change_the_numbers_and_is_a_finding():
    world = a_world()
    a_forged_release(world)
    found = Operator(world).verify()
    assert (3, 3, 0, 0) == numbers(found)
    assert 3 == found.count.record_alone
    assert [Drifted.RELEASED_BUT_ENFORCED] * 2 == drift(found)


def test_who_is_released_is_counted_by_whom_and_by_what_aws_shows():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(OTHER), hours=4)
    operator.release(operator.users("bob"))
    until = world.clock.now() + timedelta(hours=4)
    found = operator.verify()
    assert (3, 1, 2, 0) == numbers(found)
    assert {
        LetOutBy(OPERATOR, until, KnownBy.BRAKE): 1,
        LetOutBy(OPERATOR, None, KnownBy.OUT): 1,
    } == found.count.released


def test_who_was_taken_out_by_hand_is_released_by_nobody_on_record():
    world = a_world()
    by_hand(world, RemoveMember(ACCOUNT, GROUP, BOB))
    assert {LetOutBy("", None, KnownBy.OUT): 1} == Operator(world).verify().count.released


def test_who_is_not_back_from_a_release_that_is_over_is_missing():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(OTHER), hours=1)
    operator.release(operator.users("bob"), hours=1)
    world.days_pass(1)
    assert (3, 1, 0, 2) == numbers(operator.verify())


def test_who_is_enforced_by_somebody_elses_hand_and_who_cannot_be_looked_at_are_counted_apart():
    world = a_world()
    world.account.put(a_person("mallory", groups=(GROUP,)))
    world.closed[OTHER] = CannotEnter("AccessDenied for roles X")
    count = Operator(world).verify().count
    assert (2, 2, 1, 1) == (count.placed, count.enforced, count.strangers, count.unread)
