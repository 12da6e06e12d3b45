"""An approval says who let which wave of which bytes go on, when and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.domain.gates import ApprovalRule
from rollout.domain.gates.approval import approvals_of
from rollout.domain.people.organization import Caller
from rollout.domain.progress.records import Approved
from rollout.errors import EmptySelection, Refused, WrongUsage
from rollout.workflows.approve import ApprovalRequest, approve
from tests.builders import ORGANIZATION, a_caller
from tests.workflows.world import World, a_person

CISO = a_caller("arn:aws:iam::111122223333:user/ciso", user_id="AIDACISO")
NOT_THE_PLANNER = ApprovalRule(not_the_planner=True)


def planned() -> World:
    world = World(a_person("alice"), a_person("bob"), canary=["alice"])
    world.plan()
    return world


def say_yes(
    world: World,
    wave: str = "canary",
    reason: str = "CAB-311",
    caller: Caller = CISO,
    rule: ApprovalRule | None = None,
) -> Approved:
    stored, now = world.plans.kept[-1], world.clock.now()
    request = ApprovalRequest(wave, reason, caller, rule)
    return approve(stored, request, world.journal, "approval-1", now).given


def test_who_when_why_and_for_which_bytes_is_on_record():
    world = planned()
    given = say_yes(world, reason=" CAB-311 ")
    assert [given] == world.journal.kept
    assert (ORGANIZATION, "canary", "CAB-311") == (given.organization_id, given.wave, given.reason)
    assert (CISO.arn, "AIDACISO") == (given.caller, given.caller_id)
    assert world.clock.now() == given.at
    assert world.plans.kept[-1].header.checksum == given.plan_checksum
    assert [given] == world.done.approvals[given.plan_checksum, "canary"]


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
    assert ["one", "two"] == [one.reason for one in given]
    header = world.plans.kept[-1].header
    counted = approvals_of(world.done, header.checksum, "canary", header.planner, None).counted
    assert ["two"] == [one.reason for one in counted]


# --- Four eyes ---

FOUR_EYES = ApprovalRule(("arn:aws:iam::111122223333:role/Approvers",), not_the_planner=True, count=2)


def of_the_role(session: str) -> Caller:
    arn = f"arn:aws:sts::111122223333:assumed-role/Approvers/{session}"
    return a_caller(arn, user_id=f"AROAAPPROVERS:{session}")


def test_whose_approval_would_not_count_is_refused_and_nothing_is_recorded():
    world = planned()
    for caller, why in (
        (CISO, "user/ciso is not in gates.approval.from: arn:aws:iam::111122223333:role/Approvers"),
        (a_caller(), "is not in gates.approval.from"),
    ):
        with pytest.raises(Refused, match=f"not approved: .*{why}") as refusal:
            say_yes(world, caller=caller, rule=FOUR_EYES)
        assert (5, "have somebody run `rollout approve` whose approval counts") == (
            refusal.value.exit_code,
            refusal.value.cure,
        )
    with pytest.raises(Refused, match="made this plan"):
        say_yes(world, caller=a_caller(), rule=ApprovalRule(not_the_planner=True))
    assert [] == world.journal.kept


def test_each_person_counts_once():
    world = planned()
    stored, now = world.plans.kept[-1], world.clock.now()
    counts = []
    for session in ("alice", "alice", "bob"):
        done = approve(
            stored,
            ApprovalRequest("canary", "CAB", of_the_role(session), FOUR_EYES),
            world.journal,
            "a",
            now,
        )
        counts.append(len(done.approvals.counted))
    assert [1, 1, 2] == counts


def test_a_plan_that_does_not_name_its_planner_is_approved_by_nobody_who_must_not_be_the_planner():
    world = planned()
    stored = world.plans.kept[-1]
    old = replace(stored, header=replace(stored.header, caller_id=""))
    with pytest.raises(Refused, match="does not say who made it") as refusal:
        approve(
            old,
            ApprovalRequest("canary", "CAB", CISO, NOT_THE_PLANNER),
            world.journal,
            "a",
            world.clock.now(),
        )
    assert "plan again" in refusal.value.cure
    assert [] == world.journal.kept
