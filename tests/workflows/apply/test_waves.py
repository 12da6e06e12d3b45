"""Which wave is due, and what its gates say (design.md#stages-and-gates)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.domain.people.scope import Selection
from rollout.domain.plan.waves import Wave
from rollout.domain.progress.records import GateOverridden, GateRead, RunEnded, RunStarted, WaveCarried
from rollout.domain.progress.stages import Stage
from rollout.errors import EmptySelection, Refused
from rollout.workflows.ports import CannotEnter
from tests.workflows.world import World, a_cli_user, a_person, placements

OTHER = "222233334444"


def two_waves() -> World:
    """Alice goes first; bob is in the rest."""
    return World(a_person("alice"), a_person("bob"), canary=["alice"])


def test_nothing_moves_before_a_rehearsal():
    world = two_waves()
    world.plan()
    for stage in (Stage.NOTIFY, Stage.ENFORCE):
        with pytest.raises(Refused, match=r"gate dry_run_done: this plan has not been rehearsed") as refusal:
            world.apply(stage)
        assert 5 == refusal.value.exit_code
        assert "rollout apply --stage dry-run" == refusal.value.cure
    assert {RunStarted, GateRead, RunEnded} == {type(record) for record in world.journal.kept}


def test_a_new_plan_has_to_be_rehearsed_anew():
    world = two_waves().planned()
    world.days_pass(1)
    world.plan("p2p2")
    with pytest.raises(Refused, match="dry_run_done"):
        world.enforce()
    assert [] == world.attempted


def test_a_rehearsal_of_one_wave_opens_no_gate():
    """Nobody knows what the other waves would have said."""
    world = two_waves()
    world.plan()
    world.rehearse(wave="canary")
    with pytest.raises(Refused, match=r'ended "narrowed", not with everybody') as refusal:
        world.enforce()
    assert "--override-gate dry_run_done" in refusal.value.cure


def test_a_rehearsal_of_a_few_users_opens_no_gate():
    world = two_waves()
    world.plan()
    world.rehearse(selection=Selection(users=("alice",)))
    with pytest.raises(Refused, match="narrowed"):
        world.notify()


def test_a_rehearsal_that_matched_nobody_opens_no_gate_and_leaves_no_record():
    world = two_waves()
    world.plan()
    with pytest.raises(EmptySelection) as refusal:
        world.rehearse(selection=Selection(users=("nobody",)))
    assert 2 == refusal.value.exit_code
    assert [] == world.journal.kept
    with pytest.raises(Refused, match="dry_run_done"):
        world.notify()


def test_an_account_that_a_rehearsal_could_not_enter_stops_nobody_else():
    """There is nothing to rehearse in it, and one bad account never stops the others (design.md#stages-and-gates)."""
    world = World(a_person("alice"), a_person("bob", account_id=OTHER))
    world.plan()
    world.closed[OTHER] = CannotEnter("AccessDenied")
    world.rehearse()
    world.enforce()
    assert {"alice"} == world.enforced


def test_a_rehearsal_that_was_interrupted_opens_no_gate():
    world = two_waves()
    world.plan()
    world.stopping = lambda: True
    world.rehearse()
    world.stopping = lambda: False
    with pytest.raises(Refused, match=r'ended "interrupted"'):
        world.enforce()


def test_waves_go_one_after_the_other():
    """The first wave waits for nobody, the next one for the soak; a wave stays open once it has been carried."""
    world = two_waves().ripe()
    assert ("canary",) == world.enforce().waves
    assert {"alice"} == world.enforced
    world.days_pass(3)
    assert ("canary", "rest") == world.enforce().waves
    assert {"alice", "bob"} == world.enforced


def test_while_the_soak_runs_nothing_more_is_due():
    """Without --wave that is no error: the open wave is gone over again, and the reason is said with its date."""
    world = two_waves().ripe()
    world.enforce()
    again = world.days_pass(2.9).enforce()
    assert ("canary",) == again.waves
    assert 'wave "rest" is next; gate soak: wave "canary" enforced 2026-12-09' in again.why_nothing
    assert "ends 2026-12-12 09:00 UTC" in again.why_nothing
    assert not again.in_part
    assert {"alice"} == world.enforced


def test_asking_for_a_wave_while_the_soak_runs_is_refused():
    world = two_waves().ripe()
    world.enforce()
    written = len(world.written)
    with pytest.raises(
        Refused, match=r'wave "rest" may not proceed yet: gate soak: .* soak of 3 days'
    ) as refusal:
        world.enforce(wave="rest")
    assert 5 == refusal.value.exit_code
    assert written == len(world.written)
    assert ("soak", "fail") in [(read.gate, read.result) for read in world.records(GateRead)]
    assert "refused" == world.records(RunEnded)[-1].ending
    assert {"alice"} == world.enforced


def test_a_wave_cannot_overtake_the_one_before():
    world = two_waves().ripe()
    with pytest.raises(Refused, match=r'wave "canary" is not enforced yet'):
        world.enforce(wave="rest")


def test_an_operator_may_override_a_gate_and_it_is_on_record():
    world = two_waves().ripe()
    world.enforce()
    world.enforce(wave="rest", overrides={"soak": "incident 7"})
    assert {"alice", "bob"} == world.enforced
    (override,) = world.records(GateOverridden)
    assert ("rest", "soak", "incident 7") == (override.wave, override.gate, override.reason)
    assert override.caller.endswith("assumed-role/Admin/ana")


def test_overriding_a_gate_that_is_open_leaves_no_trace():
    world = two_waves().ripe()
    world.enforce(overrides={"soak": "to be sure"})
    assert [] == world.records(GateOverridden)


def test_an_override_names_one_gate_and_opens_no_other():
    world = two_waves()
    world.plan()
    with pytest.raises(Refused, match="dry_run_done"):
        world.enforce(wave="rest", overrides={"soak": "incident 7"})
    with pytest.raises(Refused, match="soak"):
        world.enforce(wave="rest", overrides={"dry_run_done": "incident 7"})


def test_what_the_gates_said_is_on_record_with_numbers():
    world = two_waves().ripe()
    world.enforce()
    world.days_pass(4).enforce()
    read = [(gate.wave, gate.gate, gate.result) for gate in world.records(GateRead) if gate.run == "run-5"]
    assert [("rest", gate, "pass") for gate in ("dry_run_done", "soak", "failure_tolerance")] == read
    details = {gate.gate: gate.detail for gate in world.records(GateRead) if gate.run == "run-5"}
    assert "soaked 4 days of 3 days" in details["soak"]
    assert 'wave "canary": 0 of 1 user failed' in details["failure_tolerance"]


def test_once_all_waves_are_carried_a_run_only_goes_over_them():
    world = two_waves().ripe()
    world.enforce()
    world.days_pass(3).enforce()
    done = world.enforce()
    assert "every wave has reached stage enforce" == done.why_nothing
    assert {"already enforced": 2} == done.tally.counts


def test_a_run_that_carries_a_wave_does_not_claim_that_nothing_was_due():
    world = two_waves().ripe()
    assert "" == world.enforce().why_nothing


def test_an_empty_plan_has_nothing_due():
    world = World()
    world.plan()
    for stage in Stage:
        answer = world.apply(stage)
        assert () == answer.waves
        assert "this plan enforces nobody" == answer.why_nothing
    assert [] == world.journal.kept


def test_a_wave_that_the_plan_does_not_know_is_wrong_usage():
    world = two_waves().planned()
    with pytest.raises(EmptySelection, match='no wave "canery"') as refusal:
        world.enforce(wave="canery")
    assert "canary, rest" in refusal.value.cure
    assert 2 == refusal.value.exit_code


def test_a_wave_without_users_is_wrong_usage():
    world = two_waves()
    world.waves = (Wave("canary", users=("alice", "bob")), Wave("rest"))
    world.planned()
    with pytest.raises(EmptySelection, match='nobody is in wave "rest"'):
        world.enforce(wave="rest")


def test_a_wave_without_users_keeps_nobody_waiting():
    """The gate asks for the wave before that has users."""
    world = two_waves()
    world.waves = (Wave("canary", users=("nobody",)), Wave("first", users=("alice",)), Wave("rest"))
    world.planned()
    assert ("first",) == world.enforce().waves
    assert ("first", "rest") == world.days_pass(3).enforce().waves


def test_a_selection_that_matches_nobody_is_an_error_and_writes_nothing():
    world = two_waves().ripe()
    before = list(world.journal.kept)
    for selection in (Selection(users=("nobody",)), Selection(accounts=("x*",)), Selection(ous=("No/Such",))):
        with pytest.raises(EmptySelection) as refusal:
            world.enforce(selection=selection)
        assert 2 == refusal.value.exit_code
    assert before == world.journal.kept


def test_a_narrowed_run_moves_only_the_chosen_and_carries_no_wave():
    world = World(a_person("alice"), a_person("bob"), a_person("carol", account_id=OTHER)).ripe()
    world.enforce(selection=Selection(users=("b*",)))
    assert {"bob"} == world.enforced
    world.enforce(selection=Selection(accounts=(OTHER,)))
    assert {"bob", "carol"} == world.enforced
    assert (Stage.ENFORCE, "rest") not in world.done.carried
    world.enforce()
    assert {"alice", "bob", "carol"} == world.enforced
    assert (Stage.ENFORCE, "rest") in world.done.carried


def test_late_joiners_run_their_own_notice_clock_and_do_not_restart_the_soak():
    """Who turns up after their wave went is told, waits their own lead time, and holds up nobody."""
    world = two_waves().ripe()
    world.enforce()
    carried = world.done.carried[Stage.ENFORCE, "canary"]
    world.account.put(a_cli_user("late"))
    world.waves = (Wave("canary", users=("alice", "late")), Wave("rest"))
    world.plan("p2p2")
    world.rehearse()

    world.days_pass(1).notify()
    assert ["late"] == world.told["late@example.com"]

    world.days_pass(2)
    assert ("canary", "rest") == world.enforce().waves
    assert {"alice", "bob"} == world.enforced
    assert carried == world.done.carried[Stage.ENFORCE, "canary"]

    world.days_pass(13).enforce()
    assert {"alice", "bob", "late"} == world.enforced
    assert carried == world.done.carried[Stage.ENFORCE, "canary"]


def test_a_re_plan_inherits_notices_and_carried_waves():
    world = World(a_cli_user("carl"), a_person("bob"), canary=["carl"]).ripe()
    world.enforce()
    world.days_pass(3)
    world.plan("p2p2")
    world.rehearse()
    world.enforce()
    assert {"carl", "bob"} == world.enforced
    assert 1 == len(world.notifier.sent)


def test_a_wave_is_carried_only_when_nobody_waits():
    world = World(a_person("alice"), a_cli_user("carl")).notified()
    answer = world.enforce()
    assert 1 == answer.tally["waiting"]
    assert {"alice"} == world.enforced
    assert (Stage.ENFORCE, "rest") not in world.done.carried
    world.days_pass(15).enforce()
    assert (Stage.ENFORCE, "rest") in world.done.carried


def test_a_wave_is_noted_as_carried_once():
    world = two_waves().ripe()
    for _ in range(3):
        world.enforce()
    carried = [(record.wave, record.stage) for record in world.records(WaveCarried)]
    assert 1 == carried.count(("canary", Stage.ENFORCE))


def test_an_account_that_cannot_be_entered_stops_nobody_else():
    """Its users come late, by the notice that they had; the wave goes on with those who could be reached."""
    world = World(
        a_person("alice"), a_person("bob", account_id=OTHER), a_person("zoe"), canary=["alice", "bob"]
    )
    world.ripe()
    world.closed[OTHER] = CannotEnter("AccessDenied")
    assert world.enforce().in_part
    assert {"alice"} == world.enforced
    assert (Stage.ENFORCE, "canary") in world.done.carried
    del world.closed[OTHER]
    world.enforce()
    assert {"alice", "bob"} == world.enforced


def test_a_wave_of_which_nobody_could_be_reached_has_shown_nothing():
    world = World(a_person("alice"), a_person("bob", account_id=OTHER), canary=["bob"]).ripe()
    world.closed[OTHER] = CannotEnter("AccessDenied")
    assert world.enforce().in_part
    assert (Stage.ENFORCE, "canary") not in world.done.carried


def test_a_wave_whose_accounts_were_all_closed_keeps_nobody_waiting():
    """Closed, suspended and excluded accounts are no failure (design.md#commands)."""
    world = World(a_person("alice"), a_person("bob", account_id=OTHER), canary=["bob"]).ripe()
    world.close(OTHER)
    answer = world.enforce()
    assert (1, False) == (answer.tally["gone"], answer.in_part)
    assert (Stage.ENFORCE, "canary") in world.done.carried
    world.days_pass(3).enforce()
    assert {"alice"} == world.enforced
    assert [] == world.accounts[OTHER].attempted


def test_an_account_that_has_left_the_organization_is_left_alone():
    world = World(a_person("alice"), a_person("bob", account_id=OTHER)).ripe()
    reads = len(world.accounts[OTHER].asked)
    del world.listed[OTHER]
    answer = world.enforce()
    assert (1, 1, False) == (answer.tally["enforced"], answer.tally["gone"], answer.in_part)
    assert reads == len(world.accounts[OTHER].asked)


def test_an_account_that_has_moved_out_of_scope_is_left_alone():
    """Exclude wins, and by where the account is now: it may have been moved away to be shut down."""
    world = World(a_person("alice"), a_person("bob", account_id=OTHER))
    world.scope = replace(world.scope, exclude_ous=("Suspended",))
    world.ripe()
    reads = len(world.accounts[OTHER].asked)
    world.listed[OTHER] = replace(world.listed[OTHER], ou="Suspended")
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert (1, False) == (answer.tally["excluded"], answer.in_part)
    assert reads == len(world.accounts[OTHER].asked)


def test_every_run_begins_and_ends_on_record():
    world = two_waves().ripe()
    world.enforce()
    started, ended = world.records(RunStarted), world.records(RunEnded)
    assert [record.run for record in started] == [record.run for record in ended]
    assert {"done"} == {record.ending for record in ended}
    assert {"writes": 5, "enforced": 1} == ended[-1].counts
    assert ["alice"] == placements(world.written)
