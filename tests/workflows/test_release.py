"""Letting out: at once, one write, whatever else goes on; and a running apply leaves those alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from rollout.domain.people.organization import AccountState
from rollout.domain.people.scope import Selection
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.brake import Brake
from rollout.domain.policy.changes import (
    AddMember,
    Change,
    CreateVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.policy.our_resources import Names
from rollout.domain.progress.records import AccountFailed, Intent, Released, RunEnded, RunStarted, UserSkipped
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.errors import EmptySelection, OrganizationNotListable, Refused, Unwritable
from rollout.execution.threads import ThreadEngine
from rollout.workflows import release_selection
from rollout.workflows.ports import CannotEnter
from rollout.workflows.release_selection import premises_for_the_brake, unlisted, users_named, wave_named
from rollout.workflows.status import wave_states
from tests.builders import (
    ACCOUNT,
    GROUP,
    ORGANIZATION,
    POLICY,
    a_caller,
    a_change,
    a_ref,
    a_user,
    an_account,
    an_organization,
)
from tests.domain.judging import DOCUMENTS, a_group
from tests.fakes import FakeJournal, FakeOrganization, Trouble
from tests.workflows.adopted import FOREIGN, adopted
from tests.workflows.operator import Operator
from tests.workflows.world import ADMIN, ANYTHING, World, a_cli_user, a_person, placements

OTHER = "222233334444"


def a_world(**more: Any) -> World:
    """Alice of wave canary, bob and, in another account, olga of the rest: all enforced."""
    people = (a_person("alice"), a_person("bob"), a_person("olga", account_id=OTHER))
    return carried(World(*people, canary=["alice"], **more))


def carried(world: World) -> World:
    world.ripe()
    for _ in world.waves:
        world.enforce()
        world.days_pass(4)
    for account in world.accounts.values():
        account.written.clear()
        account.attempted.clear()
        account.asked.clear()
    return world


def kinds(changes: list[Change]) -> list[str]:
    return [type(change).__name__ for change in changes]


# --- The brake ---


def test_all_are_let_out_by_one_write_an_account():
    world = a_world()
    assert {"alice", "bob", "olga"} == world.enforced
    result = Operator(world).release(Operator(world).everybody())
    assert set() == world.enforced
    assert ["SetDefaultVersion"] * 2 == kinds(world.written)
    assert 2 == result.writes
    assert [Brake.OFF, Brake.OFF] == [one.brake_was for one in result.accounts]


def test_an_account_is_let_out_alone():
    world = a_world()
    Operator(world).release(Operator(world).accounts(OTHER))
    assert {"alice", "bob"} == world.enforced


def test_the_brake_needs_no_lock_no_plan_and_no_journal():
    """Only the account's id, and what is at our path by its tags; not even a look at its users."""
    world = a_world()
    world.lock.holder = "somebody else"
    world.journal.kept.clear()
    world.plans.kept.clear()
    Operator(world).release(Operator(world).everybody())
    assert set() == world.enforced
    assert {"policies_at", "policy"} == {
        asked for account in world.accounts.values() for asked in account.asked
    }


def test_a_second_release_writes_nothing():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.everybody())
    assert 0 == operator.release(operator.everybody()).writes


def test_where_nothing_of_ours_stands_nothing_is_written():
    world = World(a_person("alice"))
    result = Operator(world).release(Operator(world).everybody())
    assert [Brake.ABSENT] == [one.brake_was for one in result.accounts]
    assert [] == world.attempted


def test_one_account_that_cannot_be_entered_stops_no_other():
    world = a_world()
    world.closed[ACCOUNT] = CannotEnter("AccessDenied for roles X", "create one")
    result = Operator(world).release(Operator(world).everybody())
    assert {"alice", "bob"} == world.enforced
    assert [["AccessDenied for roles X. create one"], []] == [one.failed for one in result.accounts]
    assert [ACCOUNT] == [failed.account_id for failed in world.records(AccountFailed)]
    assert "in part" == world.records(RunEnded)[-1].ending


def test_a_write_that_is_refused_is_told():
    world = a_world()
    world.accounts[OTHER].fail(Trouble.REFUSED)
    result = Operator(world).release(Operator(world).everybody())
    assert [[], ["SetDefaultVersion: AccessDenied: refused by the test"]] == [
        one.failed for one in result.accounts
    ]


