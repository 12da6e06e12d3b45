"""Who was told what, what it is worth now, and what a user would be told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollout.domain.people.scope import Selection
from rollout.domain.progress.messages import Delivery, Notice
from rollout.domain.progress.schedule import Schedule
from rollout.domain.verdicts.verdict import Impact
from rollout.errors import EmptySelection
from rollout.workflows.apply.planned_notices import NoticeRules
from rollout.workflows.notices import Messages, Said, preview, who_was_told
from tests.builders import an_exemption, an_id
from tests.workflows.world import ADMIN, LEAD_TIME, SOAK, World, a_cli_user, a_person, an_enroller

OTHER = "222233334444"


def rules(world: World, **more: Any) -> NoticeRules:
    return NoticeRules(replace(world.notice_rule, **more), Schedule(LEAD_TIME, SOAK))


def said(world: World, **selected: Any) -> list[Said]:
    receivers = who_was_told(world.plans.kept[-1], world.done, rules(world), world.clock.now())
    return list(Messages(world.sent(), receivers, Selection(**selected)))


def worth(world: World) -> list[tuple[str, str]]:
    return [(one.state, one.why) for one in said(world)]


def test_a_notice_is_told_with_all_that_was_said():
    world = World(a_cli_user("carl")).planned()
    world.notify()
    (one,) = said(world)
    assert (
        "notice",
        "carl@example.com",
        "rest",
        "cli",
        datetime(2026, 12, 8, 12, tzinfo=UTC),
        "delivered",
        "message-1",
    ) == (
        one.kind,
        one.address,
        one.wave,
        one.impact,
        one.due,
        one.delivery,
        one.message_id,
    )
    assert one.user_arn.endswith("user/carl")
    assert ("counts", "ready from 2026-12-08 12:00 UTC") == (one.state, one.why)


def test_when_its_day_has_come_it_is_ready_and_then_used():
    world = World(a_cli_user("carl")).ripe()
    assert [("counts", "ready")] == worth(world)
    world.enforce()
    assert [("used", "enforced 2026-12-09 09:00 UTC")] == worth(world)


def test_a_notice_that_failed_is_void_and_the_next_one_replaces_it():
    world = World(a_cli_user("carl")).planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    world.notify()
    assert [("void", "the notice could not be sent")] == worth(world)
    world.notifier.failing = frozenset()
    world.days_pass(1).notify()
    assert [
        ("replaced", "by the notice of 2026-11-25 09:00 UTC"),
        ("counts", "ready from 2026-12-09 12:00 UTC"),
    ] == worth(world)


def test_a_notice_is_void_when_the_plan_knows_a_worse_impact():
    world = World(a_cli_user("carl", inline=(ADMIN,))).notified()
    world.change("carl", devices=(), mfa_active=False)
    world.days_pass(1)
    world.plan("p2p2")
    assert [("void", 'told about "cli", but now it is "enrol"')] == worth(world)


def test_a_notice_is_void_long_after_its_day():
    world = World(a_cli_user("carl")).notified().days_pass(29)
    assert "void" == said(world)[0].state
    assert "more than 14 days past" in said(world)[0].why


def test_a_notice_from_before_an_exemption_is_void():
    world = World(a_cli_user("carl", tags={"email": "carl@example.com", "team": "billing"})).notified()
    world.exempt(an_exemption("team=billing", days=3))
    world.days_pass(5)
    assert [("void", "told before having been let out or exempt")] == worth(world)


def test_a_queued_mail_proves_nothing():
    world = World(a_cli_user("carl")).planned()
    world.notifier.delivery = Delivery.QUEUED
    world.notify()
    assert [("unproven", "queued, not known to be delivered")] == worth(world)


def test_who_is_not_to_be_enforced_any_more_needs_no_notice():
    world = World(a_cli_user("carl"), a_cli_user("ana")).notified()
    world.change("carl", password=None, mfa_active=False, devices=())
    world.account.remove("ana")
    world.days_pass(1)
    world.plan("p2p2")
    assert {
        ("not needed", "no longer in the plan"),
        ("not needed", "the verdict is hold (machine)"),
    } == set(worth(world))


def test_reminders_stand_beside_their_notices_in_order_of_time():
    world = World(a_cli_user("carl")).notified()
    world.days_pass(8)
    world.notify(remind_at=(timedelta(days=7),))
    notice, reminder = said(world)
    assert ("notice", "reminder", "") == (notice.kind, reminder.kind, reminder.state)
    assert notice.due == reminder.due


def test_a_selection_narrows_and_one_that_matches_nobody_is_an_error():
    world = World(a_cli_user("carl"), a_cli_user("ana", account_id=OTHER)).notified()
    assert ["ana"] == [one.user_arn.rsplit("/")[-1] for one in said(world, users=("an*",))]
    assert ["ana"] == [one.user_arn.rsplit("/")[-1] for one in said(world, accounts=(OTHER,))]
    assert 2 == len(said(world, ous=("Workloads",)))
    with pytest.raises(EmptySelection) as refusal:
        said(world, users=("nobody",))
    assert 2 == refusal.value.exit_code


def test_nobody_told_is_no_error():
    world = World(a_cli_user("carl")).planned()
    assert [] == said(world)


def test_it_can_be_told_as_json():
    world = World(a_cli_user("carl")).notified()
    (told,) = json.loads(json.dumps([one.as_dict() for one in said(world)], default=str))
    assert "2026-12-08 12:00:00+00:00" == told["due"]


# --- What a user would be told ---


def previewed(world: World, name: str, **more: Any) -> Notice:
    who = world.person(name).arn
    return preview(world.plans.kept[-1], world.done, rules(world, **more), world.clock.now(), who)


def test_a_preview_is_what_the_next_notify_sends():
    world = World(a_cli_user("carl"), an_enroller("erin"), canary=["carl"]).planned()
    foreseen = [previewed(world, "carl"), previewed(world, "erin")]
    world.notify()
    world.notify()
    assert foreseen == world.notifier.sent


def test_the_users_of_one_person_in_one_wave_are_in_one_message():
    ana = {"email": "Ana@example.com"}
    world = World(
        a_cli_user("ana", tags=ana),
        an_enroller("ana-dev", account_id=OTHER, tags={"email": "ana@example.com"}),
    ).planned()
    lines = previewed(world, "ana").lines
    assert {("ana", Impact.CLI), ("ana-dev", Impact.ENROL)} == {
        (line.user.name, line.impact) for line in lines
    }


def test_the_day_that_was_told_stays():
    world = World(a_cli_user("carl")).notified().days_pass(5)
    assert datetime(2026, 12, 8, 12, tzinfo=UTC) == previewed(world, "carl").lines[0].due


def test_who_would_get_no_message_is_told_why():
    world = World(a_person("alice"), a_cli_user("robot", password=False, mfa=None))
    world.plan()
    with pytest.raises(EmptySelection, match="nothing changes for them"):
        previewed(world, "alice")
    assert "alice@example.com" == previewed(world, "alice", unaffected_too=True).address
    with pytest.raises(EmptySelection, match=r"the verdict is hold \(machine\)"):
        previewed(world, "robot")


def test_a_user_may_be_named_by_id_and_nobody_else_is_found():
    world = World(a_cli_user("carl")).planned()
    by_id = preview(
        world.plans.kept[-1], world.done, rules(world), world.clock.now(), world.person("carl").id
    )
    assert previewed(world, "carl") == by_id
    with pytest.raises(EmptySelection, match="plan k3f9 has no user") as refusal:
        preview(world.plans.kept[-1], world.done, rules(world), world.clock.now(), an_id("nobody"))
    assert 2 == refusal.value.exit_code
