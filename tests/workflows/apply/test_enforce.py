"""`apply --stage enforce`: policy, group, members, for whoever is told and ripe.

See design.md#policy-documents, design.md#stages-and-gates, design.md#apply-journal-store.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.domain.iam import equal_documents
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
)
from rollout.domain.progress.records import Intent, RunEnded, RunStarted, UserSkipped
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, GROUP, POLICY, a_key, a_ref
from tests.workflows.world import (
    BRAKE,
    FULL,
    World,
    a_cli_user,
    a_group,
    a_person,
    an_enroller,
    placements,
)

OTHER = "222233334444"


def test_who_was_told_is_enforced_when_the_day_has_come():
    world = World(a_cli_user("carl"), an_enroller("erin")).ripe()
    answer = world.enforce()
    assert {"carl", "erin"} == world.enforced
    assert 2 == answer.tally["enforced"]
    assert (Stage.ENFORCE, "rest") in world.done.carried


@pytest.mark.parametrize("days", [0, 1, 14, 14.12])
def test_nobody_is_enforced_before_the_day_told(days):
    world = World(a_cli_user("carl")).notified().days_pass(days)
    answer = world.enforce()
    assert {"waiting": 1} == answer.tally.counts
    assert [] == world.attempted
    (passed,) = world.records(UserSkipped)
    assert "told for 2026-12-08 12:00 UTC" == passed.detail


def test_the_day_itself_is_not_enough_while_the_lead_time_runs():
    """The date told is a day, the lead time ends at an hour: the later of the two counts."""
    world = World(a_cli_user("carl"))
    world.clock.advance(timedelta(hours=9))
    world.notified().days_pass(14 - 1 / 24)
    world.enforce()
    (passed,) = world.records(UserSkipped)
    assert "told for 2026-12-08 12:00 UTC; ready from 2026-12-08 18:00 UTC" == passed.detail
    world.days_pass(1 / 24).enforce()
    assert {"carl"} == world.enforced


def test_the_date_told_counts_also_when_a_gate_is_overridden():
    """An override opens a gate for the wave; what a person was told still holds."""
    world = World(a_cli_user("carl"), a_cli_user("zed"), canary=["carl"]).notified()
    world.days_pass(15).enforce()
    answer = world.enforce(wave="rest", overrides={"soak": "incident 7"})
    assert {"waiting": 1} == answer.tally.counts
    assert "told for 2026-12-11 12:00 UTC" == world.records(UserSkipped)[-1].detail
    assert {"carl"} == world.enforced


def test_who_was_never_told_is_passed_over_and_the_others_go():
    world = World(a_cli_user("carl"), a_person("alice")).planned()
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert 1 == answer.tally["notice"]
    assert "not told yet: apply --stage notify first" == world.records(UserSkipped)[-1].detail


def test_who_waits_is_passed_over_and_the_others_go():
    world = World(a_cli_user("carl"), a_cli_user("ana")).planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    world.notify()
    world.notifier.failing = frozenset()
    world.days_pass(7).notify()
    world.days_pass(8)
    answer = world.enforce()
    assert {"ana"} == world.enforced
    assert (1, 1) == (answer.tally["enforced"], answer.tally["waiting"])


def test_unaffected_users_need_no_notice():
    world = World(a_person("alice"), a_person("nokeys", keys=(a_key(active=False),))).planned()
    world.enforce()
    assert {"alice", "nokeys"} == world.enforced
    assert [] == world.notifier.sent


def test_a_wave_of_which_nobody_could_be_told_is_not_carried():
    """It would start the soak, and the next wave would follow one in which nobody was ever enforced."""
    world = World(a_cli_user("carl"), a_person("bob"), canary=["carl"]).planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    world.notify()
    world.notify(wave="canary", overrides={})
    world.days_pass(30)
    world.enforce()
    world.days_pass(4)
    assert ("canary",) == world.enforce().waves
    assert set() == world.enforced


def test_a_wave_in_which_one_mailbox_is_closed_is_carried_with_the_others():
    world = World(a_cli_user("carl"), a_cli_user("ana"), a_person("bob"), canary=["carl", "ana"]).planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    world.notify()
    world.days_pass(15).enforce()
    world.days_pass(3).enforce()
    assert {"ana", "bob"} == world.enforced


# --- In which order, and with what ---


def test_the_policy_comes_first_then_the_group_then_the_members():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.enforce()
    assert [CreatePolicy, CreateVersion, CreateGroup, AttachToGroup, AddMember, AddMember] == [
        type(change) for change in world.written
    ]
    assert ["alice", "bob"] == placements(world.written)


def test_the_policy_is_made_in_two_versions_the_brake_first():
    world = World(a_person("alice")).planned()
    world.enforce()
    full, brake = world.account.facts.policies[POLICY].versions
    assert ("v1", False) == (brake.id, brake.is_default)
    assert ("v2", True) == (full.id, full.is_default)
    assert equal_documents(brake.document, BRAKE)
    assert equal_documents(full.document, FULL)


def test_nobody_hangs_on_the_policy_before_it_is_finished():
    """A run that dies half-way leaves a policy that reaches nobody."""
    world = World(a_person("alice")).planned()
    world.enforce()
    (version,) = (change for change in world.written if isinstance(change, CreateVersion))
    assert () == version.attached


def test_what_is_made_says_whose_it_is():
    world = World(a_person("alice")).planned()
    world.enforce()
    (policy,) = (change for change in world.written if isinstance(change, CreatePolicy))
    assert {
        "rollout:tool": "rollout",
        "rollout:version": "1.0.0",
        "rollout:plan": "k3f9",
        "rollout:run": "run-2",
    } == policy.tags
    assert ("/rollout/", "/rollout/") == (policy.path, world.account.facts.groups[GROUP].path)


def test_a_second_run_changes_nothing_and_writes_nothing():
    world = World(a_cli_user("carl"), an_enroller("erin"), a_person("bob", account_id=OTHER)).ripe()
    world.enforce()
    state, attempted, kept = world.state, len(world.attempted), len(world.journal.kept)
    answer = world.enforce()
    assert state == world.state
    assert attempted == len(world.attempted)
    assert {"already enforced": 3} == answer.tally.counts
    added = world.journal.kept[kept:]
    assert {"RunStarted", "GateRead", "RunEnded"} == {type(record).__name__ for record in added}


def test_writes_are_few():
    """At most one a user and ten an account (issue 5)."""
    users = [a_person(f"user-{number}") for number in range(12)]
    world = World(*users).planned()
    world.enforce()
    assert len(users) + 4 == len(world.attempted)


def test_an_account_is_read_once_and_looked_at_again_at_the_end():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.asked.clear()
    world.enforce()
    asked = ["read", "credentials_now", "credentials_now", "members", "holds", "holds"]
    assert asked == world.account.asked, "the members, the version in force, and its place on the group"


def test_every_write_has_an_intent_and_an_outcome_with_its_request_id():
    world = World(a_person("alice")).planned()
    world.enforce()
    done = world.done
    assert list(world.written) == [change.intent.change for change in done.changes]
    assert [Applied(f"fake-{ACCOUNT}-{number}") for number in range(1, 6)] == [
        change.outcome for change in done.changes
    ]
    assert {("absent", "rest")} == {(change.intent.before, change.intent.wave) for change in done.changes}


def test_the_intent_is_on_record_before_the_write():
    world = World(a_person("alice")).planned()
    seen = []

    def look_into_the_journal(change):
        seen.append(change == world.records(Intent)[-1].change)

    world.account.before_write = look_into_the_journal
    world.enforce()
    assert [True] * 5 == seen


# --- Where the policy hangs ---


def test_who_has_ten_groups_carries_the_policy_directly():
    groups = tuple(f"team-{number}" for number in range(10))
    world = World(
        a_person("full", groups=groups),
        a_person("alice"),
        facts={ACCOUNT: {"groups": [a_group(name) for name in groups]}},
    ).planned()
    world.enforce()
    assert (POLICY,) == world.person("full").attached
    assert groups == world.person("full").groups
    assert (GROUP,) == world.person("alice").groups
    assert {"already enforced": 2} == world.enforce().tally.counts


def test_where_all_carry_the_policy_directly_no_group_is_made():
    world = World(a_person("alice"), a_person("bob"), attach=Attachment.USER).planned()
    world.enforce()
    assert [CreatePolicy, CreateVersion, AttachToUser, AttachToUser] == [
        type(change) for change in world.written
    ]
    assert {"alice", "bob"} == world.enforced
    assert {} == world.account.facts.groups


def test_who_hangs_on_the_policy_by_somebody_elses_hand_is_noted_as_found():
    """It was there before us, so it is never ours to undo."""
    world = World(a_person("alice"), a_person("bob"), canary=["alice"]).planned()
    world.enforce()
    world.change("bob", attached=(POLICY,))
    world.days_pass(3).enforce()
    found = world.done.changes[-1]
    assert ("present", AlreadyInPlace()) == (found.intent.before, found.outcome)
    assert AttachToUser(ACCOUNT, a_ref("bob"), POLICY) == found.intent.change
    assert ["alice"] == placements(world.written)
    world.enforce()
    assert found == world.done.changes[-1]


def test_accounts_do_not_share_anything():
    world = World(a_person("alice"), a_person("bob", account_id=OTHER)).planned()
    world.enforce()
    assert 5 == len(world.accounts[ACCOUNT].written)
    assert 5 == len(world.accounts[OTHER].written)
    assert all(change.account_id == OTHER for change in world.accounts[OTHER].written)


def test_an_enforced_user_keeps_the_right_to_enrol():
    world = World(an_enroller("erin")).ripe()
    world.enforce()
    assert ("ForceMFAEnrolment", "ForceMFA") == world.person("erin").groups


def test_the_run_is_on_record_with_who_and_what():
    world = World(a_person("alice")).planned()
    world.enforce()
    started = world.records(RunStarted)[-1]
    plan = world.plans.kept[-1].header
    assert (plan.id, plan.checksum, Stage.ENFORCE) == (started.plan_id, started.plan_checksum, started.stage)
    assert ("done", {"writes": 5, "enforced": 1}) == (
        world.records(RunEnded)[-1].ending,
        world.records(RunEnded)[-1].counts,
    )
