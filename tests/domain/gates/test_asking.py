"""The gates of a wave in their order; people are looked at only where a gate wants to know."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from rollout.domain.gates import (
    GATES,
    GateAnswer,
    Gatekeeper,
    GateRules,
    Members,
    Result,
    Window,
    opens_by_itself,
)
from rollout.domain.progress.replay import Progress
from tests.builders import NOW, a_carried, a_progress, a_run, a_user, an_approval, an_end, days_ago

CHECKSUM = "sha256:" + "c" * 64
EVERYTHING = GateRules(enrolment=90, cli_moved=80, window=Window(), approval=True)
USERS = {"canary": 2, "empty": 0, "rest": 8}
ALL_DONE = a_progress(
    a_run(stage="dry-run", at=days_ago(9)),
    an_end(),
    a_carried("canary", at=days_ago(5)),
    an_approval("rest"),
)


def keeper(progress: Progress = ALL_DONE, rules: GateRules = EVERYTHING) -> Gatekeeper:
    return Gatekeeper(progress, rules, USERS, CHECKSUM, NOW)


def everything(asked: Gatekeeper, wave: str = "rest") -> list[GateAnswer]:
    people = asked.of_people(lambda: Members((a_user(),)))
    return [asked.rehearsed(), *asked.of_journal(wave), *people]


def test_every_gate_is_asked_once_in_its_order():
    answers = everything(keeper())
    assert list(GATES) == [answer.gate for answer in answers]
    assert {Result.PASS} == {answer.result for answer in answers}
    assert all(answer.passes and answer.detail for answer in answers)


def test_gates_that_are_not_set_are_not_asked():
    names = [answer.gate for answer in everything(keeper(rules=GateRules()))]
    assert ["dry_run_done", "soak", "failure_tolerance"] == names


def test_people_are_looked_at_only_where_a_gate_wants_to_know():
    def nobody() -> Members:
        raise AssertionError("nobody was to be looked at")

    assert [] == list(keeper(rules=GateRules()).of_people(nobody))
    assert not keeper(rules=GateRules()).about_people
    assert keeper(rules=GateRules(enrolment=0)).about_people


def test_waves_without_users_do_not_count():
    assert ("canary", "rest") == keeper().order
    assert "canary" in next(iter(keeper().of_journal("rest"))).detail


def test_a_journal_that_knows_nothing_lets_nobody_but_the_first_wave_through():
    asked = keeper(a_progress(), GateRules(approval=True))
    assert [False, False, True, False] == [answer.passes for answer in everything(asked)]
    assert everything(asked, "canary")[1].passes


LATER = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def waits(opens: datetime | None) -> GateAnswer:
    return GateAnswer("soak", Result.FAIL, "x", opens)


def test_time_alone_opens_what_only_waits_for_time_at_the_latest_of_its_moments():
    assert LATER == opens_by_itself([waits(NOW), waits(LATER)], None)
    assert None is opens_by_itself([waits(LATER), waits(None)], None)
    assert None is opens_by_itself([], None)


def test_and_not_outside_the_window():
    office = Window(opens=time(9), closes=time(16))
    assert datetime(2026, 11, 25, 9, 0, tzinfo=UTC) == opens_by_itself([waits(LATER)], office)
    noon = LATER + timedelta(hours=9)
    assert noon == opens_by_itself([waits(noon)], office)
