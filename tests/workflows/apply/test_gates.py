"""What each gate does to a run: lets the wave through, makes it wait, or refuses it, with numbers.

See design.md#stages-and-gates.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rollout.domain.gates import ApprovalRule, Freeze, Tolerance, Window
from rollout.domain.people.scope import Selection
from rollout.domain.policy.changes import AddMember
from rollout.domain.progress.records import Deadlocked, GateOverridden, GateRead, RunEnded, RunStarted
from rollout.domain.progress.stages import Stage
from rollout.errors import EmptySelection, Interrupted, Refused
from rollout.workflows.apply.run import OperatorQuestion, apply_plan
from rollout.workflows.approve import ApprovalRequest, approve
from rollout.workflows.ports import CannotEnter
from tests.builders import ORGANIZATION, a_caller, a_device, a_key, an_activity, an_exemption, calls_at
from tests.fakes import Trouble
from tests.workflows.world import World, a_cli_user, a_person, a_preview, an_enroller

OTHER = "222233334444"


def with_gates(world: World, **gates: Any) -> World:
    world.gates = world.gates.changed(**gates)
    return world


def two_waves(**gates: Any) -> World:
    """Alice goes first; bob is in the rest. Everybody was told, and the day has come."""
    return with_gates(World(a_person("alice"), a_person("bob"), canary=["alice"]).ripe(), **gates)


def last_read(world: World, gate: str) -> GateRead:
    reads: list[GateRead] = [read for read in world.records(GateRead) if read.gate == gate]
    return reads[-1]


def approve_wave(world: World, wave: str, reason: str = "CAB-311") -> None:
    stored = world.plans.kept[-1]
    request = ApprovalRequest(wave, reason, a_caller())
    approve(stored, request, world.journal, f"approval-{wave}", world.clock.now())


# --- Approval ---


def test_without_an_approval_no_wave_is_enforced():
    world = two_waves(approval=ApprovalRule())
    with pytest.raises(Refused, match='nobody has approved wave "canary" of this plan') as refusal:
        world.enforce()
    assert 5 == refusal.value.exit_code
    assert "rollout approve --wave canary --reason WHY" in refusal.value.cure
    assert set() == world.enforced
    assert "fail" == last_read(world, "approval").result
    assert "refused" == world.records(RunEnded)[-1].ending


def test_an_approval_opens_its_wave_and_no_other():
    world = two_waves(approval=ApprovalRule())
    approve_wave(world, "canary")
    world.enforce()
    assert {"alice"} == world.enforced
    world.days_pass(3)
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert answer.refused is not None
    approve_wave(world, "rest")
    world.enforce()
    assert {"alice", "bob"} == world.enforced
    assert "CAB-311" in last_read(world, "approval").detail


def test_an_approval_is_of_the_very_bytes_of_its_plan():
    world = two_waves(approval=ApprovalRule())
    approve_wave(world, "canary")
    world.days_pass(1)
    world.plan("p2p2")
    world.rehearse()
    with pytest.raises(Refused, match="nobody has approved"):
        world.enforce()
    approve_wave(world, "canary")
    world.enforce()
    assert {"alice"} == world.enforced


def test_approvals_are_not_asked_for_notices():
    world = with_gates(World(a_cli_user("carl")).planned(), approval=ApprovalRule(), enrolment=100)
    world.notify()
    assert {"carl@example.com"} == set(world.told)


# --- The calendar ---

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Window(
    ("mon", "tue", "wed", "thu"), time(9), time(16), BERLIN, (Freeze(date(2026, 12, 18), date(2027, 1, 6)),)
)


def at(world: World, text: str) -> World:
    world.clock.instant = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return world


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-12-09T07:59", "2026-12-09 08:00"),
        ("2026-12-09T15:00", "2026-12-10 08:00"),
        ("2026-12-10T15:00", "2026-12-14 08:00"),
        ("2026-12-18T10:00", "2027-01-07 08:00"),
    ],
)
def test_outside_the_window_nothing_is_due_until_it_opens(moment, opens):
    world = at(two_waves(window=OFFICE), moment)
    answer = world.enforce()
    assert ((), None) == (answer.waves, answer.refused)
    assert 'wave "canary" is next; gate window: ' in answer.why_nothing
    assert f"opens {opens} UTC" in answer.why_nothing
    assert "nothing due" == world.records(RunEnded)[-1].ending
    at(world, opens.replace(" ", "T"))
    assert ("canary",) == world.enforce().waves


def test_a_wave_that_is_named_outside_the_window_is_refused():
    world = at(two_waves(window=OFFICE), "2026-12-09T07:59")
    with pytest.raises(Refused, match="gate window: Wed 2026-12-09 08:59 CET is outside"):
        world.enforce(wave="canary")


def test_on_frozen_days_late_joiners_of_open_waves_are_not_enforced_either():
    world = at(two_waves(window=OFFICE), "2026-12-10T10:00")
    world.enforce()
    world.account.put(a_person("late"))
    world.waves = (replace(world.waves[0], users=("alice", "late")), world.waves[1])
    world.plan("p2p2")
    world.rehearse()
    at(world, "2026-12-21T10:00")
    answer = world.enforce()
    assert () == answer.waves
    assert {"alice"} == world.enforced
    at(world, "2027-01-07T10:00").enforce()
    assert {"alice", "late", "bob"} == world.enforced


def test_where_all_is_done_the_window_is_still_kept():
    world = at(two_waves(window=OFFICE, soak=timedelta()), "2026-12-09T10:00")
    world.soak = timedelta()
    world.enforce()
    world.enforce()
    answer = at(world, "2026-12-11T10:00").enforce()
    assert () == answer.waves
    assert "every wave has reached stage enforce; gate window" in answer.why_nothing


def test_soak_and_window_open_together():
    """The soak ends on a Saturday; the window opens on Monday."""
    world = at(two_waves(window=OFFICE), "2026-12-09T10:00")
    world.enforce()
    answer = at(world, "2026-12-11T10:00").enforce()
    assert "gate soak: " in answer.why_nothing
    assert "gate window: " in answer.why_nothing
    assert "together they open 2026-12-14 08:00 UTC" in answer.why_nothing


def test_a_window_that_never_opens_is_refused():
    never = Window(frozen=(Freeze(date(2026, 1, 1), date(2030, 1, 1)),))
    with pytest.raises(Refused, match="it never opens"):
        two_waves(window=never).enforce()


def test_the_window_can_be_overridden_for_one_run():
    world = at(two_waves(window=OFFICE), "2026-12-12T10:00")
    world.enforce(overrides={"window": "the board wants it on a Saturday"})
    assert {"alice"} == world.enforced
    assert ["window"] == [given.gate for given in world.records(GateOverridden)]
    assert () == world.enforce().waves


def test_notices_go_out_at_any_time():
    world = at(with_gates(World(a_cli_user("carl")).planned(), window=OFFICE), "2026-12-25T03:00")
    world.notify()
    assert {"carl@example.com"} == set(world.told)


def test_a_question_that_stands_until_the_window_has_shut_comes_to_nothing():
    world = at(two_waves(window=OFFICE), "2026-12-09T14:55")
    written = len(world.written)

    def lunch(_: OperatorQuestion) -> None:
        world.clock.advance(timedelta(minutes=10))

    world.runs += 1
    with pytest.raises(Refused, match=r"a gate closed before you confirmed: .* gate window"):
        apply_plan(
            world.order(Stage.ENFORCE),
            run=world.run(),
            preview=a_preview(world.run()),
            where=world.where,
            organization=world.organization,
            notifier=world.notifier,
            agree=lunch,
        )
    assert written == len(world.written)


# --- How far people have come ---


def enrolling(*, enrolled: int, lacking: int, **more: Any) -> World:
    having = [a_person(f"with-{number}") for number in range(enrolled)]
    without = [an_enroller(f"without-{number}", helped=False) for number in range(lacking)]
    return with_gates(World(*having, *without, **more).ripe(), enrolment=80.0)


def test_enough_of_the_wave_have_a_device():
    world = enrolling(enrolled=4, lacking=1)
    world.enforce()
    assert 5 == len(world.enforced)
    read = last_read(world, "enrolment")
    assert ("pass", "4 of 5 users have a device, 80 % needed") == (read.result, read.detail)


def test_too_few_of_the_wave_have_a_device():
    """As they are now: who has enrolled since the plan counts."""
    world = enrolling(enrolled=3, lacking=2)
    with pytest.raises(Refused, match="gate enrolment: 3 of 5 users have a device, 80 % needed") as refusal:
        world.enforce()
    assert "apply --stage notify" in refusal.value.cure
    assert [] == [change for change in world.written if isinstance(change, AddMember)]
    world.change("without-0", devices=(a_device(name="without-0"),), mfa_active=True)
    world.enforce()
    assert 5 == len(world.enforced)


def test_who_cannot_be_looked_at_makes_it_inconclusive_where_they_could_tip_it():
    world = enrolling(enrolled=4, lacking=0)
    world = with_gates(
        World(*(a_person(f"with-{n}") for n in range(4)), a_person("far", account_id=OTHER)).ripe(),
        enrolment=90.0,
    )
    world.closed[OTHER] = CannotEnter("AccessDenied")
    with pytest.raises(Refused, match="1 could not be looked at"):
        world.enforce()
    assert "inconclusive" == last_read(world, "enrolment").result
    with_gates(world, enrolment=80.0).enforce()
    assert "pass" == last_read(world, "enrolment").result


def test_who_is_gone_or_exempt_by_now_is_no_member():
    world = enrolling(enrolled=4, lacking=3)
    world.account.remove("without-0")
    world.exempt(an_exemption(world.person("without-1").arn))
    world.enforce()
    assert "4 of 5 users have a device" in last_read(world, "enrolment").detail


def test_nobody_is_looked_at_while_another_gate_stops_the_wave():
    world = with_gates(two_waves(), enrolment=80.0)
    world.enforce()
    world.account.asked.clear()
    world.enforce()
    assert ["rest"] == [read.wave for read in world.records(GateRead)[-3:] if read.gate == "soak"]
    assert 1 == world.account.asked.count("read")  # the open wave is gone over


def test_looking_writes_nothing_and_may_be_stopped():
    world = enrolling(enrolled=4, lacking=1)
    attempted = len(world.attempted)
    world.stopping, world.engine_stops = (lambda: True), True
    with pytest.raises(Interrupted, match="while reading; nothing was written") as ended:
        world.enforce()
    assert 130 == ended.value.exit_code
    assert attempted == len(world.attempted)
    assert "" == world.lock.holder


def test_long_term_keys_that_still_call_services_hold_the_wave():
    world = with_gates(World(a_cli_user("ana"), a_cli_user("carl")).ripe(), cli_moved=100.0)
    now = world.clock.now()
    world.change("carl", keys=(a_key(used_days_ago=1, now=now),))
    with pytest.raises(Refused, match="gate cli_moved: 1 of 2 users have left their long-term keys"):
        world.enforce()
    sts = (a_key(used_days_ago=1, service="sts", now=now),)
    world.change("carl", keys=sts)
    with pytest.raises(Refused, match="1 called STS, and whether with MFA is not known"):
        world.enforce()
    sessions = calls_at(8, operation="sts:GetSessionToken", with_mfa=True, until=now)
    seen = replace(an_activity(*sessions), read_at=now)
    world.change("carl", keys=sts, activity=(seen,))
    world.enforce()
    assert {"ana", "carl"} == world.enforced
    assert "pass" == last_read(world, "cli_moved").result


@pytest.mark.parametrize("gate", ["enrolment", "cli_moved"])
def test_an_override_of_people_s_gates_holds_when_the_run_is_cut_short(gate):
    world = with_gates(World(an_enroller("erin", helped=False), a_cli_user("carl")).ripe(), **{gate: 100.0})
    world.change("carl", keys=(a_key(used_days_ago=1, now=world.clock.now()),))
    written = len(world.written)
    world.stopping = lambda: len(world.written) > written
    assert world.enforce(overrides={gate: "they had their time"}).interrupted
    world.stopping = lambda: False
    answer = world.enforce()
    assert {"erin", "carl"} == world.enforced
    assert f"by {a_caller().arn}: they had their time" in answer.inherited[gate]
    assert 1 == len(world.records(GateOverridden))


# --- Failures and releases of the wave before ---


def test_failures_of_the_wave_itself_stop_it_until_somebody_overrides():
    world = World(a_person("alice"), a_person("ann"), a_person("bob"), canary=["alice", "ann"]).ripe()
    world.account.fail(
        Trouble.REFUSED, lambda change: isinstance(change, AddMember) and change.user.name == "ann"
    )
    world.enforce()
    assert {"alice"} == world.enforced
    with_gates(world, failure_tolerance=Tolerance(0, 100))
    with pytest.raises(Refused, match=r'wave "canary": 1 of 2 users failed \(limit 0\)'):
        world.enforce()
    world.enforce(overrides={"failure_tolerance": "mended"})
    assert {"alice", "ann"} == world.enforced
    assert (Stage.ENFORCE, "canary") in world.done.carried


def test_a_lock_out_in_the_wave_before_counts_as_a_failure_and_restarts_its_soak():
    world = two_waves(failure_tolerance=Tolerance(0, 100))
    world.enforce()
    world.days_pass(3)
    alice = world.done.placed[world.person("alice").id].user
    trap = Deadlocked("verify-1", world.clock.now(), ORGANIZATION, alice, "canary", "no device any more")
    world.journal.append(trap)
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert 'gate failure_tolerance: wave "canary": 1 of 1 user failed (limit 0)' in str(answer.refused)
    assert 'gate soak: wave "canary" disturbed by a release or a lock-out' in str(answer.refused)

    world.journal.append(replace(trap, at=world.clock.now(), over=True))
    answer = world.enforce()
    assert answer.refused is None
    assert "gate soak" in answer.why_nothing
    world.days_pass(3).enforce()
    assert {"alice", "bob"} == world.enforced


def test_a_refused_wave_does_not_keep_the_open_ones_from_being_gone_over():
    """Late joiners and people who come back from a release have nothing to do with the next wave's gates."""
    world = two_waves(approval=ApprovalRule())
    approve_wave(world, "canary")
    world.enforce()
    world.account.put(a_person("late"))
    world.waves = (replace(world.waves[0], users=("alice", "late")), world.waves[1])
    world.days_pass(3)
    world.plan("p2p2")
    world.rehearse()
    answer = world.enforce()
    assert ("canary",) == answer.waves
    assert {"alice", "late"} == world.enforced
    assert answer.refused is not None
    assert 5 == answer.refused.exit_code
    assert 'wave "rest" may not proceed yet: gate approval' in str(answer.refused)


