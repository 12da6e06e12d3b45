"""What an earlier version attached of somebody else's is found, and ours takes its place without a gap.

See design.md#policy-documents.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.domain.drift import Drifted
from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AttachToGroup,
    AttachToUser,
    CreatePolicy,
    DetachFromGroup,
    DetachFromUser,
)
from rollout.domain.progress.records import AccountFailed
from tests.builders import ACCOUNT, GROUP, POLICY, a_key
from tests.domain.judging import EVERYTHING, a_managed
from tests.fakes import Trouble
from tests.workflows.adopted import FOREIGN, SUBSTITUTE, adopted
from tests.workflows.operator import Operator
from tests.workflows.world import World, a_person, is_denied_without_mfa

EVERYBODY = {"alice", "bob"}
HOSTILE = a_managed("ForceMFA", raw=EVERYTHING, path="/security/")


def a_world(attach: Attachment = Attachment.GROUP, foreign: ManagedPolicy = FOREIGN) -> World:
    """Two people, planned and enforced by an earlier version."""
    world = World(a_person("alice"), a_person("bob"), attach=attach)
    world.planned()
    return adopted(world, attach, foreign)


def kinds(world: World) -> list[str]:
    return [type(change).__name__ for change in world.written]


def drifts(operator: Operator) -> list[tuple[Drifted, str]]:
    return [(drift.kind, drift.who) for drift in operator.verify().drifts]


def watch(world: World) -> list[set[str]]:
    """Note who is denied everything without MFA, before each write and at the end."""
    seen: list[set[str]] = []

    def look(_: object) -> None:
        facts = world.account.facts
        seen.append({user.name for user in facts.users if is_denied_without_mfa(user, facts)})

    world.account.before_write = look
    return seen


@pytest.mark.parametrize("attach", Attachment)
def test_it_is_named_as_a_danger_before_all_else(attach: Attachment):
    world = a_world(attach)
    found = Operator(world).verify().drifts[0]
    assert (Drifted.ADOPTED_POLICY, FOREIGN.arn) == (found.kind, found.who)
    assert ("group ForceMFA" if attach is Attachment.GROUP else "alice, bob") in found.text
    assert "rollout verify --fix" in found.cure


def test_one_command_replaces_it_on_the_group_and_nobody_is_without_mfa_meanwhile():
    world = a_world()
    seen, operator = watch(world), Operator(world)
    result = operator.fix()
    assert not result.in_part
    assert ["CreatePolicy", "CreateVersion", "AttachToGroup", "DetachFromGroup"] == kinds(world)
    assert [EVERYBODY] * 4 == seen
    assert EVERYBODY == world.enforced
    assert (SUBSTITUTE,) == world.account.facts.groups[GROUP].attached
    assert FOREIGN == world.account.facts.policies[FOREIGN.arn]
    assert operator.verify().clean
    assert EVERYBODY == {placed.user.name for placed in world.done.placed.values()}
    world.account.written.clear()
    assert 0 == operator.fix().writes


def test_one_command_replaces_it_on_users_each_in_turn():
    world = a_world(Attachment.USER)
    seen, operator = watch(world), Operator(world)
    assert not operator.fix().in_part
    assert ["CreatePolicy", "CreateVersion", *["AttachToUser"] * 2, *["DetachFromUser"] * 2] == kinds(world)
    assert [EVERYBODY] * 6 == seen
    assert {(SUBSTITUTE,)} == {user.attached for user in world.account.facts.users}
    assert operator.verify().clean
    assert {SUBSTITUTE} == {placed.by for placed in world.done.placed.values()}


@pytest.mark.parametrize("attach", Attachment)
@pytest.mark.parametrize("kind", [CreatePolicy, AttachToGroup, AttachToUser])
def test_where_ours_cannot_be_attached_theirs_stays(kind: type, attach: Attachment):
    world = a_world(attach)
    world.account.fail(Trouble.REFUSED, lambda change: isinstance(change, kind), times=9)
    Operator(world).fix()
    detached = [change for change in world.written if isinstance(change, DetachFromGroup | DetachFromUser)]
    in_the_way = kind is CreatePolicy or (kind is AttachToGroup) == (attach is Attachment.GROUP)
    assert in_the_way == (not detached)
    assert EVERYBODY == world.enforced


@pytest.mark.parametrize("attach", Attachment)
def test_what_allows_everything_by_now_is_replaced_too(attach: Attachment):
    """It protects nobody any more: of a group, it goes first, and what is then missing is repaired as any drift."""
    world = a_world(attach, HOSTILE)
    operator = Operator(world)
    operator.fix()
    assert attach is Attachment.USER or kinds(world)[0] == "DetachFromGroup"
    assert EVERYBODY == world.enforced
    assert operator.verify().clean


@pytest.mark.parametrize("attach", Attachment)
def test_what_allows_everything_is_detached_from_people_who_are_not_to_be_enforced_now(attach: Attachment):
    world = a_world(attach, HOSTILE)
    for name in EVERYBODY:
        world.change(name, password=None, mfa_active=False, devices=(), keys=(a_key(),))  # machines
    operator = Operator(world)
    operator.fix()
    assert set() == world.enforced
    assert () == (world.account.facts.groups[GROUP].attached if attach is Attachment.GROUP else ())
    assert {()} == {user.attached for user in world.account.facts.users}


def test_nobody_new_joins_them_until_it_is_replaced():
    world = a_world()
    world.account.put(a_person("carl"))
    world.plan("p2p2")
    world.rehearse()
    world.enforce()
    assert [] == world.written
    Operator(world).fix()
    world.plan("p3p3")
    world.rehearse()
    world.enforce()
    assert EVERYBODY | {"carl"} == world.enforced
    assert {GROUP} == {group for user in world.account.facts.users for group in user.groups}
    assert (SUBSTITUTE,) == world.account.facts.groups[GROUP].attached
    assert [] == world.records(AccountFailed)


def test_released_users_are_not_put_under_ours():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.everybody(), hours=4)
    assert ["DetachFromGroup"] == kinds(world)
    operator.fix()
    assert set() == world.enforced
    world.days_pass(1)
    operator.fix()
    assert EVERYBODY == world.enforced
    assert (SUBSTITUTE,) == world.account.facts.groups[GROUP].attached


def test_a_rollback_takes_theirs_off_and_leaves_it():
    world = a_world()
    Operator(world).roll_back()
    assert set() == world.enforced
    assert {} == world.account.facts.groups
    assert {FOREIGN.arn: FOREIGN} == world.account.facts.policies


def test_after_the_replacement_a_rollback_leaves_nothing_of_ours():
    world = a_world()
    operator = Operator(world)
    operator.fix()
    operator.roll_back()
    assert {} == world.account.facts.groups
    assert {FOREIGN.arn: FOREIGN} == world.account.facts.policies


def test_a_policy_that_somebody_hung_on_our_group_is_found_and_left():
    world = World(a_person("alice")).planned()
    world.enforce()
    facts = world.account.facts
    theirs = a_managed("Extra", raw=EVERYTHING)
    group = facts.groups[GROUP]
    world.account.facts = replace(
        facts,
        policies={**facts.policies, theirs.arn: theirs},
        groups={GROUP: replace(group, attached=(*group.attached, theirs.arn))},
    )
    operator = Operator(world)
    assert (Drifted.FOREIGN_POLICY, theirs.arn) == drifts(operator)[0]
    world.account.written.clear()
    operator.fix()
    assert [] == world.written
    assert (POLICY, theirs.arn) == world.account.facts.groups[GROUP].attached
    assert ACCOUNT in theirs.arn
