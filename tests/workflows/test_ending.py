"""Ending releases: everybody is judged again, who is fit comes back, and nobody is locked out by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import AddMember, RemoveMember, SetDefaultVersion
from rollout.domain.progress.records import GateRead, Intent, ReleaseEnded, RunEnded, RunStarted
from rollout.errors import LockHeld
from rollout.workflows.ports import CannotEnter
from tests.builders import ACCOUNT, GROUP, POLICY, a_ref, an_exemption
from tests.fakes import Trouble
from tests.workflows.adopted import SUBSTITUTE, adopted
from tests.workflows.operator import Operator
from tests.workflows.test_release import OTHER, a_world, carried, kinds
from tests.workflows.world import World, a_cli_user, a_person

EVERYBODY = {"alice", "bob", "olga"}


def released(world: World | None = None, *, how: str = "all") -> tuple[World, Operator]:
    """A world in which a release lasts, its writes forgotten."""
    world = world or a_world()
    operator = Operator(world)
    whom = operator.everybody() if how == "all" else operator.users(how)
    operator.release(whom)
    for account in world.accounts.values():
        account.written.clear()
        account.attempted.clear()
        account.asked.clear()
    return world, operator


def trap(world: World, name: str) -> None:
    """Let an administrator reset the password of somebody who has no device any more."""
    password = world.person(name).password
    assert password is not None
    world.change(name, mfa_active=False, devices=(), password=replace(password, reset_required=True))


def test_the_full_version_is_put_in_force_again_over_nobody_and_then_everybody_is_put_back():
    world, operator = released()
    assert set() == world.enforced
    result = operator.end(operator.accounts(OTHER))
    assert {"olga"} == world.enforced
    assert ["RemoveMember", "SetDefaultVersion", "AddMember"] == kinds(world.written)
    assert 3 == result.writes
    assert not result.in_part
    assert {ACCOUNT} == set(world.done.releases.braked)


def test_the_write_names_everybody_who_was_attached():
    world, operator = released()
    operator.end(operator.accounts(ACCOUNT))
    assert SetDefaultVersion(ACCOUNT, POLICY, "v2", ("alice", "bob")) in world.accounts[ACCOUNT].written


def test_a_user_is_put_back_into_their_wave():
    world, operator = released(how="bob")
    operator.end(operator.users("bob"))
    assert EVERYBODY == world.enforced
    assert [AddMember(ACCOUNT, GROUP, a_ref("bob"))] == world.written
    assert "rest" == world.done.placed[a_ref("bob").id].wave


def test_a_wave_is_put_back():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.wave("rest"))
    assert {"alice"} == world.enforced
    operator.end(operator.wave("rest"))
    assert EVERYBODY == world.enforced


def test_who_was_attached_directly_is_attached_again():
    world, operator = released(carried(World(a_person("alice"), attach=Attachment.USER)), how="alice")
    operator.end(operator.users("alice"))
    assert ["AttachToUser"] == kinds(world.written)
    assert {"alice"} == world.enforced


def test_who_was_taken_out_by_hand_comes_back_too():
    world = a_world()
    operator = Operator(world)
    world.accounts[ACCOUNT].make(RemoveMember(ACCOUNT, GROUP, a_ref("bob")))
    operator.apply()
    assert {"alice", "olga"} == world.enforced
    operator.end(operator.users("bob"))
    assert EVERYBODY == world.enforced


def test_a_brake_pulled_by_hand_is_let_go():
    world = a_world()
    operator = Operator(world)
    world.accounts[ACCOUNT].make(SetDefaultVersion(ACCOUNT, POLICY, "v1"))
    operator.end(operator.accounts(ACCOUNT))
    assert EVERYBODY == world.enforced


def test_apply_goes_on_as_before():
    world, operator = released()
    operator.end(operator.everybody())
    assert 0 == operator.apply().tally["writes"]
    assert EVERYBODY == world.enforced


def test_a_notice_from_before_a_release_is_enough():
    world, operator = released(carried(World(a_cli_user("carl"))), how="carl")
    operator.end(operator.users("carl"))
    assert {"carl"} == world.enforced


def test_where_an_earlier_version_adopted_a_policy_ours_is_attached_at_the_end():
    world = adopted(World(a_person("alice")).planned())
    operator = Operator(world)
    operator.release(operator.everybody())
    world.account.written.clear()
    assert set() == world.enforced
    assert not operator.end(operator.everybody()).in_part
    assert ["RemoveMember", "CreatePolicy", "CreateVersion", "AttachToGroup", "AddMember"] == kinds(
        world.written
    )
    assert {"alice"} == world.enforced
    assert (SUBSTITUTE,) == world.account.facts.groups[GROUP].attached
    assert operator.verify().clean


def test_apply_attaches_ours_too_once_the_release_has_run_out():
    world = adopted(World(a_person("alice")).planned())
    operator = Operator(world)
    operator.release(operator.everybody(), hours=4)
    world.days_pass(0.1)
    operator.apply()
    assert set() == world.enforced
    world.days_pass(1)
    operator.apply()
    assert {"alice"} == world.enforced
    assert (SUBSTITUTE,) == world.account.facts.groups[GROUP].attached


# --- Whom it does not put back ---


def test_a_brake_of_which_the_journal_knows_nothing_is_left_pulled():
    """Another store was used, or the journal was lost: nobody knows who was told."""
    world, operator = released()
    world.journal.kept.clear()
    result = operator.end(operator.everybody())
    assert set() == world.enforced
    assert "was made by plan k3f9 from another store" in result.accounts[0].left[0].why


def test_of_an_account_in_which_somebody_would_be_trapped_the_others_come_back():
    world, operator = released()
    trap(world, "bob")
    result = operator.end(operator.everybody())
    assert {"alice", "olga"} == world.enforced
    assert result.in_part
    (stays,) = result.accounts[0].left
    assert world.person("bob").arn == stays.what
    assert "in part" == world.records(RunEnded)[-1].ending


def test_whoever_would_have_been_trapped_comes_back_later_when_they_can():
    world, operator = released()
    before = world.person("bob")
    trap(world, "bob")
    operator.end(operator.accounts(ACCOUNT))
    assert {"alice"} == world.enforced
    world.change("bob", mfa_active=True, devices=before.devices, password=before.password)
    operator.apply()
    assert {"alice", "bob"} == world.enforced


def test_a_user_who_would_be_trapped_stays_out_with_the_reason():
    world, operator = released(how="bob")
    trap(world, "bob")
    result = operator.end(operator.users("bob"))
    assert [] == world.written
    (stays,) = result.accounts[0].left
    assert world.person("bob").arn == stays.what
    assert stays.why.startswith("is hold now: first-sign-in")


def test_credentials_are_asked_live_of_whom_enforcing_could_trap():
    """The report of four hours ago knows nothing of the reset."""
    world, operator = released(carried(World(a_person("alice", mfa=None, inline=()))), how="alice")
    operator.end(operator.users("alice"))
    assert "credentials_now" in world.account.asked


def test_who_is_exempt_now_stays_out():
    world, operator = released(how="bob")
    world.exempt(an_exemption(world.person("bob").arn))
    result = operator.end(operator.users("bob"))
    assert {"alice", "olga"} == world.enforced
    assert result.accounts[0].left[0].why.startswith("is exempt now")


def test_the_end_for_a_user_leaves_the_brake_of_the_account():
    """The brake is one for all: bob comes back with the account."""
    world, operator = released()
    operator.release(operator.users("bob"))
    operator.end(operator.users("bob"))
    assert ["RemoveMember"] == kinds(world.written)
    operator.end(operator.accounts(ACCOUNT))
    assert {"alice", "bob"} == world.enforced


def test_the_end_for_one_account_leaves_the_others():
    world, operator = released()
    operator.end(operator.accounts(OTHER))
    assert {"olga"} == world.enforced
    operator.apply()
    assert {"olga"} == world.enforced


def test_who_is_still_let_out_with_others_stays_out():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.wave("rest"))
    operator.end(operator.users("bob"))
    assert {"alice", "bob"} == world.enforced
    operator.release(operator.users("bob"), hours=1)
    operator.end(operator.users("olga"))
    assert {"alice", "olga"} == world.enforced


def test_a_member_added_by_hand_keeps_the_account_let_out():
    world, operator = released()
    world.accounts[ACCOUNT].put(a_person("mallory", groups=(GROUP,), tags={}, mfa=None))
    operator.end(operator.accounts(ACCOUNT))
    assert set() == world.enforced


# --- How it is carried ---


def test_it_holds_the_lock():
    world, operator = released()
    world.lock.holder = "ana on laptop"
    with pytest.raises(LockHeld):
        operator.end(operator.everybody())
    assert [] == world.attempted


def test_it_stops_when_somebody_takes_the_lock():
    world, operator = released()

    def taken_over() -> bool:
        world.lock.holder = "ana on laptop"
        return False

    world.stopping = taken_over
    with pytest.raises(LockHeld, match="lost its lock"):
        operator.end(operator.everybody())
    with pytest.raises(LockHeld):
        operator.fix()
    assert [] == world.attempted


def test_it_is_on_record_and_running_applies_see_it():
    world, operator = released()
    at = len(world.journal.kept)
    operator.end(operator.accounts(OTHER))
    news = [record for record in world.journal.kept[at:] if not isinstance(record, GateRead)]
    started, word, intent = news[:3]
    assert isinstance(started, RunStarted)
    assert "release --end" == started.command
    assert isinstance(word, ReleaseEnded)
    assert isinstance(intent, Intent)
    assert word == operator.marker.kept[-1]


def test_one_account_that_cannot_be_entered_stops_no_other():
    world, operator = released()
    world.closed[ACCOUNT] = CannotEnter("AccessDenied for roles X", "create one")
    result = operator.end(operator.everybody())
    assert {"olga"} == world.enforced
    assert result.in_part


def test_a_refused_write_is_told_and_a_second_run_makes_it_good():
    world, operator = released()
    world.accounts[OTHER].fail(Trouble.REFUSED)
    assert operator.end(operator.everybody()).in_part
    assert {"alice", "bob"} == world.enforced
    assert not operator.end(operator.everybody()).in_part
    assert EVERYBODY == world.enforced


def test_it_stops_when_asked_to():
    world, operator = released()
    world.stopping = lambda: True
    result = operator.end(operator.everybody())
    assert result.interrupted
    assert set() == world.enforced
    assert "interrupted" == world.records(RunEnded)[-1].ending


def test_a_rehearsed_end_writes_nothing():
    world, operator = released()
    assert 8 == operator.rehearse_end(operator.everybody()).writes
    assert set() == world.enforced
    assert [] == world.attempted
    operator.apply()
    assert set() == world.enforced


def test_what_a_run_that_died_left_open_is_settled_first():
    """The release was made and never confirmed: it is seen, and ended."""
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT))
    world.journal.kept = world.journal.kept[:-2]  # its outcome and its end were never written
    assert 1 == len(world.done.open)
    operator.end(operator.accounts(ACCOUNT))
    assert EVERYBODY == world.enforced
    assert 0 == len(world.done.open)


def test_a_full_version_that_somebody_deleted_is_made_again():
    world, operator = released()
    account = world.accounts[ACCOUNT]
    policy: Any = account.facts.policies[POLICY]
    kept = tuple(version for version in policy.versions if version.is_default)
    account.facts = replace(
        account.facts, policies={**account.facts.policies, POLICY: replace(policy, versions=kept)}
    )
    operator.end(operator.accounts(ACCOUNT))
    assert ["RemoveMember"] * 2 + ["CreateVersion"] + ["AddMember"] * 2 == kinds(account.written)
    assert {"alice", "bob"} == world.enforced
