"""`apply --stage notify` reminds people before the day told: once a mark, and never of another day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rollout.domain.gates import ApprovalRule
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Reminded, Told
from rollout.domain.progress.stages import Stage
from tests.builders import a_device
from tests.workflows.world import ADMIN, World, a_cli_user, a_person, an_enroller

MARKS = (timedelta(days=7), timedelta(days=1))


def remind(world: World, **more: Any):
    return world.notify(remind_at=MARKS, **more)


def told_carl() -> World:
    """Carl was told on 24 November for 8 December."""
    return World(a_cli_user("carl", inline=(ADMIN,))).notified()


def test_people_are_reminded_once_for_each_mark():
    world = told_carl()
    sent = []
    for _ in range(15):
        world.days_pass(1)
        remind(world)
        sent.append(len(world.notifier.sent) - 1)
    assert [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2] == sent
    assert [timedelta(days=7), timedelta(days=1)] == [one.mark for one in world.records(Reminded)]


def test_a_reminder_says_that_it_is_one_and_names_the_day_told():
    world = told_carl().days_pass(8)
    answer = remind(world)
    notice = world.notifier.sent[-1]
    assert notice.reminder
    assert [datetime(2026, 12, 8, 12, tzinfo=UTC)] == [line.due for line in notice.lines]
    assert {"already told": 1, "reminded": 1, "messages": 1} == answer.tally.counts
    (one,) = world.records(Reminded)
    assert (
        "carl",
        "rest",
        "carl@example.com",
        datetime(2026, 12, 8, 12, tzinfo=UTC),
        Delivery.DELIVERED,
    ) == (
        one.user.name,
        one.wave,
        one.address,
        one.due,
        one.delivery,
    )


def test_a_reminder_moves_no_day():
    world = told_carl().days_pass(13.9)
    remind(world)
    world.clock.instant = world.records(Told)[0].due
    world.enforce()
    assert {"carl"} == world.enforced


def test_the_day_that_others_would_be_told_now_does_not_leak_into_a_reminder():
    """A wave that is late would be told a later day; who was told keeps theirs."""
    world = World(a_cli_user("ana"), a_cli_user("carl"), canary=["ana"]).notified()
    world.days_pass(5)
    dues = {told.user.name: told.due for told in world.records(Told)}
    world.days_pass(5)
    remind(world)
    reminded = {one.user.name: one.due for one in world.records(Reminded)}
    assert {"ana"} <= set(reminded)
    assert all(dues[name] == due for name, due in reminded.items())


def test_who_has_enrolled_since_is_not_bothered_any_more():
    world = World(an_enroller("erin"), a_cli_user("carl")).notified().days_pass(8)
    world.change("erin", devices=(a_device(name="erin"),), mfa_active=True)
    remind(world)
    assert ["carl"] == [one.user.name for one in world.records(Reminded)]


def test_who_is_enforced_already_is_not_reminded():
    world = World(a_cli_user("carl")).notified().days_pass(15)
    world.enforce()
    world.plan_max_age = timedelta(days=90)
    world.clock.instant -= timedelta(days=6)
    remind(world)
    assert [] == world.records(Reminded)


def test_a_notice_that_counts_no_more_is_sent_anew_and_not_as_a_reminder():
    world = told_carl().days_pass(8)
    world.change("carl", devices=(), mfa_active=False)
    remind(world)
    assert [] == world.records(Reminded)
    assert [False, False] == [notice.reminder for notice in world.notifier.sent]


def test_a_person_with_a_new_user_and_an_old_one_gets_a_notice_and_a_reminder():
    """Two messages: what is new must not look like a reminder."""
    world = told_carl().days_pass(8)
    world.account.put(a_cli_user("carl-dev", tags={"email": "carl@example.com"}))
    world.plan("p2p2")
    world.rehearse()
    remind(world)
    assert [(False, ["carl"]), (False, ["carl-dev"]), (True, ["carl"])] == [
        (notice.reminder, [line.user.name for line in notice.lines]) for notice in world.notifier.sent
    ]


def test_a_reminder_that_cannot_be_sent_holds_nobody_back_and_is_tried_again():
    world = told_carl().days_pass(8)
    world.notifier.failing = frozenset({"carl@example.com"})
    answer = remind(world)
    assert {"already told": 1, "reminders not sent": 1, "messages": 1} == answer.tally.counts
    assert not answer.in_part
    assert (Stage.NOTIFY, "rest") in world.done.carried
    world.notifier.failing = frozenset()
    world.days_pass(1)
    remind(world)
    assert [Delivery.REFUSED, Delivery.DELIVERED] == [one.delivery for one in world.records(Reminded)]
    world.days_pass(6).enforce()
    assert {"carl"} == world.enforced


def test_a_rehearsal_reminds_nobody():
    world = told_carl().days_pass(8)
    rehearsal, _, notifier = world.rehearse(remind_at=MARKS)
    assert 1 == rehearsal.tally["reminded"]
    assert 1 == len(notifier.noted)
    assert 1 == len(world.notifier.sent)
    assert [] == world.records(Reminded)


def test_a_run_that_was_stopped_reminds_the_rest_later_and_nobody_twice():
    world = World(*(a_cli_user(f"user-{number}") for number in range(4))).notified().days_pass(8)
    world.stopping = lambda: len(world.notifier.sent) >= 4 + 2
    assert remind(world).interrupted
    world.stopping = lambda: False
    remind(world)
    assert [f"user-{number}" for number in range(4)] == sorted(
        one.user.name for one in world.records(Reminded)
    )


def test_people_for_whom_nothing_changes_are_not_reminded():
    world = World(a_person("alice")).notified().days_pass(8)
    remind(world)
    assert [] == world.notifier.sent


def test_reminders_need_a_rehearsed_plan_like_any_notice():
    world = told_carl().days_pass(8)
    world.gates = world.gates.changed(approval=ApprovalRule(), enrolment=100)
    remind(world)
    assert 1 == len(world.records(Reminded))
