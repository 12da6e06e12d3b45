"""The gate of approval: of this wave and these bytes, by enough of the right people, as the settings are today."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.gates import ApprovalRule, GateAnswer, Result
from rollout.domain.gates.approval import APPROVAL, NOBODY_KNOWN
from rollout.domain.people.actor import Actor
from rollout.domain.progress.records import Approved
from tests.builders import a_progress, an_approval, days_ago
from tests.domain.gates.asked import PLANNER, ask

ANYBODY = ApprovalRule()
CISO = Actor("arn:aws:iam::111122223333:user/ciso", "AIDACISO")
ALICE = Actor("arn:aws:sts::111122223333:assumed-role/Approvers/alice", "AROAAPPROVERS:alice")
BOB = Actor("arn:aws:sts::111122223333:assumed-role/Approvers/bob", "AROAAPPROVERS:bob")
MALLORY = Actor("arn:aws:iam::444455556666:user/mallory", "AIDAMALLORY")
APPROVERS = ("arn:aws:iam::111122223333:role/Approvers", "arn:aws:iam::111122223333:user/ciso")


def by(actor: Actor, wave: str = "rest", **more) -> Approved:
    return an_approval(wave, caller=actor.arn, caller_id=actor.id, **more)


def asked(
    rule: ApprovalRule, *approvals: Approved, wave: str = "rest", planner: Actor = PLANNER, **more
) -> GateAnswer:
    return ask(APPROVAL, rule, a_progress(*approvals), wave=wave, planner=planner, **more)


def test_an_approval_is_of_this_wave_and_these_bytes():
    answer = asked(ANYBODY, an_approval("early"), wave="early")
    assert Result.PASS == answer.result
    assert "approved 2026-11-24 09:00 UTC by" in answer.detail
    assert "CAB-311" in answer.detail
    assert Result.FAIL == asked(ANYBODY, an_approval("early"), wave="rest").result
    assert Result.FAIL == asked(ANYBODY, an_approval("early"), wave="early", checksum="sha256:other").result
    assert "rollout approve --wave rest" in asked(ANYBODY).detail


def test_by_default_everybody_s_approval_counts_the_planner_s_too():
    assert asked(ANYBODY, by(PLANNER)).passes
    assert asked(ANYBODY, an_approval(caller_id="")).passes


@pytest.mark.parametrize("actor", [CISO, ALICE, BOB])
def test_only_the_approvals_of_those_who_are_named_count(actor: Actor):
    rule = ApprovalRule(APPROVERS)
    assert asked(rule, by(actor)).passes
    answer = asked(rule, by(MALLORY))
    assert Result.FAIL == answer.result
    assert (
        f"an approval that does not count: {MALLORY.arn} is not in gates.approval.from: {', '.join(APPROVERS)}"
        in answer.detail
    )
    assert asked(rule, by(MALLORY), by(actor)).passes


def test_who_is_asked_about_a_session_is_told_its_role():
    answer = asked(ApprovalRule(("arn:aws:iam::111122223333:role/Admins",)), by(ALICE))
    assert f"{ALICE.arn} (role arn:aws:iam::111122223333:role/Approvers) is not in" in answer.detail


def test_the_planner_cannot_approve_where_that_is_set_under_no_name():
    rule = ApprovalRule(not_the_planner=True)
    renamed = Actor("arn:aws:iam::111122223333:user/renamed", PLANNER.id)
    for approver in (PLANNER, renamed):
        answer = asked(rule, by(approver))
        assert Result.FAIL == answer.result
        assert f"{approver.arn} made this plan" in answer.detail
    answer = asked(rule, by(CISO))
    assert answer.passes
    assert answer.detail.endswith(f"; planned by {PLANNER.arn}")


def test_a_plan_that_does_not_say_who_made_it_lets_nothing_through():
    answer = asked(ApprovalRule(not_the_planner=True), by(CISO), planner=Actor(PLANNER.arn))
    assert (Result.INCONCLUSIVE, NOBODY_KNOWN) == (answer.result, answer.detail)
    assert "rollout plan" in answer.detail
    assert asked(ANYBODY, by(CISO), planner=Actor(PLANNER.arn)).passes


@pytest.mark.parametrize("rule", [ApprovalRule(not_the_planner=True), ApprovalRule(count=2)])
def test_an_approval_of_an_earlier_version_has_to_be_given_again_where_people_must_differ(rule: ApprovalRule):
    answer = asked(rule, by(Actor(CISO.arn)), by(Actor(MALLORY.arn)))
    assert not answer.passes
    assert f"the UserId of {CISO.arn} is not on record: approve again" in answer.detail
    assert asked(ApprovalRule(APPROVERS), by(Actor(CISO.arn))).passes


def test_two_approvals_are_of_two_people():
    rule = ApprovalRule(APPROVERS, not_the_planner=True, count=2)
    answer = asked(rule, by(ALICE), by(ALICE, reason="again"))
    assert Result.FAIL == answer.result
    assert answer.detail.startswith("1 of 2 approvals: approved 2026-11-24 09:00 UTC by")
    answer = asked(rule, by(ALICE, at=days_ago(2)), by(BOB, at=days_ago(1)), by(CISO))
    assert answer.passes
    assert answer.detail.startswith("3 of 2 approvals: ")
    assert days_ago(1) == answer.since
    assert all(actor.arn in answer.detail for actor in (ALICE, BOB, CISO, PLANNER))


PEOPLE = [
    CISO,
    ALICE,
    BOB,
    MALLORY,
    PLANNER,
    Actor(CISO.arn),
    Actor("arn:aws:iam::111122223333:user/cso", CISO.id),
]
rules = st.builds(
    ApprovalRule,
    st.sampled_from([(), APPROVERS, ("arn:aws:iam::111122223333:user/*",)]),
    st.booleans(),
    st.integers(1, 3),
)


@given(rules, st.lists(st.sampled_from(PEOPLE), max_size=6), st.sampled_from([PLANNER, Actor(PLANNER.arn)]))
def test_the_gate_opens_for_enough_different_people_who_may_and_for_nobody_else(
    rule: ApprovalRule, approvers: list[Actor], planner: Actor
):
    allowed = [
        actor
        for actor in approvers
        if (not rule.allowed or actor.is_one_of(rule.allowed))
        and not (rule.not_the_planner and (not planner.id or actor.is_same(planner) or not actor.id))
        and not (rule.count > 1 and not actor.id)
    ]
    people: list[Actor] = []
    for actor in allowed:
        if not any(actor.is_same(other) for other in people):
            people.append(actor)
    answer = asked(rule, *(by(actor) for actor in approvers), planner=planner)
    assert answer.passes == (len(people) >= rule.count)


@given(rules, st.lists(st.sampled_from(PEOPLE), max_size=5), st.sampled_from(PEOPLE))
def test_one_more_approval_never_closes_the_gate(rule: ApprovalRule, approvers: list[Actor], more: Actor):
    before = [by(actor) for actor in approvers]
    assert asked(rule, *before).passes <= asked(rule, *before, by(more)).passes
