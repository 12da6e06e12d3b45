"""Rolling back in several accounts: from the journal alone, journalled, resumable, and rehearsed with no write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.actions.writes import Left
from rollout.domain.people.organization import AccountState
from rollout.domain.people.scope import Selection
from rollout.domain.policy.changes import AddMember, Change, CreateVersion, RemoveMember
from rollout.domain.progress.records import AccountFailed, Intent, RunEnded, RunStarted, WaveUndone
from rollout.domain.progress.stages import Stage
from rollout.errors import EmptySelection, LockHeld
from rollout.execution.threads import ThreadEngine
from rollout.workflows.ports import CannotEnter
from rollout.workflows.rollback import RollbackChoice, foresee, plan_id_of
from tests.builders import ACCOUNT, GROUP, POLICY, a_ref
from tests.domain.judging import DOCUMENTS, EVERYTHING, a_group, a_managed
from tests.domain.life import state
from tests.fakes import Trouble
from tests.workflows.operator import Operator
from tests.workflows.test_release import OTHER, a_world, carried, kinds
from tests.workflows.world import World, a_cli_user, a_person, an_enroller

THIRD = "333344445555"


def states(world: World) -> dict[str, Any]:
    return {account_id: state(facts) for account_id, facts in world.state.items()}


def of(**more: Any) -> RollbackChoice:
    selection = Selection(tuple(more.pop("accounts", ())), (), tuple(more.pop("users", ())))
    return RollbackChoice(selection=selection, **more)


def test_each_user_that_is_named_has_to_be_known():
    world = World(a_person("alice"))
    world.ripe()
    world.enforce()
    world.account.written.clear()
    choice = RollbackChoice(selection=Selection(users=("*/alice", "*/bobb")))
    with pytest.raises(EmptySelection, match=r"matches --user \*/bobb"):
        Operator(world).roll_back(choice)
    assert [] == world.written


def test_everything_is_as_it_was_before():
    """With people who had to be let enrol, machines' policies, and groups of their own."""
    own = a_managed("Own", raw=EVERYTHING)
    staff = a_group("staff", own.arn)
    world = World(
        a_person("alice", groups=("staff",)),
        a_cli_user("carl"),
        an_enroller("erin"),
        a_person("olga", account_id=OTHER),
        facts={ACCOUNT: {"groups": [staff], "policies": [own]}},
    )
    before = states(world)
    carried(world)
    assert {"alice", "carl", "erin", "olga"} == world.enforced
    assert before != states(world)
    result = Operator(world).roll_back()
    assert before == states(world)
    assert not result.in_part
    assert [(), ()] == [tuple(one.left) for one in result.accounts]


def test_things_of_our_names_that_stood_before_are_left_in_place():
    foreign = a_managed("ForceMFA", raw=DOCUMENTS.full, path="/security/")
    group = a_group(f"{GROUP}Enrolment", path="/rollout/")
    world = World(
        a_person("alice"),
        an_enroller("erin"),
        a_person("olga", account_id=OTHER, groups=(GROUP,)),
        a_person("zoe", account_id=THIRD),
        facts={
            ACCOUNT: {"groups": [group]},
            OTHER: {"groups": [a_group(GROUP)]},
            THIRD: {"policies": [replace(foreign, arn=foreign.arn.replace(ACCOUNT, THIRD))]},
        },
    )
    before = states(world)
    carried(world)
    assert {"alice"} == world.enforced
    Operator(world).roll_back()
    assert before == states(world)


def test_after_a_release_it_restores_everything_as_well():
    world = a_world()
    fresh = World(*(a_person(name) for name in ("alice", "bob")), a_person("olga", account_id=OTHER))
    operator = Operator(world)
    operator.release(operator.users("alice"))
    operator.release(operator.everybody())
    operator.end(operator.accounts(OTHER))
    operator.roll_back()
    assert states(fresh) == states(world)