def test_closed_accounts_are_not_entered():
    world = a_world(accounts=[an_account("999900001111", "gone", state=AccountState.CLOSED)])
    _, shares = Operator(world).everybody()
    assert [ACCOUNT, OTHER] == [share.account.id for share in shares]
    with pytest.raises(EmptySelection, match="none of these accounts is active"):
        Operator(world).accounts("999900001111")


def test_a_lost_answer_is_read_and_not_repeated():
    world = a_world()
    world.accounts[OTHER].fail(Trouble.LOST_AFTER)
    operator = Operator(world)
    operator.release(operator.accounts(OTHER))
    assert 1 == len(world.accounts[OTHER].written)
    assert {OTHER} == set(world.done.releases.braked)


def test_a_brake_that_somebody_deleted_is_made_again():
    world = a_world()
    account = world.accounts[ACCOUNT]
    policy = account.facts.policies[POLICY]
    kept = tuple(version for version in policy.versions if version.is_default)
    account.facts = _with_policy(account.facts, policy, kept)
    Operator(world).release(Operator(world).accounts(ACCOUNT))
    assert [CreateVersion(ACCOUNT, POLICY, DOCUMENTS.brake)] == account.written
    assert {"olga"} == world.enforced


def _with_policy(facts: Any, policy: Any, versions: Any) -> Any:
    return replace(facts, policies={**facts.policies, POLICY: replace(policy, versions=versions)})


def test_a_policy_that_an_earlier_version_adopted_is_taken_off_our_group_and_left_as_it_is():
    world = adopted(World(a_person("alice")))
    assert {"alice"} == world.enforced
    Operator(world).release(Operator(world).everybody())
    assert [DetachFromGroup(ACCOUNT, GROUP, FOREIGN.arn)] == world.written
    assert set() == world.enforced
    assert FOREIGN == world.account.facts.policies[FOREIGN.arn]


@pytest.mark.parametrize("by", ["brake", "user"])
def test_off_users_it_is_taken_too(by: str):
    world = adopted(World(a_person("alice")), Attachment.USER)
    operator = Operator(world)
    operator.release(operator.everybody() if by == "brake" else operator.users("alice"))
    assert ["DetachFromUser"] == kinds(world.written)
    assert set() == world.enforced


def test_users_attached_directly_are_under_the_brake_as_well():
    world = carried(World(a_person("alice"), attach=Attachment.USER))
    assert (POLICY,) == world.person("alice").attached
    Operator(world).release(Operator(world).everybody())
    assert ["SetDefaultVersion"] == kinds(world.written)
    assert set() == world.enforced


# --- Users and waves ---


def test_a_user_is_let_out_by_one_write():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("bob"))
    assert {"alice", "olga"} == world.enforced
    assert ["RemoveMember"] == kinds(world.written)


def test_a_user_attached_directly_is_detached():
    world = carried(World(a_person("alice"), attach=Attachment.USER))
    operator = Operator(world)
    operator.release(operator.users("*/alice"))
    assert ["DetachFromUser"] == kinds(world.written)
    assert set() == world.enforced


def test_a_wave_is_let_out_user_by_user():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.wave("rest"))
    assert {"alice"} == world.enforced
    assert ["RemoveMember"] * 2 == kinds(world.written)
    assert {"rest"} == {intent.wave for intent in world.records(Intent)[-2:]}


def test_a_wave_stays_let_out_when_it_is_renamed():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.wave("canary"))
    (record,) = world.records(Released)
    assert ["alice"] == [ref.name for ref in record.release_scope.users]
    world.waves = (Wave("first", users=("alice",)), Wave("rest"))
    world.plan("m2n4")
    world.rehearse()
    operator.apply()
    assert {"bob", "olga"} == world.enforced
    ended = operator.end(operator.wave("canary"))
    assert not ended.in_part
    assert {"alice", "bob", "olga"} == world.enforced


def test_a_release_of_too_many_to_name_goes_by_the_wave(monkeypatch: pytest.MonkeyPatch):
    """A line of the journal that nobody could read again would be worse."""
    monkeypatch.setattr(release_selection, "MOST_NAMED", 1)
    world = a_world()
    operator = Operator(world)
    operator.release(operator.wave("rest"))
    (record,) = world.records(Released)
    assert ReleaseScope(wave="rest") == record.release_scope
    assert {"alice"} == world.enforced
    operator.apply()
    assert {"alice"} == world.enforced
    with pytest.raises(Refused, match="--user matches 3 users; a release names at most 1"):
        operator.users("*")


