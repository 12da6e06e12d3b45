"""Looking again: each kind of drift with its cause and cure, and what `--fix` may put right by itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.drift import Drift, Drifted
from rollout.domain.people.users import Credential, NamedPolicy, User
from rollout.domain.policy.changes import (
    AddMember,
    Change,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.progress.records import (
    Deadlocked,
    Enforcement,
    EnforcementSeen,
    RunEnded,
    RunStarted,
)
from rollout.domain.progress.release_state import describe_release
from rollout.errors import LockHeld, PlanRefused, Unwritable
from rollout.workflows.ports import CannotEnter, Refusal
from rollout.workflows.verify import Verified
from tests.builders import ACCOUNT, GROUP, POLICY, a_ref, an_account, an_exemption
from tests.domain.judging import DOCUMENTS, EVERYTHING, a_document, deny
from tests.fakes import FakeAccount, FakeJournal, Trouble
from tests.workflows.operator import Operator
from tests.workflows.test_ending import trap
from tests.workflows.test_release import OTHER, a_world, carried, kinds
from tests.workflows.world import ENROLMENT_GROUP, World, a_cli_user, a_person, an_enroller

EVERYBODY = {"alice", "bob", "olga"}
BOB = a_ref("bob")
WEAK = a_document(deny("*", when={"Bool": {"aws:MultiFactorAuthPresent": "false"}}))


def drift(found: Verified) -> list[Drifted]:
    return [one.kind for one in found.drifts]


def numbers(found: Verified) -> tuple[int, int, int, int]:
    """How many users are placed, enforced in fact, released, and missing."""
    count = found.count
    return count.placed, count.enforced, sum(count.released.values()), count.missing


def only(found: Verified) -> Drift:
    (one,) = found.drifts
    return one


def by_hand(world: World, *changes: Change, account: str = ACCOUNT) -> None:
    """Let somebody else's hand make changes; they are not among the writes of this tool."""
    for change in changes:
        world.accounts[account].make(change)
    world.accounts[account].written.clear()
    world.accounts[account].attempted.clear()


def drifted(*changes: Change) -> tuple[World, Operator]:
    world = a_world()
    by_hand(world, *changes)
    return world, Operator(world)


# --- All as decided ---


def test_right_after_enforcing_nothing_has_drifted():
    world = a_world()
    found = Operator(world).verify()
    assert found.clean
    assert () == found.drifts
    assert (3, 3, 0, 0) == numbers(found)
    assert 2 == found.accounts


def test_looking_writes_neither_to_aws_nor_to_the_journal():
    world = a_world()
    records = len(world.journal.kept)
    Operator(world).verify()
    assert [] == world.attempted
    assert records == len(world.journal.kept)


def test_before_anybody_is_enforced_nothing_has_drifted_either():
    world = World(a_person("alice"), an_enroller("erin")).notified()
    assert () == Operator(world).verify().drifts


def test_what_is_let_out_by_a_release_is_no_drift_and_is_named():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(OTHER), hours=4)
    operator.release(operator.users("bob"))
    found = operator.verify()
    assert () == found.drifts
    assert tuple(describe_release(word) for word in operator.marker.kept) == found.let_out  # type: ignore[arg-type]  # only releases are kept here
    assert (3, 1, 2, 0) == numbers(found)


# --- Drift of accounts ---


def test_a_brake_pulled_by_hand_is_a_release_that_nobody_has_said():
    world, operator = drifted(SetDefaultVersion(ACCOUNT, POLICY, "v1"))
    found = operator.verify()
    assert Drifted.BRAKE_PULLED is only(found).kind
    assert f"rollout release --account {ACCOUNT} --end" == only(found).cure
    assert (3, 1, 2, 0) == numbers(found)
    operator.fix(memberships=True)
    assert {"olga"} == world.enforced


def test_an_edited_document_is_put_back():
    world, operator = drifted(CreateVersion(ACCOUNT, POLICY, WEAK))
    found = operator.verify()
    assert Drifted.DOCUMENT_EDITED is only(found).kind
    assert "rollout verify --fix" == only(found).cure
    assert (3, 1, 0, 2) == numbers(found)
    operator.fix()
    assert SetDefaultVersion(ACCOUNT, POLICY, "v2", ("alice", "bob")) in world.written
    assert ["RemoveMember"] * 2 + ["SetDefaultVersion"] + ["AddMember"] * 2 == kinds(world.written)
    assert operator.verify().clean


def test_an_edited_document_whose_original_is_gone_is_written_anew():
    world, operator = drifted(CreateVersion(ACCOUNT, POLICY, WEAK), DeleteVersion(ACCOUNT, POLICY, "v2"))
    operator.fix()
    assert CreateVersion(ACCOUNT, POLICY, DOCUMENTS.full, ("alice", "bob")) in world.written