def test_a_second_rollback_writes_nothing_and_starts_no_run():
    world = a_world()
    operator = Operator(world)
    operator.roll_back()
    records = len(world.journal.kept)
    assert 0 == operator.roll_back().writes
    assert records == len(world.journal.kept)


# --- Which part ---


def test_by_wave():
    world = a_world()
    Operator(world).roll_back(of(wave="rest"))
    assert {"alice"} == world.enforced
    assert {} == world.accounts[OTHER].facts.policies


def test_by_account():
    world = a_world()
    Operator(world).roll_back(of(accounts=[OTHER]))
    assert {"alice", "bob"} == world.enforced


def test_by_user():
    world = a_world()
    Operator(world).roll_back(of(users=["*/bob"]))
    assert {"alice", "olga"} == world.enforced
    assert ["RemoveMember"] == kinds(world.written)


def test_by_plan():
    world = a_world()
    operator = Operator(world)
    before = states(world)
    world.accounts[ACCOUNT].put(a_person("nina"))
    world.plan("p2p2")
    world.rehearse()
    world.apply("enforce")
    world.apply("enforce")
    assert {"alice", "bob", "nina", "olga"} == world.enforced
    operator.roll_back(of(plan="p2p2"))
    world.accounts[ACCOUNT].remove("nina")
    assert before == states(world)


def test_selectors_narrow_each_other():
    world = a_world()
    Operator(world).roll_back(of(wave="rest", accounts=[ACCOUNT]))
    assert {"alice", "olga"} == world.enforced


def test_what_the_journal_does_not_know_is_wrong_usage():
    world = a_world()
    for wanted in (of(wave="canry"), of(users=["zoe"]), of(accounts=["999900001111"]), of(plan="nope")):
        with pytest.raises(EmptySelection, match="has no change"):
            Operator(world).roll_back(wanted)


def test_a_plan_is_known_by_id_stem_and_path():
    progress = a_world().done
    for reference in ("k3f9", "2026-11-24-k3f9", "plans/2026-11-24-k3f9.yaml"):
        assert "k3f9" == plan_id_of(reference, progress)
    with pytest.raises(EmptySelection) as refusal:
        plan_id_of("zzzz", progress)
    assert "plans: k3f9" == refusal.value.cure


def test_it_says_beforehand_how_much_there_is():
    history = a_world().done
    foreseen = foresee(history, RollbackChoice(), lambda: history)
    assert (3, 8, (ACCOUNT, OTHER)) == (foreseen.people, foreseen.things, foreseen.accounts)
    foreseen = foresee(history, of(users=["alice"]), lambda: history)
    assert (1, 0, (ACCOUNT,)) == (foreseen.people, foreseen.things, foreseen.accounts)


# --- On record ---


def test_it_is_journalled_like_any_run():
    world = a_world()
    at = len(world.journal.kept)
    Operator(world).roll_back(of(users=["bob"]))
    started, intent, _settled, ended = world.journal.kept[at:]
    assert isinstance(started, RunStarted)
    assert ("rollback", Stage.ENFORCE) == (started.command, started.stage)
    assert isinstance(intent, Intent)
    assert "rest" == intent.wave
    assert isinstance(ended, RunEnded)
    assert ("done", {"undone": 1}) == (ended.ending, ended.counts)


def test_a_wave_of_which_nobody_is_left_has_to_be_told_and_carried_anew():
    world = a_world()
    Operator(world).roll_back(of(wave="canary"))
    assert ["canary"] == [record.wave for record in world.records(WaveUndone)]
    assert {"rest"} == {wave for _, wave in world.done.carried}


def test_letting_go_of_one_undoes_no_wave():
    world = a_world()
    Operator(world).roll_back(of(users=["bob"]))
    assert [] == world.records(WaveUndone)


def test_who_was_rolled_back_is_told_afresh_before_being_enforced_again():
    world = carried(World(a_cli_user("carl")))
    Operator(world).roll_back()
    world.days_pass(1)
    world.enforce(wave="rest")
    assert set() == world.enforced
    world.notify()
    world.days_pass(15)
    world.enforce()
    assert {"carl"} == world.enforced