def test_whom_a_wave_means_is_decided_after_the_question():
    """The prompt stood open while an apply went on."""
    world = World(a_person("alice"), a_person("bob"))
    world.ripe()
    world.enforce()
    operator = Operator(world)
    operator.release(operator.users("bob"), hours=1)
    shown = operator.wave("rest")
    assert ["alice", "bob"] == [ref.name for ref in shown[0].users]
    world.days_pass(1)
    listed = list(world.listed.values())
    operator.apply()
    operator.release_chosen(lambda known: wave_named("rest", known, listed))
    assert set() == world.enforced


def test_who_came_in_while_a_wave_was_let_out_is_let_out_too():
    """What a running apply had in hand when it was told is found when the release looks again."""
    world = World(a_person("alice"), a_person("bob"))
    world.ripe()
    world.enforce(selection=Selection(users=("*/alice",)))
    assert {"alice"} == world.enforced
    listed = list(world.listed.values())
    operator = Operator(world, running="ana on laptop")
    change = AddMember(ACCOUNT, GROUP, world.person("bob").ref)
    apply = world.records(RunStarted)[-1].run

    def in_hand() -> None:
        world.accounts[ACCOUNT].make(change)
        world.journal.append(*a_change(change, run=apply, number=99))

    operator.meanwhile = in_hand
    operator.release_chosen(lambda known: wave_named("rest", known, listed))
    assert set() == world.enforced
    (record,) = world.done.releases.records
    assert ["alice", "bob"] == [ref.name for ref in record.release_scope.users]


def test_who_was_renamed_is_let_out_by_the_name_of_today_and_a_namesake_is_left_alone():
    world = a_world()
    account = world.accounts[ACCOUNT]
    bob = world.person("bob")
    account.remove("bob")
    account.put(replace(bob, name="robert", arn=bob.arn.replace("/bob", "/robert")))
    account.put(a_person("bob", id="AIDAOTHER", groups=(GROUP,)))
    operator = Operator(world)
    operator.release(operator.users("bob"))
    assert [bob.id] == [change.user.id for change in world.written if isinstance(change, RemoveMember)]
    assert ["robert"] == [change.user.name for change in world.written if isinstance(change, RemoveMember)]
    assert (GROUP,) == world.person("bob").groups


def test_each_selector_has_to_match_somebody():
    world = a_world()
    with pytest.raises(EmptySelection, match="no user matches --user \\*/bobb"):
        Operator(world).users("*/alice", "*/bobb")


def test_a_version_of_somebody_else_is_never_put_in_force():
    world = a_world()
    world.accounts[ACCOUNT].make(CreateVersion(ACCOUNT, POLICY, ANYTHING))
    operator = Operator(world)
    world.accounts[ACCOUNT].make(SetDefaultVersion(ACCOUNT, POLICY, "v2"))
    operator.release(operator.accounts(ACCOUNT))
    assert SetDefaultVersion(ACCOUNT, POLICY, "v1") == world.accounts[ACCOUNT].written[-1]


# --- Names that were changed in rollout.yaml after people had come under the policy ---


def renamed(world: World) -> World:
    world.rules = replace(world.rules, names=Names(policy="MustMFA", group="MustMFA"))
    return world


def test_users_a_wave_and_accounts_are_let_out_by_the_names_that_the_journal_knows():
    for whom in (
        lambda operator: operator.users("*"),
        lambda operator: operator.wave("rest"),
        lambda operator: operator.everybody(),
    ):
        world = renamed(carried(World(a_person("alice"), a_person("bob"))))
        operator = Operator(world)
        assert operator.release(whom(operator)).writes
        assert set() == world.enforced


def test_who_carries_the_policy_of_the_former_name_is_let_out_too():
    world = renamed(carried(World(a_person("alice"), attach=Attachment.USER)))
    operator = Operator(world)
    operator.release(operator.users("alice"))
    assert ["DetachFromUser"] == kinds(world.written)


