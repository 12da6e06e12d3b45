"""What goes wrong with one user or account stops nobody else, and is told.

See design.md#commands, design.md#apply-journal-store.
"""

from __future__ import annotations

import pytest

from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AddMember,
    Applied,
    AttachToGroup,
    AttachToUser,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    Failed,
    Skipped,
)
from rollout.domain.progress.records import AccountFailed, RunEnded, UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.errors import ExpiredCredentials
from rollout.workflows.ports import CannotEnter
from tests.builders import ACCOUNT
from tests.fakes import Trouble
from tests.workflows.world import World, a_person, an_enroller, placements

OTHER = "222233334444"


def adds(name: str):
    return lambda change: isinstance(change, AddMember | AttachToUser) and change.user.name == name


def is_a(*kinds: type):
    return lambda change: isinstance(change, kinds)


def test_a_refused_write_fails_that_user_and_not_the_others():
    world = World(a_person("alice"), a_person("bob"), a_person("carol")).planned()
    world.account.fail(Trouble.REFUSED, adds("bob"))
    answer = world.enforce()
    assert {"alice", "carol"} == world.enforced
    assert (2, 1, True) == (answer.tally["enforced"], answer.tally["failed"], answer.in_part)
    assert "in part" == world.records(RunEnded)[-1].ending
    assert [Failed("AccessDenied: refused by the test")] == [
        done.outcome for done in world.done.changes if isinstance(done.outcome, Failed)
    ]
    assert (Stage.ENFORCE, "rest") not in world.done.carried


def test_the_next_run_makes_good_what_failed():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.fail(Trouble.REFUSED, adds("bob"))
    world.enforce()
    answer = world.enforce()
    assert {"alice", "bob"} == world.enforced
    assert (1, 1, False) == (answer.tally["enforced"], answer.tally["already enforced"], answer.in_part)
    assert 0 == len(world.done.failed_users("rest"))


@pytest.mark.parametrize("kind", [CreatePolicy, CreateVersion, CreateGroup, AttachToGroup])
def test_a_foundation_that_fails_stops_the_users_of_that_account_only(kind):
    world = World(a_person("alice"), a_person("zoe"), a_person("bob", account_id=OTHER)).planned()
    world.accounts[ACCOUNT].fail(Trouble.REFUSED, is_a(kind))
    answer = world.enforce()
    assert {"bob"} == world.enforced
    assert [] == placements(world.accounts[ACCOUNT].attempted)
    assert kind is type(world.accounts[ACCOUNT].attempted[-1])
    assert (2, True) == (answer.tally["failed"], answer.in_part)
    assert {"alice", "zoe"} == {
        passed.user.name for passed in world.records(UserSkipped) if passed.code == "failed"
    }
    assert f"{kind.__name__} did not succeed: AccessDenied" in world.records(UserSkipped)[-1].detail


@pytest.mark.parametrize("kind", [CreatePolicy, CreateVersion, CreateGroup, AttachToGroup])
def test_a_foundation_that_failed_is_finished_by_the_next_run(kind):
    world = World(a_person("alice"), a_person("zoe")).planned()
    world.account.fail(Trouble.REFUSED, is_a(kind))
    world.enforce()
    world.enforce()
    assert {"alice", "zoe"} == world.enforced
    assert 6 == len(world.written)


def test_an_account_that_cannot_be_entered_is_on_record_with_its_cure():
    world = World(a_person("alice"), a_person("bob", account_id=OTHER)).planned()
    world.closed[OTHER] = CannotEnter("no role lets us in", "create the role")
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert ((OTHER,), True) == (answer.failed_accounts, answer.in_part)
    (failure,) = world.records(AccountFailed)
    assert (OTHER, "no role lets us in", "create the role") == (
        failure.account_id,
        failure.reason,
        failure.cure,
    )


def test_an_account_that_cannot_be_read_is_not_written_to():
    world = World(a_person("alice"), a_person("bob", account_id=OTHER)).planned()
    world.accounts[OTHER].unreadable = CannotEnter("AccessDenied on iam:GetAccountAuthorizationDetails")
    answer = world.enforce()
    assert (OTHER,) == answer.failed_accounts
    assert [] == world.accounts[OTHER].attempted


def test_access_that_is_lost_half_way_leaves_what_was_done_counted_and_nothing_forgotten():
    """The role is taken away while a lost answer is being looked up: the next run settles it."""
    world = World(a_person("alice"), a_person("bob"), a_person("zoe", account_id=OTHER)).planned()
    world.account.fail(Trouble.LOST_AFTER, adds("bob"))
    world.account.unholdable = CannotEnter("AccessDenied on iam:GetGroup")
    answer = world.enforce()
    assert ((ACCOUNT,), 2) == (answer.failed_accounts, answer.tally["enforced"])
    assert {"alice", "bob", "zoe"} == world.enforced
    assert ["bob"] == placements(done.intent.change for done in world.done.open)
    assert (Stage.ENFORCE, "rest") not in world.done.carried

    world.account.unholdable = None
    written = len(world.written)
    answer = world.enforce()
    assert written == len(world.written)
    assert () == world.done.open
    assert Applied("", unconfirmed=True) in [done.outcome for done in world.done.changes]
    assert (Stage.ENFORCE, "rest") in world.done.carried


