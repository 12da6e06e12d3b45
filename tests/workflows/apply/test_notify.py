"""`apply --stage notify`: enrolment rights where they are needed, and one message a person.

See design.md#policy-documents, design.md#stages-and-gates.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rollout.domain.people.scope import Selection
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.changes import AddMember, AttachToGroup, AttachToUser, CreateGroup, CreatePolicy
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Told, UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Impact
from tests.builders import ACCOUNT, a_device, an_exemption
from tests.fakes import Trouble
from tests.workflows.test_notices import previewed
from tests.workflows.world import (
    ADMIN,
    ENROLMENT_GROUP,
    ENROLMENT_POLICY,
    LEAD_TIME,
    SOAK,
    World,
    a_cli_user,
    a_group,
    a_person,
    an_enroller,
)

OTHER = "222233334444"


# --- Enrolment rights ---


def test_who_cannot_enrol_gets_the_right_to_before_being_told():
    world = World(an_enroller("erin")).planned()
    world.notify()
    kinds = [type(change) for change in world.written]
    assert [CreatePolicy, CreateGroup, AttachToGroup, AddMember] == kinds
    assert {ENROLMENT_POLICY} == set(world.account.facts.policies)
    assert (ENROLMENT_GROUP,) == world.person("erin").groups
    assert set() == world.enforced


def test_who_can_enrol_already_gets_no_rights():
    world = World(an_enroller("erin", helped=False), a_cli_user("carl")).planned()
    world.notify()
    assert [] == world.attempted
    assert {"erin@example.com": ["erin"], "carl@example.com": ["carl"]} == world.told


def test_who_has_ten_groups_gets_the_enrolment_policy_directly():
    groups = tuple(f"team-{number}" for number in range(10))
    world = World(
        an_enroller("erin", groups=groups), facts={ACCOUNT: {"groups": [a_group(name) for name in groups]}}
    ).planned()
    world.notify()
    assert [CreatePolicy, AttachToUser] == [type(change) for change in world.written]
    assert (ENROLMENT_POLICY,) == world.person("erin").attached


def test_a_second_notify_writes_nothing_and_tells_nobody():
    world = World(an_enroller("erin"), a_cli_user("carl")).planned()
    world.notify()
    written, sent = len(world.attempted), len(world.notifier.sent)
    answer = world.notify()
    assert (written, sent) == (len(world.attempted), len(world.notifier.sent))
    assert {"already told": 2} == answer.tally.counts


def test_who_could_not_be_given_the_right_to_enrol_is_not_told():
    """A notice that says "enrol by then" is a trap for somebody who cannot."""
    world = World(an_enroller("erin"), a_cli_user("carl")).planned()
    world.account.fail(Trouble.REFUSED, lambda change: isinstance(change, AddMember))
    answer = world.notify()
    assert {"carl@example.com": ["carl"]} == world.told
    assert answer.in_part
    assert (Stage.NOTIFY, "rest") not in world.done.carried
    world.notify()
    assert ["erin"] == world.told["erin@example.com"]
    assert (Stage.NOTIFY, "rest") in world.done.carried


def test_who_is_enforced_already_gets_no_enrolment_rights():
    world = World(an_enroller("erin", helped=False)).ripe()
    world.enforce()
    world.change("erin", inline=())
    answer = world.notify()
    assert {"already enforced": 1} == answer.tally.counts
    assert () == world.person("erin").attached


# --- Messages ---


def test_a_message_mentions_the_other_users_of_its_reader_with_their_own_times():
    """Those of later waves, who are told in time, and those told before; not who is fine or somebody else's."""
    mine = {"email": "ana@example.com"}
    world = World(
        a_cli_user("ana", tags=mine),
        an_enroller("ana-dev", account_id=OTHER, tags={"email": "Ana@example.com"}),
        a_person("ana-fine", account_id=OTHER, tags=mine),
        a_cli_user("carl"),
        canary=["ana"],
    ).planned()
    foretold = previewed(world, "ana")
    world.notify()
    (first,) = world.notifier.sent
    told = world.clock.now() + LEAD_TIME + timedelta(hours=3)
    assert [("ana", told)] == [(line.user.name, line.due) for line in first.lines]
    assert [("ana-dev", told + SOAK)] == [(line.user.name, line.due) for line in first.others]
    assert (first.lines, first.others) == (foretold.lines, foretold.others)
    assert ["ana"] == [record.user.name for record in world.sent()], "a mention is no notice"

    world.notify()
    second = next(one for one in world.notifier.sent[1:] if one.address.casefold() == "ana@example.com")
    assert [("ana-dev", [("ana", told)])] == [
        (line.user.name, [(other.user.name, other.due) for other in second.others]) for line in second.lines
    ]