def test_nobody_comes_under_a_new_name_while_people_are_under_the_old_one():
    world = renamed(carried(World(a_person("alice"))))
    planned = world.plans.kept[-1].header.digests.policy
    for refused in (world.plan, lambda: world.enforce(policy=planned)):
        with pytest.raises(Refused, match=r"policy\.group: ForceMFA, policy\.name: ForceMFA") as refusal:
            refused()
        assert "rollout rollback --all" in refusal.value.cure
    Operator(world).roll_back()
    assert set() == world.enforced
    world.planned()


def test_a_glob_takes_whom_the_journal_knows():
    world = a_world()
    assert ["bob", "olga"] == sorted(ref.name for ref in Operator(world).users("*o*")[0].users)


def test_without_a_journal_a_full_arn_is_looked_for_in_its_account():
    world = a_world()
    world.journal.kept.clear()
    operator = Operator(world)
    operator.release(operator.users(world.person("bob").arn))
    assert {"alice", "olga"} == world.enforced


def test_nobody_is_never_everybody():
    operator = Operator(a_world())
    for asking in (
        lambda: operator.users("zoe"),
        lambda: operator.users(f"arn:aws:iam::{ACCOUNT}:user/zoe"),
        lambda: operator.wave("canry"),
        lambda: operator.accounts("prod-*"),
        lambda: operator.accounts(ACCOUNT, "999900001111"),
    ):
        with pytest.raises(EmptySelection):
            asking()


def test_an_arn_in_an_account_that_cannot_be_entered_is_told_so():
    world = a_world()
    world.closed["999900001111"] = CannotEnter("AccessDenied for roles X")
    with pytest.raises(EmptySelection, match="AccessDenied for roles X"):
        Operator(world).users("arn:aws:iam::999900001111:user/zoe")


def test_a_group_of_our_name_that_is_not_ours_loses_nobody():
    world = World(a_user("alice", groups=(GROUP,)), facts={ACCOUNT: {"groups": [a_group(GROUP)]}})
    operator = Operator(world)
    operator.release(operator.users(world.person("alice").arn))
    assert [] == world.attempted


def test_a_deleted_user_needs_no_letting_out():
    world = a_world()
    operator = Operator(world)
    whom = operator.users("bob")
    world.accounts[ACCOUNT].remove("bob")
    assert () == operator.release(whom).failed


# --- On record ---


def test_a_release_is_on_record_before_anything_is_written():
    world = a_world()
    at = len(world.journal.kept)
    operator = Operator(world)
    operator.release(operator.accounts(OTHER), hours=4)
    started, word, intent = world.journal.kept[at : at + 3]
    assert isinstance(started, RunStarted)
    assert ("release", Stage.ENFORCE) == (started.command, started.stage)
    assert isinstance(word, Released)
    assert (ReleaseScope(accounts=(OTHER,)), "INC-7") == (word.release_scope, word.reason)
    assert isinstance(intent, Intent)
    assert [word] == operator.marker.kept


class Broken(FakeJournal):
    """A journal on a full disk."""

    def append(self, *records: Any) -> None:
        raise Unwritable("no space left on device")


def test_a_journal_that_cannot_be_written_stops_no_brake():
    world = a_world()
    operator = Operator(world)

    class Full:
        def add(self, word: Any) -> None:
            raise Unwritable("no space left on device")

        def records(self) -> Any:
            return ()

    operator.release(operator.everybody(), journal=Broken(), marker=Full())
    assert set() == world.enforced
    assert 1 == sum("was not recorded" in line for line in world.progress.said)
    assert any("Stop them by hand" in line for line in world.progress.said)


def test_a_release_that_is_to_end_by_itself_has_to_be_on_record():
    world = a_world()
    operator = Operator(world)
    with pytest.raises(Refused, match="ends only if it is recorded"):
        operator.release(operator.everybody(), hours=4, journal=Broken())
    assert [] == world.attempted


def test_a_rehearsed_release_writes_nothing_and_stops_nobody():
    world = a_world()
    operator = Operator(world)
    result = operator.rehearse_release(operator.everybody())
    assert 2 == result.writes
    assert [] == world.attempted
    assert [] == operator.marker.kept
    assert [] == world.done.releases.records
    assert {"alice", "bob", "olga"} == world.enforced