def test_a_detached_policy_is_hung_up_again():
    world, operator = drifted(DetachFromGroup(ACCOUNT, GROUP, POLICY))
    found = operator.verify()
    assert [Drifted.POLICY_DETACHED] == drift(found)
    assert "Terraform" in only(found).cause
    operator.fix()
    assert ["RemoveMember"] * 2 + ["AttachToGroup"] + ["AddMember"] * 2 == kinds(world.written)
    assert EVERYBODY == world.enforced


def test_a_deleted_policy_is_made_again():
    world, operator = drifted(
        DetachFromGroup(ACCOUNT, GROUP, POLICY),
        DeleteVersion(ACCOUNT, POLICY, "v1"),
        DeletePolicy(ACCOUNT, POLICY),
    )
    assert Drifted.POLICY_DELETED is only(operator.verify()).kind
    operator.fix()
    assert ["CreatePolicy", "CreateVersion", "AttachToGroup"] == kinds(world.written)[2:-2]
    assert EVERYBODY == world.enforced
    assert operator.verify().clean


def test_a_policy_that_the_journal_does_not_know_is_told_and_left_alone():
    world, operator = drifted(CreateVersion(ACCOUNT, POLICY, WEAK))
    world.journal.kept.clear()
    assert Drifted.UNKNOWN_TO_JOURNAL in drift(operator.verify())
    operator.fix(memberships=True)
    assert [] == world.written


def test_a_new_account_is_not_in_the_plan():
    world = a_world()
    world.listed["555566667777"] = an_account("555566667777", "acquired")
    world.accounts["555566667777"] = FakeAccount(
        world.listed["555566667777"],
        replace(world.account.facts, users=(), groups={}, policies={}),
        world.clock,
    )
    one = only(Operator(world).verify())
    assert (Drifted.NEW_ACCOUNT, "555566667777", "acquired") == (one.kind, one.account_id, one.who)


def test_an_account_that_cannot_be_looked_at_is_no_drift_and_no_peace():
    world = a_world()
    world.closed[OTHER] = CannotEnter("AccessDenied for roles X")
    found = Operator(world).verify()
    assert ((OTHER, "AccessDenied for roles X"),) == found.unreachable
    assert 1 == found.accounts


# --- Drift of people ---


def test_a_removed_membership_comes_back_only_when_asked_for():
    """Whoever took bob out, by hand or by machine, may have had a reason."""
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    found = operator.verify()
    assert (Drifted.MEMBERSHIP_REMOVED, BOB.arn) == (only(found).kind, only(found).who)
    assert "verify --fix memberships" in only(found).cure
    operator.fix()
    assert [] == world.written
    operator.fix(memberships=True)
    assert [AddMember(ACCOUNT, GROUP, BOB)] == world.written
    assert operator.verify().clean


def test_a_deleted_group_comes_back_with_its_members():
    world, operator = drifted(
        RemoveMember(ACCOUNT, GROUP, a_ref("alice")),
        RemoveMember(ACCOUNT, GROUP, BOB),
        DetachFromGroup(ACCOUNT, GROUP, POLICY),
        DeleteGroup(ACCOUNT, GROUP),
    )
    assert [Drifted.MEMBERSHIP_REMOVED] * 2 == drift(operator.verify())
    operator.fix(memberships=True)
    assert ["CreateGroup", "AttachToGroup", "AddMember", "AddMember"] == kinds(world.written)
    assert EVERYBODY == world.enforced


def test_a_release_that_ran_out_is_drift_and_fixed():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("bob"), hours=1)
    operator.release(operator.accounts(OTHER), hours=1)
    world.days_pass(1)
    assert [Drifted.RELEASE_EXPIRED] * 2 == drift(operator.verify())
    operator.fix()
    assert EVERYBODY == world.enforced
    assert operator.verify().clean


def test_a_release_that_lasts_is_left_by_fix():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("bob"), hours=1)
    operator.release(operator.accounts(OTHER))
    operator.fix(memberships=True)
    assert {"alice"} == world.enforced


def test_a_user_who_cannot_get_in_any_more_is_told_with_the_command_that_frees_them():
    world = a_world()
    trap(world, "bob")
    operator = Operator(world)
    one = only(operator.verify())
    assert (Drifted.DEADLOCK, BOB.arn) == (one.kind, one.who)
    assert one.cure.startswith(f'rollout release --user {BOB.arn} --reason "deadlock"')
    operator.release(operator.users(BOB.arn))
    assert Drifted.DEADLOCK not in drift(operator.verify())


