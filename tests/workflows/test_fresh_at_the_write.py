"""Whoever is placed is asked live and judged in the same step, and is known by UserId, not by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from rollout.domain.people.observations import ManagedPolicy, PolicyVersion
from rollout.domain.people.users import User
from rollout.domain.policy.changes import AddMember, Change, Failed, RemoveMember, SkipCode, Skipped, user_of
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, GROUP, a_ref
from tests.fakes import FakeAccount, Trouble
from tests.workflows.apply.mortal import killed_at_every_moment
from tests.workflows.apply.test_drift import FORCES_MFA
from tests.workflows.operator import Operator
from tests.workflows.test_account_run import (
    END,
    ENFORCE,
    FIX,
    PEOPLE,
    Command,
    Moment,
    Step,
    WatchedAccess,
    names,
)
from tests.workflows.world import World, a_person, an_enroller

NEW_ID = "AIDASOMEBODYELSE"
EIGHT_HOURS = timedelta(hours=8)

by_each_that_places = pytest.mark.parametrize("command", [ENFORCE, FIX, END], ids=names)


def reset(world: World) -> None:
    """The phone is gone, and a helpdesk has set a new password that has to be changed."""
    password = world.person("bob").password
    assert password is not None
    new = replace(password, reset_required=True)
    world.change("bob", mfa_active=False, devices=(), password=new)


def covered(world: World) -> None:
    """Somebody else's policy asks bob for MFA by now."""
    world.change("bob", inline=(FORCES_MFA,))


def made_anew(world: World) -> None:
    """Bob was deleted, and a machine has the name."""
    world.account.remove("bob")
    world.account.put(replace(a_person("bob", password=False, mfa=None, keys=1), id=NEW_ID))


def once(happens: Callable[[], object]) -> Callable[[], None]:
    left = [happens]

    def call() -> None:
        if left:
            left.pop()()

    return call


def carry(command: Command, world: World) -> None:
    command.carry(Operator(world), WatchedAccess(world, Moment(Step.ENTER, lambda: None)))


def before_writing(account: FakeAccount, name: str, happens: Callable[[], None]) -> None:
    def look(change: Change) -> None:
        ref = user_of(change)
        if isinstance(change, AddMember) and ref is not None and ref.name == name:
            happens()

    account.before_write = look


def after_asking(account: FakeAccount, name: str, happens: Callable[[], None]) -> None:
    def look(user: User) -> None:
        if user.name == name:
            happens()

    account.after_asking = look


def members(world: World) -> set[str]:
    return {user.id for user in world.account.facts.users if GROUP in user.groups}


# --- Between the judging of the account and the write of one user ---


@pytest.mark.parametrize("happens", [reset, covered, made_anew], ids=lambda one: one.__name__)
@by_each_that_places
def test_what_happens_while_others_are_written_is_seen(command: Command, happens: Callable[[World], None]):
    world = command.world()
    before_writing(world.account, "alice", once(lambda: happens(world)))
    carry(command, world)
    assert not {a_ref("bob").id, NEW_ID} & members(world)
    assert PEOPLE - {"bob"} <= world.enforced
    assert "bob" in {skipped.user.name for skipped in world.records(UserSkipped)}
    assert AddMember(ACCOUNT, GROUP, a_ref("bob")) not in world.attempted


def test_a_boundary_put_on_while_others_are_written_is_seen():
    """Erin has to enrol, and may no longer."""
    world = World(a_person("alice"), an_enroller("erin")).ripe()
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/Narrow"
    before_writing(world.account, "alice", once(lambda: world.change("erin", boundary_arn=boundary)))
    world.enforce()
    assert {"alice"} == world.enforced
    assert boundary in world.records(UserSkipped)[-1].detail


def test_a_boundary_that_keeps_from_enrolling_holds_the_user_back():
    arn = f"arn:aws:iam::{ACCOUNT}:policy/OnlyStorage"
    only = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    narrow = ManagedPolicy(arn, "OnlyStorage", "/", (PolicyVersion("v1", only, is_default=True),))
    facts = {ACCOUNT: {"policies": (narrow,)}}
    world = World(an_enroller("erin"), a_person("alice"), facts=facts).ripe()
    before_writing(world.account, "alice", lambda: world.change("erin", boundary_arn=arn))
    world.enforce()
    assert {"alice"} == world.enforced
    (skipped,) = world.records(UserSkipped)
    assert ("erin", "drift") == (skipped.user.name, skipped.code)
    assert "cannot-enrol" in skipped.detail


@by_each_that_places
def test_who_changed_and_is_judged_alike_is_placed(command: Command):
    world = command.world()
    before_writing(
        world.account, "alice", lambda: world.change("bob", tags={"email": "bob@example.com", "team": "x"})
    )
    carry(command, world)
    assert world.enforced == PEOPLE


# --- Between the question and the write ---