def test_when_the_organization_cannot_be_listed_accounts_that_are_known_are_enough():
    silent = OrganizationNotListable("it is on fire")
    port = FakeOrganization(silent, a_caller(), silent)
    said: list[str] = []
    known = [unlisted(ACCOUNT, "payments-prod", "Workloads/Prod")]
    where = premises_for_the_brake(port, ORGANIZATION, lambda: known, ORGANIZATION, said.append)
    assert (ORGANIZATION, tuple(known)) == (where.organization.id, where.accounts)
    assert [
        "AWS Organizations does not answer; going by the 1 account known without it: it is on fire"
    ] == said
    with pytest.raises(OrganizationNotListable):
        premises_for_the_brake(port, ORGANIZATION, list, "", said.append)


def test_where_it_can_be_listed_it_is():
    port = FakeOrganization(an_organization(), a_caller(), [an_account()])
    where = premises_for_the_brake(port, None, lambda: [unlisted(OTHER)], "", lambda _: None)
    assert ["payments-prod"] == [account.name for account in where.accounts]


# --- Beside a running apply ---


def before_write(world: World, matches: Callable[[Change], bool], happens: Callable[[], object]) -> None:
    """Let something happen in the very moment before the first write that matches."""
    left = [happens]

    def look(change: Change) -> None:
        if left and matches(change):
            left.pop()()

    for account in world.accounts.values():
        account.before_write = look


def is_adding(change: Change) -> bool:
    return isinstance(change, AddMember) and change.group == GROUP


def test_a_running_apply_leaves_a_released_account_alone():
    """The release comes while alice is added: she is let out with the account, bob is not even added."""
    world = World(a_person("alice"), a_person("bob"))
    world.ripe()
    operator = Operator(world)
    before_write(world, is_adding, lambda: operator.release(operator.accounts(ACCOUNT)))
    operator.apply()
    assert ["alice"] == placements(world.written)
    assert set() == world.enforced
    (passed,) = [one for one in world.records(UserSkipped) if one.user.name == "bob"]
    assert "released" == passed.code
    assert "INC-7" in passed.detail


def test_a_running_apply_leaves_a_released_user_alone():
    world = World(a_person("alice"), a_person("bob"), a_person("carl"))
    world.ripe()
    operator = Operator(world)
    before_write(world, is_adding, lambda: operator.release(operator.users(world.person("bob").arn)))
    operator.apply()
    assert ["alice", "carl"] == placements(world.written)


def test_a_running_apply_leaves_a_released_wave_alone():
    world = World(a_person("alice"), a_person("bob"), canary=["alice", "bob"])
    world.ripe()
    operator = Operator(world)
    before_write(world, is_adding, lambda: operator.release(operator.wave("canary")))
    operator.apply()
    assert ["alice"] == placements(world.written)


def test_an_account_released_before_its_policy_is_in_force_stays_without():
    world = World(a_person("alice"))
    world.ripe()
    operator = Operator(world)
    before_write(world, lambda _: True, lambda: operator.release(operator.accounts(ACCOUNT)))
    operator.apply()
    assert ["CreatePolicy"] == kinds(world.written)
    assert set() == world.enforced
    operator.apply()
    assert ["CreatePolicy"] == kinds(world.written)


def test_what_a_running_apply_had_in_hand_is_undone_after_a_moment():
    """Its write came after the brake: a release looks once more before it ends."""
    world = World(a_person("alice"))
    world.ripe()
    world.enforce()
    account = world.accounts[ACCOUNT]
    full = next(version.id for version in account.facts.policies[POLICY].versions if version.is_default)
    operator = Operator(world, running="ana on laptop")
    operator.meanwhile = lambda: account.make(SetDefaultVersion(ACCOUNT, POLICY, full))
    result = operator.release(operator.everybody())
    assert set() == world.enforced
    assert 2 == result.writes
    assert [5.0] == operator.waited
    assert "ana on laptop" == result.running


def test_with_nobody_at_work_a_release_does_not_wait():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.everybody())
    assert [] == operator.waited


# --- What apply does later ---


def test_apply_leaves_a_release_alone_while_it_lasts():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.everybody())
    operator.release(operator.users("bob"))
    world.days_pass(1)
    for account in world.accounts.values():
        account.written.clear()
    operator.apply()
    assert [] == world.written
    assert {"released"} == {one.code for one in world.records(UserSkipped)[-3:]}


def test_apply_puts_an_account_back_once_its_release_has_run_out():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.everybody(), hours=4)
    world.days_pass(0.1)
    operator.apply()
    assert set() == world.enforced
    world.days_pass(0.1)
    operator.apply()
    assert {"alice", "bob", "olga"} == world.enforced
    assert ["SetDefaultVersion"] * 2 == kinds(world.accounts[OTHER].written)[::2]