def test_the_report_of_four_hours_ago_is_not_believed_about_whom_the_policy_could_trap():
    """An administrator has just reset the password; only GetLoginProfile knows."""
    world = a_world()
    account = world.accounts[ACCOUNT]
    world.change("bob", mfa_active=False, devices=())
    password = world.person("bob").password
    assert password is not None
    reset = replace(world.person("bob"), password=replace(password, reset_required=True))

    def just_reset(user: User, only: Collection[Credential] = ()) -> User:
        return reset if user.name == "bob" else user

    account.credentials_now = just_reset  # type: ignore[method-assign]  # replaced for this test
    assert Drifted.DEADLOCK in drift(Operator(world).verify())


@pytest.mark.parametrize(("asked_with_the_account", "questions"), [(None, 1), (False, 0)])
def test_a_password_that_was_asked_for_with_the_account_is_not_asked_for_again(
    asked_with_the_account: bool | None, questions: int
):
    world = a_world()
    password = world.person("bob").password
    assert password is not None
    password = replace(password, reset_required=asked_with_the_account)
    world.change("bob", mfa_active=False, devices=(), password=password)
    world.clock.advance(timedelta(hours=1))
    account = world.accounts[ACCOUNT]
    account.asked.clear()
    Operator(world).verify()
    assert questions == account.asked.count("password")


def test_who_was_deleted_a_moment_ago_is_no_trouble():
    world = a_world()
    world.change("bob", mfa_active=False, devices=())
    account = world.accounts[ACCOUNT]

    def gone(user: User, only: Collection[Credential] = ()) -> User:
        raise Refusal(f"NoSuchEntity: user {user.name}", gone=True)

    account.credentials_now = gone  # type: ignore[method-assign]  # replaced for this test
    assert Drifted.DEADLOCK not in drift(Operator(world).verify())


def test_a_password_that_expires_within_a_week_is_a_lock_out_to_come():
    world = a_world()
    password = world.person("bob").password
    assert password is not None
    for days, kind in ((6, Drifted.DEADLOCK), (8, Drifted.HELD_BUT_ENFORCED)):
        ends = world.clock.now() + timedelta(days=days)
        world.change("bob", mfa_active=False, devices=(), password=replace(password, next_rotation=ends))
        assert [kind] == drift(Operator(world).verify())


def test_who_has_a_device_is_not_trapped_by_a_new_password():
    world = a_world()
    password = world.person("bob").password
    assert password is not None
    world.change("bob", password=replace(password, reset_required=True))
    assert Drifted.DEADLOCK not in drift(Operator(world).verify())


def test_a_lock_out_is_on_record_once_and_restarts_the_soak():
    world = a_world()
    operator = Operator(world)
    trap(world, "bob")
    operator.verify()
    operator.verify()
    (record,) = world.records(Deadlocked)
    assert ("bob", "rest", False) == (record.user.name, record.wave, record.over)
    assert 1 == len(world.done.failed_users("rest"))
    assert record.at == world.done.releases.disturbed["rest"]
    world.change("bob", password=None)
    operator.verify()
    assert [False, True] == [one.over for one in world.records(Deadlocked)]
    assert 0 == len(world.done.failed_users("rest"))


def test_whom_a_hand_has_taken_out_is_on_record_once_and_so_is_their_return():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    operator.verify()
    operator.verify()
    (seen,) = world.records(EnforcementSeen)
    assert ("bob", "rest", Enforcement.TAKEN_OUT) == (seen.user.name, seen.wave, seen.enforcement)
    by_hand(world, AddMember(ACCOUNT, GROUP, BOB))
    operator.verify()
    operator.verify()
    seen = world.records(EnforcementSeen)[1]
    assert (Enforcement.ENFORCED, "ForceMFA (group ForceMFA)") == (seen.enforcement, seen.by)
    assert 2 == len(world.records(EnforcementSeen))


def test_a_hand_fails_and_shakes_the_wave_as_a_release_does_until_they_are_back():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    operator.verify()
    assert {BOB.id} == world.done.failed_users("rest")
    assert world.clock.now() == world.done.releases.disturbed["rest"]
    operator.fix(memberships=True)
    assert 0 == len(world.done.failed_users("rest"))


def test_who_is_exempt_and_was_taken_out_by_hand_is_nobodys_failure():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    operator.verify()
    world.exempt(an_exemption(BOB.arn))
    operator.verify()
    operator.verify()
    assert 0 == len(world.done.failed_users("rest"))
    assert 2 == len(world.records(EnforcementSeen))