def test_a_group_of_that_name_that_somebody_makes_later_is_not_taken_for_ours():
    world = a_world()
    Operator(world).roll_back()
    for account in world.accounts:
        made = world.done.made_in(account)
        assert ({}, {}) == (made.groups, made.policies)


# --- Trouble ---


def test_it_holds_the_lock():
    world = a_world()
    world.lock.holder = "ana on laptop"
    with pytest.raises(LockHeld):
        Operator(world).roll_back()
    assert [] == world.attempted


def test_it_stops_at_an_account_once_the_lock_is_gone():
    world = a_world()

    def taken_over() -> bool:
        world.lock.holder = "ana on laptop"
        return False

    world.stopping = taken_over  # before the first account
    with pytest.raises(LockHeld, match="this run lost its lock and stopped; ana on laptop holds"):
        Operator(world).roll_back()
    assert [] == world.attempted
    assert "lock lost" == world.records(RunEnded)[-1].ending


def test_a_member_who_cannot_be_removed_keeps_the_group_and_stops_no_other():
    world = a_world()
    world.accounts[ACCOUNT].fail(Trouble.REFUSED)
    result = Operator(world).roll_back()
    assert ["RemoveMember"] == kinds(world.accounts[ACCOUNT].written)
    assert (
        Left("policies and groups", "a user could not be removed; run the command again")
        in result.accounts[0].left
    )
    assert result.in_part
    assert {} == world.accounts[OTHER].facts.groups
    assert "in part" == world.records(RunEnded)[-1].ending
    assert not Operator(world).roll_back().in_part
    assert {} == world.accounts[ACCOUNT].facts.groups


def test_a_policy_on_a_role_is_refused_by_iam_and_told():
    """Roles are not looked at: DeletePolicy says so itself."""
    world = a_world()
    world.accounts[OTHER].fail(Trouble.REFUSED, when=lambda change: type(change).__name__ == "DeletePolicy")
    result = Operator(world).roll_back()
    assert ["DeletePolicy: AccessDenied: refused by the test"] == result.accounts[1].failed


def test_an_account_that_cannot_be_entered_stops_no_other():
    world = a_world()
    world.closed[ACCOUNT] = CannotEnter("AccessDenied for roles X", "create one")
    result = Operator(world).roll_back()
    assert {"alice", "bob"} == world.enforced
    assert [["AccessDenied for roles X. create one"], []] == [one.failed for one in result.accounts]
    assert 1 == len(world.records(AccountFailed))


def test_an_account_that_has_left_or_is_closed_is_left_as_it_is():
    world = a_world()
    world.listed[OTHER] = replace(world.listed[OTHER], state=AccountState.SUSPENDED)
    del world.listed[ACCOUNT]
    result = Operator(world).roll_back()
    whys = [one.left[0].why for one in result.accounts]
    assert ["the account is not in the organization any more", "the account is suspended"] == whys
    assert [] == world.attempted


def test_it_stops_when_asked_to_and_goes_on_later():
    world = a_world()
    operator = Operator(world)
    answers = iter([False, False, False, True])
    world.stopping = lambda: next(answers, True)
    assert operator.roll_back().interrupted
    assert 2 == len(world.written)
    world.stopping = lambda: False
    operator.roll_back()
    assert set() == world.enforced
    assert {} == world.accounts[ACCOUNT].facts.policies


def test_lost_answers_are_read_and_not_repeated():
    world = a_world()
    for account in world.accounts.values():
        account.fail(Trouble.LOST_AFTER, times=3)
        account.fail(Trouble.LOST_BEFORE, times=2)
    result = Operator(world).roll_back()
    assert not result.in_part
    assert {} == world.accounts[ACCOUNT].facts.policies
    assert len(world.written) == len(set(map(repr, world.written)))