def test_apply_puts_a_user_back_once_their_release_has_run_out_without_a_new_notice():
    world = carried(World(a_person("alice"), a_cli_user("bob")))
    operator = Operator(world)
    world.days_pass(30)
    operator.release(operator.users("bob"), hours=4)
    assert {"alice"} == world.enforced
    world.days_pass(1)
    operator.apply()
    assert {"alice", "bob"} == world.enforced


def test_who_comes_back_to_something_worse_than_was_told_waits_for_a_notice():
    """Bob threw his device away meanwhile: enforcing him now would be a surprise."""
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("bob"), hours=4)
    world.change("bob", mfa_active=False, devices=(), inline=(ADMIN,))
    world.days_pass(1)
    operator.apply()
    assert {"alice", "olga"} == world.enforced


def test_a_brake_pulled_by_hand_after_a_release_has_ended_is_left():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=4)
    world.days_pass(1)
    operator.apply()
    assert {"alice", "bob", "olga"} == world.enforced
    world.accounts[ACCOUNT].make(SetDefaultVersion(ACCOUNT, POLICY, "v1"))
    operator.apply()
    assert {"olga"} == world.enforced


def test_who_was_taken_out_by_hand_meanwhile_stays_out_when_a_release_runs_out():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=4)
    world.accounts[ACCOUNT].make(RemoveMember(ACCOUNT, GROUP, a_ref("bob")))
    world.days_pass(1)
    operator.apply()
    assert {"alice", "olga"} == world.enforced


def test_a_release_that_has_run_out_is_not_lifted_over_somebody_who_is_held_now():
    """Alice has no way in any more: she is taken out before the version is put in force that would reach her."""
    world = a_world()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=4)
    world.days_pass(1)
    world.change("alice", mfa_active=False, devices=(), password=_to_be_changed(world))
    operator.apply()
    assert {"bob", "olga"} == world.enforced


def _to_be_changed(world: World) -> Any:
    password = world.person("alice").password
    assert password is not None
    return replace(password, reset_required=True)


def test_users_are_found_by_arn_in_an_account_the_organization_does_not_list():
    world = a_world()
    arn = world.person("olga").arn
    world.journal.kept.clear()
    release_scope, shares = users_named([arn], world.done, [], world.access)
    assert [arn] == [ref.arn for ref in release_scope.users]
    assert [OTHER] == [share.account.id for share in shares]


def test_detaching_and_leaving_the_group_are_told_apart():
    """Somebody attached the policy to a member by hand: the release takes both off."""
    world = a_world()
    world.change("bob", attached=(POLICY,))
    operator = Operator(world)
    operator.release(operator.users("bob"))
    assert {RemoveMember, DetachFromUser} == {type(change) for change in world.written}


def test_status_says_how_many_a_release_lets_out():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("bob"))
    assert {"canary": (1, ""), "rest": (1, "1 released")} == standing(world)
    operator.release(operator.everybody())
    assert {"canary": (0, "1 released"), "rest": (0, "2 released")} == standing(world)
    operator.end(operator.everybody())
    assert {"canary": (1, ""), "rest": (2, "")} == standing(world)


def standing(world: World) -> dict[str, tuple[int, str]]:
    """How many of each wave are enforced, and what `rollout status` says beside it."""
    stands = wave_states(
        world.plans.kept[-1], world.done, world.clock.now(), notified=world.notice_rule, gates=world.gates
    )
    return {stand.wave: (stand.enforced, stand.waits_for) for stand in stands}


def test_the_people_of_a_wave_are_let_out_several_at_a_time():
    world = carried(World(*(a_person(f"user-{number}") for number in range(20))))
    operator = Operator(world)
    result = operator.release(operator.wave("rest"), within=ThreadEngine(4))
    assert 20 == result.writes == len(world.written)
    assert set() == world.enforced


def test_who_was_not_begun_when_it_was_asked_to_stop_is_told():
    world = carried(World(*(a_person(f"user-{number}") for number in range(20))))
    operator = Operator(world)
    stop = Event()
    stop.set()
    result = operator.release(operator.wave("rest"), within=ThreadEngine(4, stop))
    assert [] == world.written
    assert result.interrupted
    assert "interrupted" == world.records(RunEnded)[-1].ending