def test_a_person_gets_one_message_with_a_line_for_each_user():
    """Also when the users live in different accounts, and whatever the spelling of the address."""
    world = World(
        a_cli_user("ana", tags={"email": "Ana@example.com"}),
        an_enroller("ana-dev", account_id=OTHER, tags={"email": "ana@example.com"}),
    ).planned()
    answer = world.notify()
    (notice,) = world.notifier.sent
    assert [("ana", Impact.CLI), ("ana-dev", Impact.ENROL)] == [
        (line.user.name, line.impact) for line in notice.lines
    ]
    assert ["account-0123", "account-2222"] == [line.account_name for line in notice.lines]
    assert all(line.situation.keys for line in notice.lines if line.impact is Impact.CLI)
    assert (2, 1) == (answer.tally["told"], answer.tally["messages"])


def test_each_line_has_its_own_date():
    """Who goes in a later wave is told the day on which that wave can go at the earliest."""
    world = World(
        a_cli_user("ana"), a_cli_user("ana-dev", account_id=OTHER, tags={"email": "ana@example.com"})
    )
    world.waves = (Wave("canary", users=("ana",)), Wave("rest"))
    world.planned()
    world.notify()
    world.notify()
    assert [
        ("ana", datetime(2026, 12, 8, 12, tzinfo=UTC)),
        ("ana-dev", datetime(2026, 12, 11, 12, tzinfo=UTC)),
    ] == [(line.user.name, line.due) for notice in world.notifier.sent for line in notice.lines]


def test_one_run_for_two_waves_sends_one_message_sorted_by_date():
    """A late joiner of an open wave and a member of the next one may be the same person."""
    world = World(a_cli_user("zed"), a_cli_user("ana-dev"), canary=["zed"]).planned()
    world.notify()
    world.account.put(a_cli_user("ana", tags={"email": "ana-dev@example.com"}))
    world.waves = (Wave("canary", users=("zed", "ana")), Wave("rest"))
    world.plan("p2p2")
    world.rehearse()
    world.notify()
    assert [["zed"], ["ana", "ana-dev"]] == [
        [line.user.name for line in notice.lines] for notice in world.notifier.sent
    ]
    dues = [line.due for line in world.notifier.sent[1].lines]
    assert sorted(dues) == dues


def test_nobody_is_told_a_day_before_the_lead_time():
    world = World(a_cli_user("carl")).planned()
    world.lead_time = timedelta(days=20)
    world.rules = replace(world.rules, lead_time=timedelta(days=20))
    world.notify()
    assert datetime(2026, 12, 14, 12, tzinfo=UTC) == world.notifier.sent[0].lines[0].due


def test_unaffected_users_are_not_told():
    world = World(a_person("alice")).planned()
    assert {"unaffected": 1} == world.notify().tally.counts
    assert [] == world.notifier.sent


def test_unaffected_users_are_told_where_the_operator_wants_it():
    world = World(a_person("alice"), notice_for_unaffected=True).planned()
    world.notify()
    assert {"alice@example.com": ["alice"]} == world.told
    assert {"waiting": 1} == world.enforce().tally.counts
    world.days_pass(15).enforce()
    assert {"alice"} == world.enforced


def test_what_was_told_is_on_record():
    world = World(a_cli_user("carl")).planned()
    world.notify()
    (told,) = world.records(Told)
    assert ("carl", "rest", "carl@example.com", Impact.CLI, datetime(2026, 12, 8, 12, tzinfo=UTC)) == (
        told.user.name,
        told.wave,
        told.address,
        told.impact,
        told.due,
    )
    assert (Delivery.DELIVERED, "message-1") == (told.delivery, told.message_id)


def test_a_message_that_could_not_be_sent_is_sent_again_by_the_next_run():
    world = World(a_cli_user("carl"), a_cli_user("ana")).planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    answer = world.notify()
    assert (1, 1, True) == (answer.tally["told"], answer.tally["not reached"], answer.in_part)
    assert ["550 no such mailbox"] == [
        told.detail for told in world.records(Told) if told.delivery is Delivery.REFUSED
    ]
    world.notifier.failing = frozenset()
    world.days_pass(1).notify()
    assert {"ana@example.com": ["ana"], "carl@example.com": ["carl"]} == world.told


def test_the_date_counts_from_the_notice_that_arrived():
    world = World(a_cli_user("carl"), a_cli_user("ana")).planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    world.notify()
    world.notifier.failing = frozenset()
    world.days_pass(10).notify()
    world.days_pass(5).enforce()
    assert {"ana"} == world.enforced
    world.days_pass(10).enforce()
    assert {"ana", "carl"} == world.enforced


