"""Rolling back: only what this tool made, in reverse, and everything as it was before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.actions.writes import enforcing
from rollout.domain.people.observations import Group, ManagedPolicy
from rollout.domain.people.users import User
from rollout.domain.policy import effects
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.brake import denies_nothing
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    AttachToGroup,
    Change,
    CreateGroup,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)
from tests.builders import ACCOUNT, a_change, a_ref, a_run, a_user, account_facts
from tests.domain.judging import (
    DOCUMENTS,
    EVERYTHING,
    OURS_ARN,
    SEED_DOCUMENTS,
    a_group,
    a_managed,
)
from tests.domain.life import EVERYTHING_MADE, Life, of_plan, of_wave, state

NAMES = ("alice", "bob", "carl", "dora")


def a_life(*users: User, **facts: Any) -> Life:
    return Life(account_facts(*(users or [a_user(name) for name in NAMES]), **facts))


def kinds(steps: Any) -> list[str]:
    """The writes; what is in place already is none."""
    return [type(step.change).__name__ for step in steps if not step.in_place]


def let_go(steps: Any) -> list[str]:
    return [step.change.user.name for step in steps if not step.in_place]


# --- The whole of it ---


def test_people_go_first_then_what_the_policy_hangs_on_then_the_policy():
    life = a_life()
    before = state(life.facts)
    life.do("enforce", NAMES)
    undoing = life.undo(EVERYTHING_MADE)
    assert ["RemoveMember"] * 4 == kinds(undoing.people)
    assert [
        "DetachFromGroup",
        "DeleteGroup",
        "SetDefaultVersion",
        "DeleteVersion",
        "DeletePolicy",
    ] == kinds(undoing.foundations)
    assert () == undoing.left
    assert before == state(life.facts)


def test_a_policy_that_others_depend_on_is_left_whole_and_they_are_named():
    life = a_life()
    life.do("enforce", NAMES)
    life.dependents = {OURS_ARN: ("role deploy", "user dora (boundary)")}
    policy = life.facts.policies[OURS_ARN]
    undoing = life.undo(EVERYTHING_MADE)
    assert ["DetachFromGroup", "DeleteGroup"] == kinds(undoing.foundations)
    assert policy == life.facts.policies[OURS_ARN]
    (left,) = undoing.left
    assert "others depend on it: role deploy, user dora (boundary)" == left.why


def test_the_version_that_denies_nothing_goes_last():
    """Somebody hangs the policy on a role meanwhile: it cannot be deleted, and must not be left with a Deny."""
    life = a_life()
    life.do("enforce", NAMES)
    undoing = life.undoing(EVERYTHING_MADE)
    *before, last = undoing.foundations
    assert isinstance(last.change, DeletePolicy)
    life.make(life.begin(command="rollback"), [one.change for one in (*undoing.people, *before)])
    (version,) = life.facts.policies[OURS_ARN].versions
    assert denies_nothing(version.document)


def test_the_newest_goes_first():
    life = a_life()
    life.do("enforce", ["alice"])
    life.do("enforce", ["bob"])
    undoing = life.undoing(EVERYTHING_MADE)
    assert ["bob", "alice"] == let_go(undoing.people)


def test_a_second_rollback_finds_nothing():
    life = a_life()
    life.do("enforce", NAMES)
    life.undo(EVERYTHING_MADE)
    again = life.undoing(EVERYTHING_MADE)
    assert ((), (), ()) == (again.people, again.foundations, again.left)


def test_a_rollback_that_was_cut_short_goes_on():
    life = a_life()
    before = state(life.facts)
    life.do("enforce", NAMES)
    first = life.undoing(EVERYTHING_MADE)
    life.make(life.begin(command="rollback"), [step.change for step in first.people[:2]])
    life.undo(EVERYTHING_MADE)
    assert before == state(life.facts)


def test_what_was_made_and_never_confirmed_is_ours_to_undo():
    life = a_life()
    before = state(life.facts)
    life.do("enforce", ["alice"], trouble="lost")
    life.do("enforce", ["bob"], trouble="dies after")
    life.undo(EVERYTHING_MADE)
    assert before == state(life.facts)


def test_what_stood_before_stays():
    """Alice was in the group when this tool came: it noted that, and leaves it."""
    life = a_life(
        a_user("alice", groups=("ForceMFA",)), a_user("bob"), groups=[a_group("ForceMFA", path="/rollout/")]
    )
    life.records += [
        a_run("run-0"),
        *a_change(
            AddMember(ACCOUNT, "ForceMFA", a_ref("alice")),
            run="run-0",
            before="present",
            outcome=AlreadyInPlace(),
        ),
    ]
    before = state(life.facts)
    life.make(life.begin(), [AddMember(ACCOUNT, "ForceMFA", a_ref("bob"))])
    undoing = life.undo(EVERYTHING_MADE)
    assert ["bob"] == let_go(undoing.people)
    assert before == state(life.facts)


# --- Things of the same names ---


def test_a_namesake_of_a_deleted_user_is_left_alone():
    life = a_life()
    life.do("enforce", ["alice", "bob"])
    life.put(life.user("alice"))
    namesake = replace(a_user("alice", groups=("ForceMFA",)), id="AIDAOTHER")
    life.facts = replace(
        life.facts, users=tuple(namesake if user.name == "alice" else user for user in life.facts.users)
    )
    undoing = life.undo(EVERYTHING_MADE)
    assert ["bob"] == let_go(undoing.people)
    assert ("ForceMFA",) == life.user("alice").groups
    assert [("group ForceMFA", "1 user stays in it")] == [(left.what, left.why) for left in undoing.left]


def test_a_group_of_our_name_at_another_path_is_left_alone():
    life = a_life()
    life.do("enforce", ["alice"])
    life.undo(EVERYTHING_MADE)
    life.facts = replace(life.facts, groups={"ForceMFA": a_group("ForceMFA")})
    assert [] == kinds(life.undoing(EVERYTHING_MADE).foundations)
    # Even when the journal still believes it to be ours.
    life.facts = replace(life.facts, groups={})
    life.do("enforce", ["alice"])
    life.facts = replace(life.facts, groups={"ForceMFA": a_group("ForceMFA")})
    assert "DeleteGroup" not in kinds(life.undoing(EVERYTHING_MADE).foundations)


def test_a_member_who_was_added_by_hand_keeps_the_group_and_loses_the_policy():
    life = a_life()
    life.do("enforce", ["alice"])
    life.put(replace(life.user("bob"), groups=("ForceMFA",)))
    undoing = life.undo(EVERYTHING_MADE)
    assert ["DetachFromGroup", "SetDefaultVersion", "DeleteVersion", "DeletePolicy"] == kinds(
        undoing.foundations
    )
    assert [("group ForceMFA", "1 user stays in it")] == [(left.what, left.why) for left in undoing.left]
    assert ("ForceMFA",) == life.user("bob").groups


def test_a_policy_that_somebody_hung_up_elsewhere_stays():
    life = a_life(groups=[a_group("admins")])
    life.do("enforce", ["alice"])
    life.facts = replace(life.facts, groups={**life.facts.groups, "admins": a_group("admins", OURS_ARN)})
    undoing = life.undo(EVERYTHING_MADE)
    assert OURS_ARN in life.facts.policies
    assert [(f"policy {OURS_ARN}", "still on 1 user or group")] == [
        (left.what, left.why) for left in undoing.left
    ]


def test_a_policy_that_somebody_gave_a_version_stays():
    """Their version would be lost: it hangs on nobody, and waits for a person."""
    life = a_life()
    life.do("enforce", ["alice"])
    life.facts = effects.after(life.facts, CreateVersion(ACCOUNT, OURS_ARN, EVERYTHING))
    undoing = life.undo(EVERYTHING_MADE)
    assert ["DetachFromGroup", "DeleteGroup"] == kinds(undoing.foundations)
    assert "somebody else gave it a version" in undoing.left[0].why


def test_a_policy_that_an_earlier_version_adopted_is_let_go_and_never_deleted():
    foreign = a_managed("ForceMFA", raw=DOCUMENTS.full, path="/security/")
    life = a_life(policies=[foreign])
    before = state(life.facts)
    adopting: list[Change] = [
        CreateGroup(ACCOUNT, "ForceMFA", "/rollout/"),
        AttachToGroup(ACCOUNT, "ForceMFA", foreign.arn),
    ]
    adopting += [AddMember(ACCOUNT, "ForceMFA", user.ref) for user in life.people(NAMES)]
    life.make(life.begin(), adopting)
    undoing = life.undo(EVERYTHING_MADE)
    assert ["DetachFromGroup", "DeleteGroup"] == kinds(undoing.foundations)
    assert before == state(life.facts)


def test_what_is_gone_already_is_no_trouble():
    life = a_life()
    life.do("enforce", ["alice", "bob"])
    life.facts = replace(
        account_facts(*(replace(user, groups=()) for user in life.facts.users)), policies={}, groups={}
    )
    undoing = life.undo(EVERYTHING_MADE)
    assert ([], [], ()) == (kinds(undoing.people), kinds(undoing.foundations), undoing.left)
    assert {} == life.progress.owned.things
    assert {} == life.progress.placed
    assert {} == life.progress.made_in(ACCOUNT).policies


# --- Parts of it ---


def test_a_waves_people_go_and_the_others_keep_what_they_hang_on():
    life = a_life()
    life.do("enforce", ["alice"], wave="canary")
    life.do("enforce", ["bob"], wave="rest")
    undoing = life.undo(of_wave("canary"))
    assert ["alice"] == let_go(undoing.people)
    assert () == undoing.foundations
    assert ("ForceMFA",) == life.user("bob").groups
    assert "1 user stays in it" in undoing.left[0].why


def test_the_last_wave_takes_everything_with_it_whichever_wave_made_it():
    life = a_life()
    before = state(life.facts)
    life.do("enforce", ["alice"], wave="canary")
    life.do("enforce", ["bob"], wave="rest")
    life.undo(of_wave("canary"))
    life.undo(of_wave("rest"))
    assert before == state(life.facts)


def test_a_plan_that_only_renewed_the_document_gives_back_the_one_before():
    life = a_life()
    life.documents = SEED_DOCUMENTS
    life.do("enforce", NAMES, plan="old1")
    before = state(life.facts)
    life.documents = DOCUMENTS
    life.do("renew", (), plan="new2")
    undoing = life.undo(of_plan("new2"))
    assert ["SetDefaultVersion", "DeleteVersion"] == kinds(undoing.foundations)
    assert before == state(life.facts)
    change = undoing.foundations[0].change
    assert isinstance(change, SetDefaultVersion)
    assert NAMES == change.attached


def test_a_plan_does_not_take_what_an_earlier_one_made():
    """The first plan died after making the policy; the second enforced. Undoing the second leaves the first."""
    life = a_life()
    life.make(life.begin("old1"), _creation(life)[:1])
    before = state(life.facts)
    life.do("enforce", NAMES, plan="new2")
    life.undo(of_plan("new2"))
    assert before == state(life.facts)


def _creation(life: Life) -> list[Any]:
    return list(enforcing(life.context(["alice"]), life.people(["alice"])))


def test_a_version_is_not_taken_back_to_the_allow_half_while_people_are_under_it():
    """That would let out whom another plan has enforced."""
    life = a_life()
    life.make(life.begin("old1"), _creation(life)[:1])
    life.make(life.begin("new2"), [change for change in _creation(life) if isinstance(change, CreateVersion)])
    life.do("enforce", ["alice"], plan="thrd")
    undoing = life.undo(of_plan("new2"))
    assert () == undoing.foundations
    assert [(f"version v2 of {OURS_ARN}", "users are enforced by it")] == [
        (left.what, left.why) for left in undoing.left
    ]


def test_who_came_back_from_a_release_still_belongs_to_the_plan_that_brought_them():
    life = a_life()
    life.do("enforce", ["alice"], plan="old1")
    life.do("release", ["alice"])
    life.do("enforce", ["alice"], plan="")
    undoing = life.undo(of_plan("old1"))
    assert ["RemoveMember"] == kinds(undoing.people)


def test_who_is_let_out_by_a_release_and_rolled_back_does_not_come_back_at_its_end():
    life = a_life()
    life.do("enforce", ["alice", "bob"])
    life.do("release", ["alice"])
    assert {life.user("alice").id} == set(life.progress.releases.to_return)
    life.undo(EVERYTHING_MADE)
    assert {} == life.progress.releases.to_return
    assert {} == life.progress.owned.released


def test_an_account_that_was_braked_and_rolled_back_is_braked_no_more():
    life = a_life()
    life.do("enforce", NAMES)
    life.do("brake", ())
    assert {ACCOUNT} == set(life.progress.releases.braked)
    life.undo(EVERYTHING_MADE)
    assert {} == life.progress.releases.braked


def test_what_a_rehearsal_noted_is_not_ours():
    life = a_life()
    life.records += [
        a_run("run-0", stage="dry-run"),
        *a_change(AddMember(ACCOUNT, "ForceMFA", a_ref("alice")), run="run-0"),
    ]
    assert {} == life.progress.owned.things


def test_an_exempt_user_who_was_taken_out_is_not_put_back():
    """Undoing only lets go."""
    life = a_life()
    life.do("enforce", ["alice", "bob"])
    life.make(life.begin(), [RemoveMember(ACCOUNT, "ForceMFA", a_ref("alice"))])
    undoing = life.undo(EVERYTHING_MADE)
    assert ["bob"] == let_go(undoing.people)


# --- Whatever happens ---

troubles = st.sampled_from(("", "", "", "lost", "fails", "dies before", "dies after"))
some_names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)
commands = st.fixed_dictionaries(
    {
        "what": st.sampled_from(("enforce", "enforce", "enrol", "renew", "brake", "release")),
        "names": some_names,
        "trouble": troubles,
        "attachment": st.sampled_from(Attachment),
        "wave": st.sampled_from(("canary", "rest")),
        "plan": st.sampled_from(("old1", "new2")),
        "documents": st.sampled_from((DOCUMENTS, SEED_DOCUMENTS)),
    }
)


@st.composite
def accounts(draw: Any) -> Life:
    """An account with groups and policies of its own, some of which bear our names."""
    groups: list[Group] = [a_group("staff")]
    policies: list[ManagedPolicy] = [a_managed("ReadOnly", raw=EVERYTHING)]
    if draw(st.booleans()):
        policies.append(a_managed("ForceMFA", raw=DOCUMENTS.full, path="/security/"))
    if draw(st.booleans()):
        groups.append(a_group("ForceMFA", path=draw(st.sampled_from(("/rollout/", "/")))))
    if draw(st.booleans()):
        groups.append(a_group("ForceMFAEnrolment", path="/rollout/"))
    users = [
        a_user(
            name,
            groups=("staff",) if draw(st.booleans()) else (),
            attached=(policies[0].arn,) if draw(st.booleans()) else (),
        )
        for name in NAMES
    ]
    return Life(account_facts(*users, groups=groups, policies=policies))


# Takes a second or more: two hundred accounts, for this is what a rollback promises.
@settings(max_examples=200)
@given(life=accounts(), commands=st.lists(commands, max_size=8))
def test_after_a_rollback_the_account_is_as_it_was_before(life, commands):
    before = state(life.facts)
    for command in commands:
        life.documents = command.pop("documents")
        life.settle()
        life.do(**command)
    undoing = life.undo(EVERYTHING_MADE)
    assert before == state(life.facts)
    assert () == undoing.left
    made = life.progress.owned
    assert ({}, {}) == (made.things, made.released)
    assert {} == life.progress.placed


@settings(max_examples=100)
@given(
    life=accounts(),
    commands=st.lists(commands, max_size=6),
    by=st.sampled_from((of_wave("canary"), of_plan("new2"), of_wave("rest"), of_plan("old1"))),
)
def test_a_rollback_in_part_never_enforces_and_a_whole_one_after_it_restores_everything(life, commands, by):
    before = state(life.facts)
    for command in commands:
        life.documents = command.pop("documents")
        life.settle()
        life.do(**command)
    undoing = life.undo(by)
    lets_go = (
        RemoveMember
        | DetachFromGroup
        | DeleteGroup
        | DeleteVersion
        | DeletePolicy
        | SetDefaultVersion
        | DetachFromUser
    )
    assert all(isinstance(step.change, lets_go) for step in (*undoing.people, *undoing.foundations))
    life.undo(EVERYTHING_MADE)
    assert before == state(life.facts)