@by_each_that_places
def test_after_eight_hours_with_the_lid_closed_the_user_is_asked_again(command: Command):
    world = command.world()

    def lid_closed() -> None:
        world.clock.advance(EIGHT_HOURS)
        reset(world)

    after_asking(world.account, "bob", once(lid_closed))
    carry(command, world)
    assert PEOPLE - {"bob"} == world.enforced
    assert AddMember(ACCOUNT, GROUP, a_ref("bob")) not in world.attempted


@by_each_that_places
def test_who_is_still_fit_after_eight_hours_is_placed(command: Command):
    world = command.world()
    after_asking(world.account, "bob", once(lambda: world.clock.advance(EIGHT_HOURS)))
    carry(command, world)
    assert world.enforced == PEOPLE


@by_each_that_places
def test_what_happened_during_a_write_that_took_hours_takes_it_back(command: Command):
    world = command.world()

    def retried() -> None:
        world.clock.advance(EIGHT_HOURS)
        reset(world)

    before_writing(world.account, "bob", once(retried))
    carry(command, world)
    assert PEOPLE - {"bob"} == world.enforced
    assert RemoveMember(ACCOUNT, GROUP, a_ref("bob")) in world.written
    assert a_ref("bob").id not in world.done.placed


def test_who_cannot_be_asked_in_time_has_failed_and_is_not_written():
    world = World(a_person("alice"), a_person("bob")).planned()
    after_asking(world.account, "bob", lambda: world.clock.advance(timedelta(seconds=11)))
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert answer.in_part
    (skipped,) = world.records(UserSkipped)
    assert ("bob", "failed") == (skipped.user.name, skipped.code)
    assert "more than 10 seconds" in skipped.detail
    assert {a_ref("bob").id: "rest"} == world.done.failing


# --- Names and UserIds ---


@by_each_that_places
def test_a_namesake_who_was_reached_by_the_write_is_taken_out_again(command: Command):
    world = command.world()
    before_writing(world.account, "bob", once(lambda: made_anew(world)))
    carry(command, world)
    assert not {a_ref("bob").id, NEW_ID} & members(world)
    assert RemoveMember(ACCOUNT, GROUP, replace(a_ref("bob"), id=NEW_ID)) in world.written
    assert NEW_ID not in world.done.placed
    wanted = AddMember(ACCOUNT, GROUP, a_ref("bob"))
    outcome = [done.outcome for done in world.done.changes if done.intent.change == wanted][-1]
    assert isinstance(outcome, Skipped)
    assert outcome.code is SkipCode.GONE
    (skipped,) = world.records(UserSkipped)
    assert ("bob", "gone") == (skipped.user.name, skipped.code)
    assert NEW_ID in skipped.detail


def test_a_namesake_who_cannot_be_taken_out_is_a_failure():
    world = World(a_person("alice"), a_person("bob")).planned()
    before_writing(world.account, "bob", once(lambda: made_anew(world)))
    world.account.fail(Trouble.REFUSED, when=lambda change: isinstance(change, RemoveMember))
    answer = world.enforce()
    assert answer.in_part
    assert "rest" == world.done.failing[a_ref("bob").id]
    (failed, _) = (done.outcome for done in world.done.changes if isinstance(done.outcome, Failed))
    assert f"{NEW_ID} now has this name and was enforced by mistake" in failed.why


def test_a_namesake_is_taken_out_also_when_the_run_died_over_the_write():
    def prepare(world: World) -> None:
        before_writing(world.account, "bob", once(lambda: made_anew(world)))

    for world in killed_at_every_moment(World(a_person("bob")).planned(), Stage.ENFORCE, prepare):
        world.enforce()
        assert NEW_ID not in members(world)
        assert not world.done.open


def test_who_is_deleted_before_the_read_back_is_gone_and_no_failure():
    world = World(a_person("alice"), a_person("bob")).planned()
    before_writing(world.account, "bob", lambda: world.account.remove("alice"))
    answer = world.enforce()
    assert not answer.in_part
    (skipped,) = world.records(UserSkipped)
    assert ("alice", "gone") == (skipped.user.name, skipped.code)


# --- A report of this very run ---


def test_a_report_that_was_made_an_hour_before_the_answer_to_the_question_is_not_believed():
    """Ida had no password when the run looked first; somebody thought for 59 minutes before saying yes."""
    ida = a_person("ida", password=False, keys=1)
    world = World(ida, a_person("alice")).ripe()
    world.change("ida", facts_at=world.clock.now())
    stale = world.person("ida")
    world.change("ida", password=a_person("ida", reset_required=True).password)
    world.account.report = lambda user: stale if user.name == "ida" else user
    world.clock.advance(timedelta(minutes=59))
    world.enforce()
    assert {"alice"} == world.enforced
    assert "ida" == world.records(UserSkipped)[-1].user.name