def test_a_brake_that_a_release_pulled_and_a_hand_let_go_lets_nobody_out():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(OTHER))
    by_hand(world, SetDefaultVersion(OTHER, POLICY.replace(ACCOUNT, OTHER), "v2"), account=OTHER)
    operator.verify()
    operator.verify()
    assert [Enforcement.ENFORCED] == [one.enforcement for one in world.records(EnforcementSeen)]
    assert 0 == len(world.done.failed_users("rest"))


def test_who_is_not_in_the_account_any_more_is_enforced_no_more():
    world = a_world()
    world.accounts[ACCOUNT].remove("bob")
    found = Operator(world).verify()
    assert (2, 2, 0, 0) == numbers(found)
    assert [Enforcement.GONE] == [one.enforcement for one in world.records(EnforcementSeen)]


def test_a_journal_that_cannot_be_written_stops_no_look():
    class Full(FakeJournal):
        def append(self, *records: Any) -> None:
            raise Unwritable("no space left on device")

    world = a_world()
    trap(world, "bob")
    found = Operator(world).verify(journal=Full(world.journal.kept))
    assert [Drifted.DEADLOCK] == drift(found)
    assert ["Not journalled: no space left on device"] == world.progress.said[-1:]


def test_who_would_be_held_today_and_is_enforced_is_told_and_nothing_is_done():
    world = a_world()
    world.change("bob", password=None, mfa_active=False, devices=(), keys=world_keys())
    one = only(Operator(world).verify())
    assert Drifted.HELD_BUT_ENFORCED is one.kind
    assert "machine" in one.text
    Operator(world).fix(memberships=True)
    assert [] == world.written


def world_keys() -> Any:
    return a_cli_user("x").keys


def test_who_is_exempt_now_and_enforced_is_told():
    world = a_world()
    world.exempt(an_exemption(BOB.arn))
    assert [Drifted.EXEMPT_BUT_ENFORCED] == drift(Operator(world).verify())


def test_a_member_whom_this_tool_did_not_put_there_is_told():
    world = a_world()
    world.accounts[ACCOUNT].put(a_person("mallory", groups=(GROUP,)))
    found = Operator(world).verify()
    assert [Drifted.FOREIGN_MEMBER, Drifted.NEW_USER] == drift(found)
    assert "mallory" in found.drifts[0].who


def test_a_user_created_since_the_plan_is_told_with_what_they_would_be():
    world = a_world()
    world.accounts[ACCOUNT].put(a_person("nina"))
    one = only(Operator(world).verify())
    assert Drifted.NEW_USER is one.kind
    assert "is enforce (has-mfa)" in one.text
    assert one.cure.startswith("rollout plan")


def test_a_user_who_has_become_another_case_is_told():
    world = World(a_person("alice"), a_person("dora")).notified()
    world.change("dora", password=None, mfa_active=False, devices=(), keys=world_keys())
    one = only(Operator(world).verify())
    assert Drifted.CLASS_CHANGED is one.kind
    assert "was enforce (has-mfa), is hold (machine) now" == one.text


def test_a_worse_impact_is_another_case_too():
    world = World(a_person("alice")).notified()
    world.change("alice", mfa_active=False, devices=())
    assert [Drifted.CLASS_CHANGED] == drift(Operator(world).verify())


def test_an_exemption_that_ran_out_is_told():
    world = World(a_person("alice"), exemptions=(an_exemption(a_ref("alice").arn, days=3),)).planned()
    operator = Operator(world)
    assert operator.verify().clean
    world.days_pass(5)
    one = only(operator.verify())
    assert Drifted.EXEMPTION_EXPIRED is one.kind
    assert one.text.startswith("the exemption ended on 2026-11-27")


def test_a_renewed_exemption_is_no_drift():
    world = World(a_person("alice"), exemptions=(an_exemption(a_ref("alice").arn, days=3),)).planned()
    world.days_pass(5)
    world.exempt(an_exemption(a_ref("alice").arn, days=30))
    assert Operator(world).verify().clean


def test_membership_alone_is_not_believed():
    """A boundary of our name, an unreadable document: the evaluator is asked, not the list of groups."""
    world = a_world()
    account = world.accounts[ACCOUNT]
    broken = NamedPolicy("broken", "%7Bno document")
    account.put(replace(world.person("bob"), inline=(broken,)))
    policy: Any = account.facts.policies[POLICY]
    unreadable = tuple(
        replace(version, document="%7B") if version.is_default else version for version in policy.versions
    )
    account.facts = replace(
        account.facts, policies={**account.facts.policies, POLICY: replace(policy, versions=unreadable)}
    )
    found = Operator(world).verify()
    assert (3, 1, 0, 2) == numbers(found)
    assert not found.clean