def test_who_asks_for_somebody_of_a_refused_wave_is_told_of_the_gate_and_not_of_a_typing_error():
    world = two_waves(approval=ApprovalRule())
    approve_wave(world, "canary")
    world.enforce()
    world.days_pass(3)
    with pytest.raises(Refused, match="gate approval"):
        world.enforce(selection=Selection(users=("bob",)))
    with pytest.raises(EmptySelection):
        world.enforce(selection=Selection(users=("nobody",)))


# --- On record ---


def test_a_run_that_a_gate_refuses_is_on_record_and_moves_nobody():
    world = two_waves(approval=ApprovalRule())
    runs = len(world.records(RunStarted))
    with pytest.raises(Refused):
        world.enforce()
    assert runs + 1 == len(world.records(RunStarted)) == len(world.records(RunEnded))
    assert {"dry_run_done": "pass", "soak": "pass", "failure_tolerance": "pass", "approval": "fail"} == {
        read.gate: read.result for read in world.records(GateRead) if read.run == f"run-{world.runs}"
    }


def test_several_gates_are_named_together_with_their_cures():
    world = two_waves(approval=ApprovalRule(), failure_tolerance=Tolerance(0, 0))
    world.enforce(overrides={"approval": "in a hurry"})
    with pytest.raises(Refused) as refusal:
        world.enforce(wave="rest")
    said = str(refusal.value)
    assert "gate soak: " in said
    assert "gate approval: " in said
    assert "--override-gate soak --override-gate approval --reason WHY" in refusal.value.cure


