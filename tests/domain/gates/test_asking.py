"""The gates of a wave in their order; people are looked at only where a gate wants to know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from rollout.domain.gates import (
    GATES,
    ApprovalRule,
    GateAnswer,
    Gatekeeper,
    GateRules,
    Members,
    Needs,
    Result,
    Window,
)
from rollout.domain.gates.enrolment import ENROLMENT
from rollout.domain.progress.projection import Progress
from tests.builders import NOW, a_carried, a_progress, a_proof, a_run, a_user, an_approval, an_end, days_ago
from tests.domain.gates.asked import PLANNER

CHECKSUM, POLICY_DIGEST = "sha256:" + "c" * 64, "sha256:policy"
EVERYTHING = GateRules(
    enrolment=90, cli_moved=80, window=Window(), approval=ApprovalRule(), proof=timedelta(days=90)
)
USERS = {"canary": 2, "empty": 0, "rest": 8}
ALL_DONE = a_progress(
    a_run(stage="dry-run", at=days_ago(9)),
    an_end(),
    a_carried("canary", at=days_ago(5)),
    an_approval("rest"),
    a_proof(POLICY_DIGEST),
)


def keeper(progress: Progress = ALL_DONE, rules: GateRules = EVERYTHING) -> Gatekeeper:
    return Gatekeeper(progress, rules, USERS, CHECKSUM, PLANNER, NOW, policy=POLICY_DIGEST)


def everything(asked: Gatekeeper, wave: str = "rest") -> list[GateAnswer]:
    return [answer for _, answer in asked.ask(wave, *Needs, look=lambda: Members((a_user(),)))]


def test_every_gate_is_asked_once_in_its_order():
    answers = everything(keeper())
    assert [gate.name for gate in GATES] == [answer.gate for answer in answers]
    assert {Result.PASS} == {answer.result for answer in answers}
    assert all(answer.passes and answer.detail for answer in answers)


def test_gates_that_are_not_set_are_not_asked():
    names = [answer.gate for answer in everything(keeper(rules=GateRules()))]
    assert ["dry_run_done", "soak", "failure_tolerance"] == names


def test_people_are_looked_at_only_where_a_gate_wants_to_know():
    def nobody() -> Members:
        raise AssertionError("nobody was to be looked at")

    assert [] == list(keeper(rules=GateRules()).ask("rest", *Needs, look=nobody))[3:]
    assert 5 == len(list(keeper().ask("rest", Needs.JOURNAL, Needs.CALENDAR, look=nobody)))


def test_a_share_of_nothing_is_still_asked_for():
    assert "enrolment" == everything(keeper(rules=GateRules(enrolment=0)))[-1].gate


def test_people_are_looked_at_once_however_many_gates_want_to_know():
    looks = []

    def look() -> Members:
        looks.append("a look")
        return Members((a_user(),))

    assert 2 == len(list(keeper().ask("rest", Needs.PEOPLE, look=look)))
    assert 1 == len(looks)


def test_a_gate_that_says_it_needs_no_people_may_not_look_at_them():
    nosy = replace(ENROLMENT, needs=Needs.JOURNAL)
    asked = keeper(rules=GateRules((nosy,), enrolment=90))
    with pytest.raises(LookupError):
        list(asked.ask("rest", Needs.JOURNAL))


def test_a_setting_that_no_gate_has_is_refused():
    with pytest.raises(TypeError, match="soke"):
        GateRules(soke=3)


def test_waves_without_users_do_not_count():
    assert ("canary", "rest") == keeper().order
    assert "canary" in next(iter(keeper().ask("rest", Needs.JOURNAL)))[1].detail


def test_a_journal_that_knows_nothing_lets_nobody_but_the_first_wave_through():
    asked = keeper(a_progress(), GateRules(approval=ApprovalRule()))
    assert [False, False, True, False] == [answer.passes for answer in everything(asked)]
    assert everything(asked, "canary")[1].passes


LATER = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def waits(opens: datetime | None) -> GateAnswer:
    return GateAnswer("soak", Result.FAIL, "x", opens)


def test_time_alone_opens_what_only_waits_for_time_at_the_latest_of_its_moments():
    assert LATER == keeper(rules=GateRules()).opens_by_itself([waits(NOW), waits(LATER)])
    assert None is keeper().opens_by_itself([waits(LATER), waits(None)])
    assert None is keeper().opens_by_itself([])


def test_and_not_outside_the_window():
    office = keeper(rules=GateRules(window=Window(opens=time(9), closes=time(16))))
    assert datetime(2026, 11, 25, 9, 0, tzinfo=UTC) == office.opens_by_itself([waits(LATER)])
    noon = LATER + timedelta(hours=9)
    assert noon == office.opens_by_itself([waits(noon)])