def test_drift_comes_most_urgent_first():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    world.accounts[OTHER].put(a_person("nina", account_id=OTHER))
    trap(world, "alice")
    found = [Drifted.DEADLOCK, Drifted.MEMBERSHIP_REMOVED, Drifted.NEW_USER]
    assert found == drift(operator.verify())


# --- Putting right ---


@pytest.mark.parametrize(
    "hand",
    [
        (CreateVersion(ACCOUNT, POLICY, WEAK),),
        (DetachFromGroup(ACCOUNT, GROUP, POLICY),),
    ],
)
def test_nothing_is_enforced_that_reaches_somebody_who_is_not_to_be(hand):
    world, operator = drifted(*hand)
    trap(world, "alice")
    result = operator.fix()
    assert {"bob", "olga"} == world.enforced
    (stays,) = result.accounts[0].left
    assert a_ref("alice").arn == stays.what


@pytest.mark.parametrize(
    "hand", [(CreateVersion(ACCOUNT, POLICY, WEAK),), (DetachFromGroup(ACCOUNT, GROUP, POLICY),)]
)
def test_nothing_is_enforced_that_reaches_somebody_whom_this_tool_did_not_put_there(hand):
    world, operator = drifted(*hand)
    world.account.put(a_person("mallory", groups=(GROUP,), tags={}))
    result = operator.fix()
    assert [] == world.written
    assert "the policy would also apply to mallory" in result.accounts[0].failed[0]
    assert result.in_part


def test_a_member_who_would_be_trapped_stays_out():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    trap(world, "bob")
    result = operator.fix(memberships=True)
    assert [] == world.written
    assert [BOB.arn] == [stays.what for stays in result.accounts[0].left]


def test_who_is_not_in_the_plan_is_not_put_back():
    """The newest plan leaves bob out: what it did not decide is not repaired."""
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    world.exempt(an_exemption(BOB.arn, expires=world.clock.now().date() + timedelta(days=1)))
    world.plan("p2p2")
    world.days_pass(3)
    operator.fix(memberships=True)
    assert [] == world.written


def test_enrolment_rights_go_from_those_who_have_enrolled():
    world = carried(World(an_enroller("erin"), an_enroller("emil")))
    assert {"erin", "emil"} == {
        user.name for user in world.account.facts.users if ENROLMENT_GROUP in user.groups
    }
    world.change("erin", mfa_active=True, devices=a_person("erin").devices)
    operator = Operator(world)
    operator.fix()
    assert [RemoveMember(ACCOUNT, ENROLMENT_GROUP, a_ref("erin"))] == world.written
    assert {"erin", "emil"} == world.enforced


def test_enrolment_rights_given_by_hand_stay():
    world = carried(World(an_enroller("erin")))
    world.account.put(a_person("alice", groups=(ENROLMENT_GROUP,)))
    world.account.written.clear()
    Operator(world).fix()
    assert [] == world.written


def test_a_second_fix_writes_nothing():
    world, operator = drifted(CreateVersion(ACCOUNT, POLICY, WEAK), RemoveMember(ACCOUNT, GROUP, BOB))
    operator.fix(memberships=True)
    assert EVERYBODY == world.enforced
    assert 0 == operator.fix(memberships=True).writes


def test_it_is_journalled_under_the_plan():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    operator.fix(memberships=True)
    started = world.records(RunStarted)[-1]
    assert ("verify --fix", "k3f9") == (started.command, started.plan_id)
    assert "done" == world.records(RunEnded)[-1].ending


@pytest.mark.parametrize("what", ["settings", "rules"])
def test_under_other_settings_than_the_plans_nothing_is_put_right(what):
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    if what == "settings":
        world.settings = "sha256:other"
    else:
        world.rules = replace(world.rules, documents=replace(DOCUMENTS, full=EVERYTHING))
    with pytest.raises(PlanRefused, match=r"rollout\.yaml has changed since plan k3f9"):
        operator.fix(memberships=True)
    assert [] == world.attempted


def test_it_holds_the_lock():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    world.lock.holder = "ana on laptop"
    with pytest.raises(LockHeld):
        operator.fix(memberships=True)
    assert [] == world.attempted


def test_a_refused_write_is_told():
    world, operator = drifted(RemoveMember(ACCOUNT, GROUP, BOB))
    world.accounts[ACCOUNT].fail(Trouble.REFUSED)
    result = operator.fix(memberships=True)
    assert result.in_part
    assert ["AddMember: AccessDenied: refused by the test"] == result.accounts[0].failed