@pytest.mark.parametrize(
    "gate", ["dry_run_done", "approval", "window", "enrolment", "cli_moved", "failure_tolerance"]
)
def test_every_gate_can_be_overridden_by_name_and_reason(gate):
    gates: dict[str, Any] = {
        "approval": {"approval": ApprovalRule()},
        "window": {"window": Window(("sun",))},
        "enrolment": {"enrolment": 100.0},
        "cli_moved": {"cli_moved": 100.0},
    }
    world = with_gates(
        World(an_enroller("erin", helped=False), a_cli_user("carl")).ripe(), **gates.get(gate, {})
    )
    world.change("carl", keys=(a_key(used_days_ago=1, now=world.clock.now()),))
    if gate == "dry_run_done":
        world.plan("p2p2")
    if gate == "failure_tolerance":
        world.account.fail(Trouble.REFUSED, lambda change: isinstance(change, AddMember))
        world.enforce()
        with_gates(world, failure_tolerance=Tolerance(0, 0))
    with pytest.raises(Refused, match=f"gate {gate}: "):
        world.enforce(wave="rest")
    world.enforce(wave="rest", overrides={gate: "incident 7"})
    assert {"erin", "carl"} == world.enforced
    given = world.records(GateOverridden)[-1]
    assert (gate, "incident 7", "rest") == (given.gate, given.reason, given.wave)
