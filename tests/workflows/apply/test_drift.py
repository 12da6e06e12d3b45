"""What has changed since the plan is found by a live look, and never enforced blindly (design.md#plan-file)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.domain.people.users import NamedPolicy, Unread
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.workflows.ports import PolicyLevels
from tests.builders import GROUP, a_key, a_user, an_exemption, an_id
from tests.workflows.world import ADMIN, World, a_cli_user, a_person, an_enroller, placements

FORCES_MFA = NamedPolicy(
    "TheirMfaPolicy",
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "NotAction": [
                    "iam:CreateVirtualMFADevice",
                    "iam:EnableMFADevice",
                    "iam:GetUser",
                    "iam:ListMFADevices",
                    "iam:ListVirtualMFADevices",
                    "iam:ResyncMFADevice",
                    "sts:GetSessionToken",
                ],
                "Resource": "*",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            },
        ],
    },
)


def test_who_became_a_machine_is_left_alone_and_the_difference_is_shown():
    world = World(a_cli_user("carl"), a_person("alice")).ripe()
    world.change("carl", password=None, devices=(), mfa_active=False)
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert 1 == answer.tally["drift"]
    (passed,) = world.records(UserSkipped)
    assert "was enforce (has-mfa, keys-in-use), is hold: machine: no console password" in passed.detail


def test_who_lost_their_device_is_told_again_first():
    """The report may be four hours old; the live look finds it."""
    world = World(a_person("alice", inline=(ADMIN,))).planned()
    world.change("alice", devices=(), mfa_active=False)
    answer = world.enforce()
    assert {"notice": 1} == answer.tally.counts
    assert set() == world.enforced


def test_a_new_password_that_must_be_changed_holds_the_user_back():
    """Found by `GetLoginProfile` right before: under ForceMFA it could not be changed (aws-facts.md#caveats)."""
    world = World(an_enroller("erin"), a_person("alice")).ripe()
    password = world.person("erin").password
    assert password is not None
    world.change("erin", password=replace(password, reset_required=True))
    world.enforce()
    assert {"alice"} == world.enforced
    assert "first-sign-in: a new password must be set" in world.records(UserSkipped)[-1].detail


def test_what_the_live_look_cannot_read_is_unknown_and_never_fine():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.unread_of["alice"] = Unread("devices", "AccessDenied")
    world.enforce()
    assert {"bob"} == world.enforced
    assert "unknown: devices could not be read: AccessDenied" in world.records(UserSkipped)[-1].detail


def test_everybody_who_is_placed_is_asked_live_however_fresh_the_report_is():
    idle = a_person("ida", password=False, keys=1, used_days_ago=200)
    world = World(an_enroller("erin"), a_person("alice"), idle).ripe()
    for name in ("erin", "alice", "ida"):
        world.change(name, facts_at=world.clock.now())
    world.account.asked.clear()
    world.enforce()
    assert 3 == world.account.asked.count("credentials_now")
    assert {"erin", "alice", "ida"} == world.enforced


def test_a_report_from_before_the_run_is_never_trusted():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.asked.clear()
    world.enforce()
    assert 2 == world.account.asked.count("credentials_now")


def test_who_is_exempt_in_todays_settings_is_left_alone():
    """A live exemption always wins, also one that the plan does not know."""
    world = World(a_person("alice"), a_person("bob")).planned()
    world.exempt(an_exemption(world.person("alice").arn))
    answer = world.enforce()
    assert {"bob"} == world.enforced
    assert 1 == answer.tally["exempt"]
    assert "until role-based backup ships" in world.records(UserSkipped)[-1].detail


def test_who_is_covered_by_others_now_is_left_alone():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.change("alice", inline=(FORCES_MFA,))
    world.enforce()
    assert {"bob"} == world.enforced
    assert "is covered: other-deny" in world.records(UserSkipped)[-1].detail


def test_a_changed_user_of_the_same_verdict_goes_on():
    world = World(a_person("alice")).planned()
    world.change("alice", keys=(a_key(active=False),), tags={"email": "new@example.com"})
    world.enforce()
    assert {"alice"} == world.enforced


def test_a_deleted_user_is_gone_and_no_failure():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.remove("alice")
    answer = world.enforce()
    assert (1, False) == (answer.tally["gone"], answer.in_part)
    assert ("gone", "deleted") == (world.records(UserSkipped)[-1].code, world.records(UserSkipped)[-1].detail)
    assert (Stage.ENFORCE, "rest") in world.done.carried
    assert {"bob"} == world.enforced


@pytest.mark.parametrize("stage", [Stage.NOTIFY, Stage.ENFORCE])
def test_a_name_that_belongs_to_somebody_else_now_is_never_touched(stage):
    world = World(a_cli_user("carl")).ripe()
    world.account.put(a_user("carl", id=an_id("somebody", "else"), tags={"email": "other@example.com"}))
    world.apply(stage)
    assert [] == placements(world.attempted)
    assert "the name belongs to another user now" == world.records(UserSkipped)[-1].detail
    assert "other@example.com" not in world.told


def test_a_renamed_user_is_still_the_same_user():
    """The UserId decides, and the write is made by the name of today."""
    world = World(a_person("alice")).planned()
    user = world.person("alice")
    world.account.remove("alice")
    world.account.put(replace(user, name="alice.b", arn=user.arn.replace("alice", "alice.b")))
    world.enforce()
    assert {"alice.b"} == world.enforced
    assert ["alice.b"] == placements(world.written)


def test_who_was_deleted_between_the_reading_and_the_live_look_is_gone():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.after_read = lambda: world.account.remove("alice")
    answer = world.enforce()
    assert (1, 1, False) == (answer.tally["gone"], answer.tally["enforced"], answer.in_part)


def test_a_user_who_is_not_in_the_plan_is_not_touched():
    """A new user waits for the next plan, whatever their group memberships say."""
    world = World(a_person("alice")).planned()
    world.account.put(a_person("newcomer"))
    world.enforce()
    assert {"alice"} == world.enforced


def test_a_membership_that_somebody_removed_by_hand_is_a_release():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.enforce()
    world.change("alice", groups=())
    writes = len(world.attempted)
    answer = world.enforce()
    assert {"bob"} == world.enforced
    assert writes == len(world.attempted)
    assert (1, 1) == (answer.tally["released"], answer.tally["already enforced"])
    assert not answer.in_part


def test_who_was_put_back_by_hand_is_enforced_and_no_longer_a_release():
    world = World(a_person("alice")).planned()
    world.enforce()
    world.change("alice", groups=())
    world.enforce()
    world.change("alice", groups=(GROUP,))
    assert {"already enforced": 1} == world.enforce().tally.counts


def test_service_control_policies_that_cannot_be_read_hold_everybody_back():
    world = World(a_person("alice")).planned()
    world.levels = Unread("service control policies", "AccessDenied")
    world.enforce()
    assert set() == world.enforced
    assert "unknown: service control policies could not be read" in world.records(UserSkipped)[-1].detail


def test_an_account_missing_from_the_service_control_policies_is_unknown_not_free():
    world = World(a_person("alice"), a_person("bob", account_id="222233334444")).planned()
    world.levels = PolicyLevels({"222233334444": ()})
    world.enforce()
    assert {"bob"} == world.enforced


def test_a_password_made_since_the_report_is_seen():
    """The report says "no password": the live look finds one that has to be changed first."""
    ghost = a_person("ghost", keys=1, reset_required=True, signed_in_days_ago=None)
    world = World(ghost, a_person("alice"))
    world.account.report = lambda user: replace(user, password=None) if user.name == "ghost" else user
    world.ripe()
    world.enforce()
    assert {"alice"} == world.enforced
    assert "first-sign-in" in world.records(UserSkipped)[-1].detail