def test_a_run_that_died_between_write_and_record_is_settled_and_undone():
    world = World(a_person("alice"))
    before = states(world)
    carried(world)
    membership = next(
        place
        for place, record in enumerate(world.journal.kept)
        if isinstance(record, Intent) and isinstance(record.change, AddMember)
    )
    world.journal.kept = world.journal.kept[: membership + 1]
    assert 1 == len(world.done.open)
    Operator(world).roll_back()
    assert before == states(world)


@pytest.mark.parametrize("died_after", range(1, 20))
def test_wherever_a_rollback_dies_the_next_one_goes_on(died_after):
    """Killed after any record: the write whose record is missing may have been made."""
    world = a_world()
    operator = Operator(world)
    at = len(world.journal.kept)
    operator.roll_back()
    records = world.journal.kept[at:]
    world = a_world()
    operator = Operator(world, runs=10)
    kept = _until(world, operator, died_after)
    assert kept <= len(records)
    operator.roll_back()
    assert {} == world.accounts[ACCOUNT].facts.policies
    assert {} == world.accounts[OTHER].facts.groups
    assert set() == world.enforced
    assert 0 == len(world.done.open)


class Killed(BaseException):
    """The process is gone."""


def _until(world: World, operator: Operator, count: int) -> int:
    """Roll back until so many records are written."""
    inner = world.journal
    written: list[Any] = []

    class Dying(type(inner)):  # type: ignore[misc]  # a base class known only at run time
        def append(self, *records: Any) -> None:
            if len(written) >= count:
                raise Killed
            written.extend(records)
            inner.append(*records)

        def records(self) -> Any:
            return inner.records()

    try:
        operator.roll_back(journal=Dying())
    except Killed:
        world.lock.holder = ""
    return len(written)


# --- Rehearsed ---


def test_a_rehearsal_says_what_would_be_undone_and_writes_nothing():
    world = a_world()
    operator = Operator(world)
    rehearsed = operator.rehearse_rollback()
    assert [] == world.attempted
    assert {"alice", "bob", "olga"} == world.enforced
    real = operator.roll_back()
    assert [kinds(one.written) for one in rehearsed.accounts] == [kinds(one.written) for one in real.accounts]


def test_a_rehearsal_leaves_the_journal_as_it_was_but_for_its_start_and_end():
    world = a_world()
    at = len(world.journal.kept)
    Operator(world).rehearse_rollback()
    assert ["RunStarted", "RunEnded"] == [type(record).__name__ for record in world.journal.kept[at:]]
    assert {"canary", "rest"} == {wave for _, wave in world.done.carried}


def test_an_edited_policy_stays_and_says_why():
    world = a_world()
    world.accounts[OTHER].make(CreateVersion(OTHER, POLICY.replace(ACCOUNT, OTHER), EVERYTHING))
    result = Operator(world).roll_back()
    assert "somebody else gave it a version" in result.accounts[1].left[0].why
    assert not result.in_part


def test_what_somebody_else_has_undone_already_is_put_on_record_and_missed_by_nobody():
    world = a_world()
    operator = Operator(world)
    operator.release(operator.users("olga"))
    world.accounts[ACCOUNT].make(RemoveMember(ACCOUNT, GROUP, a_ref("bob")))
    operator.roll_back()
    assert {} == world.done.placed
    assert {} == world.done.releases.to_return
    assert operator.verify().clean
    operator.end(operator.everybody())
    assert set() == world.enforced


def test_people_are_let_go_several_at_a_time():
    people = [a_person(f"user-{number}") for number in range(20)]
    world = World(*people)
    before = states(world)
    carried(world)
    result = Operator(world).roll_back(within=ThreadEngine(4))
    assert before == states(world)
    assert 25 == result.writes  # twenty people, and five for group and policy
    assert sorted(world.written, key=repr) == sorted(set_of(world.written), key=repr)


def set_of(changes: list[Change]) -> list[Change]:
    return [change for place, change in enumerate(changes) if change not in changes[:place]]