def test_an_answer_lost_after_the_effect_is_read_and_not_repeated():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.fail(Trouble.LOST_AFTER, times=6)
    answer = world.enforce()
    assert 6 == len(world.written) == len(world.attempted)
    assert {"alice", "bob"} == world.enforced
    assert {Applied("", unconfirmed=True)} == {done.outcome for done in world.done.changes}
    assert not answer.in_part


def test_an_answer_lost_before_the_effect_is_repeated():
    world = World(a_person("alice"), a_person("bob")).planned()
    for kind in (CreatePolicy, CreateVersion, CreateGroup, AttachToGroup, AddMember):
        world.account.fail(Trouble.LOST_BEFORE, is_a(kind))
    world.enforce()
    assert (6, 11) == (len(world.written), len(world.attempted))
    assert {"alice", "bob"} == world.enforced
    assert 6 == len(world.done.changes)


def test_a_write_that_is_never_answered_fails_after_three_tries():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.fail(Trouble.LOST_BEFORE, adds("bob"), times=9)
    answer = world.enforce()
    assert 3 == placements(world.attempted).count("bob")
    assert (1, True) == (answer.tally["failed"], answer.in_part)
    assert Failed("no answer after 3 tries: the request never arrived", 3) == world.done.changes[-1].outcome


def test_a_user_who_is_deleted_while_we_write_is_gone_and_no_failure():
    world = World(a_person("alice"), a_person("bob")).planned()
    account = world.account

    def delete_bob(change):
        if adds("bob")(change):
            account.remove("bob")

    account.before_write = delete_bob
    answer = world.enforce()
    assert {"alice"} == world.enforced
    assert (1, 0, False) == (answer.tally["gone"], answer.tally["failed"], answer.in_part)
    assert isinstance(world.done.changes[-1].outcome, Skipped)
    assert (Stage.ENFORCE, "rest") in world.done.carried


def test_who_is_not_seen_when_read_back_has_failed():
    world = World(a_person("alice"), a_person("bob")).planned()
    world.account.unseen = frozenset({world.person("bob").id})
    answer = world.enforce()
    assert (1, True) == (answer.tally["failed"], answer.in_part)
    assert ("bob", "not seen when read back") == (
        world.records(UserSkipped)[-1].user.name,
        world.records(UserSkipped)[-1].detail,
    )


def test_who_carries_the_policy_directly_is_read_back_too():
    world = World(a_person("alice"), a_person("bob"), attach=Attachment.USER).planned()
    world.account.unseen = frozenset({world.person("bob").id})
    assert 1 == world.enforce().tally["failed"]
    assert "attached_users" in world.account.asked


def test_a_failure_does_not_keep_the_others_from_being_read_back():
    world = World(a_person("alice"), a_person("bob"), a_person("carol")).planned()
    world.account.fail(Trouble.REFUSED, adds("alice"))
    world.account.unseen = frozenset({world.person("bob").id})
    assert 2 == world.enforce().tally["failed"]


def test_a_failed_enrolment_foundation_tells_nobody_whom_it_concerns():
    world = World(an_enroller("erin"), an_enroller("eve", helped=False)).planned()
    world.account.fail(Trouble.REFUSED, is_a(CreateGroup))
    answer = world.notify()
    assert {"eve@example.com"} == set(world.told)
    assert 1 == answer.tally["failed"]


def test_an_enrolment_foundation_that_is_gone_tells_nobody_whom_it_concerns():
    """Somebody deleted the enrolment group in the same moment: the right to enrol was not given."""
    world = World(an_enroller("erin"), an_enroller("eve", helped=False)).planned()
    world.account.fail(Trouble.GONE, is_a(AttachToGroup))
    answer = world.notify()
    assert {"eve@example.com"} == set(world.told)
    assert 1 == answer.tally["failed"]


def test_what_ends_the_whole_command_ends_the_run_on_record():
    """The caller's own session has expired: nothing can be called any more."""
    world = World(a_person("alice"), a_person("bob", account_id=OTHER)).planned()

    def expire(_):
        raise ExpiredCredentials("the session has ended")

    world.accounts[OTHER].before_write = expire
    with pytest.raises(ExpiredCredentials):
        world.enforce()
    assert "refused" == world.records(RunEnded)[-1].ending
    assert "" == world.lock.holder

    world.accounts[OTHER].before_write = lambda _: None
    world.enforce()
    assert {"alice", "bob"} == world.enforced
    assert () == world.done.open
