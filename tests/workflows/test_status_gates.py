"""Which gates stand before each wave: answer, numbers, since when, when they open, and who overrode them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.gates import ApprovalRule, Tolerance, Window
from rollout.domain.progress.records import Deadlocked
from rollout.errors import Refused
from rollout.workflows.approve import ApprovalRequest, approve
from rollout.workflows.status import GateState, WaveState, wave_states
from tests.builders import ORGANIZATION, a_caller
from tests.workflows.world import World, a_cli_user, a_person, an_enroller


def two_waves(**gates: Any) -> World:
    world = World(
        a_person("alice"), an_enroller("erin", helped=False), a_cli_user("bob"), canary=["alice", "erin"]
    )
    world.gates = world.gates.changed(**gates)
    return world


def stands(world: World) -> dict[str, WaveState]:
    rules = world.gates.changed(soak=world.soak)
    found = wave_states(
        world.plans.kept[-1], world.done, world.clock.now(), notified=world.notice_rule, gates=rules
    )
    return {stand.wave: stand for stand in found}


def gates(world: World, wave: str = "rest") -> dict[str, GateState]:
    return {gate.gate: gate for gate in stands(world)[wave].gates}


def test_only_the_gates_that_are_set_are_shown():
    world = two_waves().ripe()
    assert ["dry_run_done", "soak", "failure_tolerance"] == list(gates(world))
    world.gates = world.gates.changed(approval=ApprovalRule(), window=Window(), enrolment=80, cli_moved=90)
    assert [
        "dry_run_done",
        "soak",
        "failure_tolerance",
        "approval",
        "window",
        "enrolment",
        "cli_moved",
    ] == list(gates(world))


def test_no_gate_stands_before_a_wave_that_is_done():
    world = two_waves().ripe()
    world.enforce()
    assert () == stands(world)["canary"].gates
    assert gates(world)


def test_the_soak_says_since_when_and_when_it_opens():
    world = two_waves().ripe()
    world.enforce()
    carried = world.clock.now()
    soak = gates(world.days_pass(1))["soak"]
    assert ("fail", carried, carried + timedelta(days=3)) == (soak.answer, soak.since, soak.opens_at)
    assert soak.stops
    assert "soak of 3 days ends 2026-12-12 09:00 UTC" == soak.detail.rsplit("; ")[-1]
    world.days_pass(2)
    assert ("pass", carried + timedelta(days=3)) == (gates(world)["soak"].answer, gates(world)["soak"].since)


def test_a_gate_that_refuses_says_since_when_runs_were_told_so():
    world = two_waves(approval=ApprovalRule()).ripe()
    assert None is gates(world, "canary")["approval"].since
    with pytest.raises(Refused):
        world.enforce()
    first = world.clock.now()
    with pytest.raises(Refused):
        world.days_pass(2).enforce()
    assert first == gates(world, "canary")["approval"].since


def test_a_wave_waits_for_all_that_stops_it():
    world = two_waves(approval=ApprovalRule(), failure_tolerance=Tolerance(0, 100)).ripe()
    world.enforce(overrides={"approval": "in a hurry"})
    alice = world.days_pass(1).done.placed[world.person("alice").id].user
    world.journal.append(
        Deadlocked("verify-1", world.clock.now(), ORGANIZATION, alice, "canary", "locked out")
    )
    waits = stands(world)["rest"].waits_for
    assert "disturbed by a release or a lock-out" in waits
    assert 'gate failure_tolerance: wave "canary": 1 of 2 users failed (limit 0)' in waits
    assert 'gate approval: nobody has approved wave "rest"' in waits


def test_an_approval_is_told_with_its_wave():
    world = two_waves(approval=ApprovalRule()).ripe()
    request = ApprovalRequest("canary", "CAB-311", a_caller())
    approve(world.plans.kept[-1], request, world.journal, "approval-1", world.clock.now())
    approval = gates(world, "canary")["approval"]
    assert ("pass", world.clock.now()) == (approval.answer, approval.since)
    assert f"approved 2026-12-09 09:00 UTC by {a_caller().arn}: CAB-311" == stands(world)["canary"].approved
    assert "" == stands(world)["rest"].approved


def test_gates_about_people_repeat_what_the_last_run_saw_and_say_when():
    """Status asks AWS nothing."""
    world = two_waves(enrolment=80.0).ripe()
    asked = gates(world, "canary")["enrolment"]
    assert "not asked" == asked.answer
    assert not asked.stops
    assert "80 % needed; apply --stage enforce reads them" in asked.detail
    with pytest.raises(Refused):
        world.enforce()
    read = gates(world, "canary")["enrolment"]
    assert ("fail", world.clock.now()) == (read.answer, read.since)
    assert "1 of 2 users have a device, 80 % needed (as of 2026-12-09 09:00 UTC)" == read.detail
    assert "gate enrolment: 1 of 2 users" in stands(world)["canary"].waits_for


def test_who_overrode_a_gate_is_named_and_the_wave_waits_for_it_no_more():
    world = two_waves().ripe()
    world.enforce()
    world.stopping = lambda: True
    world.enforce(wave="rest", overrides={"soak": "incident 7"})
    soak = gates(world)["soak"]
    assert ("fail", False) == (soak.answer, soak.stops)
    assert f"2026-12-09 09:00 UTC by {a_caller().arn}: incident 7" == soak.overridden
    assert "soak" not in stands(world)["rest"].waits_for


def test_all_of_it_can_be_told_as_json():
    world = two_waves(approval=ApprovalRule(), window=Window(("sun",)), enrolment=80).ripe()
    told = json.loads(json.dumps([stand.as_dict() for stand in stands(world).values()], default=str))
    window = next(gate for gate in told[0]["gates"] if gate["gate"] == "window")
    assert {"gate", "answer", "detail", "since", "opens_at", "overridden"} == set(window)
    assert ("fail", "2026-12-13 00:00:00+00:00") == (window["answer"], window["opens_at"])