def test_one_closed_mailbox_does_not_keep_the_wave_from_being_told():
    world = World(a_cli_user("carl"), a_cli_user("ana"), a_cli_user("zed"), canary=["carl", "ana"]).planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    world.notify()
    world.notify()
    assert {"ana@example.com", "zed@example.com"} == set(world.told)


def test_a_wave_of_which_nobody_could_be_told_is_not_notified():
    """The mail server is down, say: the next run tries the same wave, and not the next one with it."""
    world = World(a_cli_user("carl"), a_cli_user("zed"), canary=["carl"]).planned()
    world.notifier.failing = frozenset({"carl@example.com", "zed@example.com"})
    world.notify()
    assert (Stage.NOTIFY, "canary") not in world.done.carried
    world.notifier.failing = frozenset()
    assert ("canary",) == world.notify().waves
    assert {"carl@example.com"} == set(world.told)


def test_a_queued_message_is_not_sent_again_and_counts_for_nothing():
    world = World(a_cli_user("carl")).planned()
    world.notifier.delivery = Delivery.QUEUED
    assert {"queued": 1, "messages": 1} == world.notify().tally.counts
    assert {"already told": 1} == world.notify().tally.counts
    answer = world.days_pass(15).enforce()
    assert {"notice": 1} == answer.tally.counts
    (passed,) = world.records(UserSkipped)
    assert "the notice is queued, not known to be delivered" == passed.detail
    assert set() == world.enforced


# --- When a notice no longer counts ---


def test_a_notice_is_void_when_the_impact_has_become_worse():
    """Told about session tokens, but the device is gone since: that is another message."""
    world = World(a_cli_user("carl", inline=(ADMIN,))).notified()
    world.days_pass(15).change("carl", devices=(), mfa_active=False)
    answer = world.enforce()
    assert {"notice": 1} == answer.tally.counts
    assert 'told about "cli", but now it is "enrol"' in world.records(UserSkipped)[-1].detail
    world.notify()
    assert [Impact.CLI, Impact.ENROL] == [told.impact for told in world.records(Told)]
    world.days_pass(15).enforce()
    assert {"carl"} == world.enforced


def test_a_notice_still_counts_when_the_impact_has_become_milder():
    world = World(an_enroller("erin")).notified()
    world.change("erin", devices=(a_device(name="erin"),), mfa_active=True)
    world.days_pass(15).enforce()
    assert {"erin"} == world.enforced


def test_a_notice_is_void_fourteen_days_past_its_date():
    world = World(a_cli_user("carl")).notified()
    world.plan_max_age = timedelta(days=90)
    world.days_pass(14 + 14 + 1)
    assert {"notice": 1} == world.enforce().tally.counts
    world.notify()
    assert {"waiting": 1} == world.enforce().tally.counts
    world.days_pass(15).enforce()
    assert {"carl"} == world.enforced


def test_who_is_enforced_is_never_told_again():
    """However old the notice is by then: "your user will be enforced" would be wrong."""
    world = World(a_cli_user("carl")).ripe()
    world.enforce()
    world.plan_max_age = timedelta(days=90)
    answer = world.days_pass(40).notify()
    assert 1 == len(world.notifier.sent)
    assert {"already enforced": 1} == answer.tally.counts


def test_who_was_let_out_by_hand_is_not_told_again():
    world = World(a_cli_user("carl")).ripe()
    world.enforce()
    world.change("carl", groups=())
    world.plan_max_age = timedelta(days=90)
    answer = world.days_pass(40).notify()
    assert {"released": 1} == answer.tally.counts
    assert 1 == len(world.notifier.sent)


def test_who_is_exempt_today_is_not_told():
    world = World(a_cli_user("carl"), a_cli_user("ana")).planned()
    world.exempt(an_exemption(world.person("carl").arn))
    assert {"exempt": 1, "told": 1, "messages": 1} == world.notify().tally.counts
    assert {"ana@example.com"} == set(world.told)


def test_a_narrowed_notify_tells_only_the_chosen_and_carries_no_wave():
    world = World(a_cli_user("carl"), a_cli_user("ana")).planned()
    world.notify(selection=Selection(users=("carl",)))
    assert {"carl@example.com"} == set(world.told)
    assert (Stage.NOTIFY, "rest") not in world.done.carried


@pytest.mark.parametrize("stage", [Stage.NOTIFY, Stage.ENFORCE])
def test_a_machine_is_never_told_nor_enforced(stage):
    world = World(a_cli_user("carl"), a_person("robot", password=False, mfa=None, keys=1)).planned()
    world.apply(stage)
    world.days_pass(15).enforce()
    assert "robot@example.com" not in world.told
    assert "robot" not in world.enforced
