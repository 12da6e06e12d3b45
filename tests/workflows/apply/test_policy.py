"""Policy and group: what stands there already is used, left, braked or refused, and never taken over.

See design.md#policy-documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import ManagedPolicy, PolicyVersion
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteVersion,
    SkipCode,
)
from rollout.domain.policy.force_mfa import PolicyAmendments, allow_half, enrolment, force_mfa
from rollout.domain.policy.our_resources import Documents
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.wiring.seed_policy import seed
from tests.builders import ACCOUNT, GROUP, POLICY, a_run, an_intent
from tests.workflows.operator import Operator
from tests.workflows.world import (
    ANYTHING,
    BRAKE,
    FULL,
    World,
    a_cli_user,
    a_group,
    a_person,
    an_enroller,
)

FOREIGN = f"arn:aws:iam::{ACCOUNT}:policy/security/ForceMFA"
OTHER_DOCUMENTS = force_mfa(seed(), "aws", PolicyAmendments(via_aws_service=True, pathed_users=False))


def a_policy(arn: str, *documents: Mapping[str, object]) -> ManagedPolicy:
    """A policy with these versions, oldest first, the last one in force."""
    versions = [
        PolicyVersion(f"v{number}", document, is_default=number == len(documents))
        for number, document in enumerate(documents, start=1)
    ]
    path, name = arn.split(":policy")[1].rsplit("/", 1)
    return ManagedPolicy(arn, name, f"{path}/", tuple(reversed(versions)))


def edits(count: int) -> list[dict[str, object]]:
    """The full document with something added by hand, each time another thing."""
    added = ({"Effect": "Allow", "Action": f"s3:Get{number}", "Resource": "*"} for number in range(count))
    return [{**FULL, "Statement": [*FULL["Statement"], statement]} for statement in added]


def in_force(world: World) -> PolicyVersion:
    default = the_policy(world).default
    assert default is not None
    return default


def the_policy(world: World) -> ManagedPolicy:
    return world.account.facts.policies[POLICY]


def put_policy(world: World, policy: ManagedPolicy) -> None:
    """Change a policy, as an administrator would."""
    facts = world.account.facts
    world.account.facts = replace(facts, policies={**facts.policies, policy.arn: policy})


def put_empty_group(world: World) -> None:
    facts = world.account.facts
    group = a_group(GROUP, path="/rollout/")
    world.account.facts = replace(facts, groups={**facts.groups, GROUP: group})


def two_waves(*names: str) -> World:
    """Alice is enforced; whoever is named comes next."""
    world = World(a_person("alice"), *(a_person(name) for name in names or ("bob",)), canary=["alice"])
    world.planned()
    world.enforce()
    return world.days_pass(3)


# --- Somebody else's policy ---


@pytest.mark.parametrize("document", [FULL, ANYTHING], ids=["our meaning", "another"])
def test_a_policy_of_our_name_that_is_somebody_else_s_is_a_name_clash_whatever_it_says(document):
    world = World(a_person("alice"), a_person("bob", account_id="222233334444")).planned()
    put_policy(world, a_policy(FOREIGN, document))
    world.enforce()
    assert {"bob"} == world.enforced
    assert [] == world.account.attempted
    assert f"name-clash: a policy that rollout did not make has our name: {FOREIGN}" in (
        world.records(UserSkipped)[-1].detail
    )


@pytest.mark.parametrize(
    "foreign",
    [
        a_group(GROUP),
        a_group(GROUP, f"arn:aws:iam::{ACCOUNT}:policy/other", path="/rollout/"),
    ],
    ids=["another path", "another policy on it"],
)
def test_a_foreign_group_of_our_name_is_a_name_clash(foreign):
    world = World(a_person("alice")).planned()
    world.account.facts = replace(world.account.facts, groups={GROUP: foreign})
    world.enforce()
    assert [] == world.attempted
    assert "name-clash" in world.records(UserSkipped)[-1].detail


def test_a_group_with_members_that_the_journal_does_not_know_is_a_name_clash():
    """They would come under the policy unjudged."""
    world = World(a_person("alice"), a_person("stranger", groups=(GROUP,)))
    put_empty_group(world)
    world.planned()
    world.enforce()
    assert [] == world.attempted


# --- The brake ---


def test_a_braked_account_is_left_alone():
    """A default version equal to the Allow half is a release, whoever did it."""
    world = two_waves()
    world.pull_the_brake()
    attempted = len(world.attempted)
    answer = world.enforce()
    assert attempted == len(world.attempted)
    assert set() == world.enforced
    assert {"released": 2} == answer.tally.counts
    assert "the brake is pulled in this account" == world.records(UserSkipped)[-1].detail


def test_nobody_is_called_enforced_while_the_brake_is_pulled():
    world = two_waves()
    world.pull_the_brake()
    assert 0 == world.enforce().tally["already enforced"]
    assert 0 == world.notify().tally["already enforced"]


def test_who_is_new_in_a_braked_account_may_be_told():
    world = World(a_person("alice"), a_cli_user("carl"), canary=["alice"]).planned()
    world.enforce()
    world.pull_the_brake()
    world.notify()
    world.notify()
    assert {"carl@example.com": ["carl"]} == world.told


def test_a_brake_pulled_before_the_documents_changed_is_still_a_brake():
    """Its Allow half differs from today's, and denies nothing all the same."""
    world = two_waves()
    world.pull_the_brake()
    change_documents(world)
    world.plan("p2p2")
    world.rehearse()
    world.enforce()
    assert set() == world.enforced
    assert "v1" == in_force(world).id


def test_a_single_version_left_on_the_brake_by_hand_is_no_unfinished_policy():
    """Somebody pulled the brake and deleted the other version: with members on it, that is a release."""
    world = two_waves()
    world.pull_the_brake()
    (_, brake) = the_policy(world).versions
    put_policy(world, replace(the_policy(world), versions=(brake,)))
    world.enforce()
    assert set() == world.enforced
    assert "v1" == in_force(world).id


def test_an_unfinished_policy_is_finished():
    """The run died between the two versions: nobody hangs on it, so nobody pulled the brake."""
    world = World(a_person("alice")).planned()
    put_policy(world, a_policy(POLICY, BRAKE))
    made = CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", BRAKE, {})
    world.journal.append(
        a_run("dead", at=world.clock.now()), an_intent(made, run="dead", at=world.clock.now())
    )
    world.enforce()
    assert [CreateVersion, CreateGroup, AttachToGroup, AddMember] == [
        type(change) for change in world.written
    ]
    assert {"alice"} == world.enforced


# --- A new default version ---


def change_documents(world: World) -> None:
    full = OTHER_DOCUMENTS
    world.rules = replace(world.rules, documents=Documents(full, allow_half(full), enrolment("aws")))


def test_a_new_default_version_is_a_change_that_names_everybody_whom_it_reaches():
    world = two_waves()
    change_documents(world)
    world.plan("p2p2")
    world.rehearse()
    answer = world.enforce()
    version = next(change for change in reversed(world.written) if isinstance(change, CreateVersion))
    assert ("alice",) == version.attached
    assert 1 == answer.tally["new default versions"]
    assert {"alice", "bob"} == world.enforced
    assert equal_documents(in_force(world).document, OTHER_DOCUMENTS)


def test_a_new_default_version_comes_also_when_everybody_is_enforced():
    world = two_waves()
    world.enforce()
    change_documents(world)
    world.plan("p2p2")
    world.rehearse()
    world.enforce()
    assert equal_documents(in_force(world).document, OTHER_DOCUMENTS)
    attempted = len(world.attempted)
    world.enforce()
    assert attempted == len(world.attempted)


def test_a_new_default_version_is_refused_when_it_would_reach_somebody_who_is_held():
    """A machine hangs on the policy by somebody's hand: it was not asked, and would break."""
    world = two_waves()
    world.account.put(a_person("robot", password=False, mfa=None, keys=1, attached=(POLICY,)))
    change_documents(world)
    world.plan("p2p2")
    rehearsal, _, _ = world.rehearse()
    assert 1 == rehearsal.tally["failed"]
    attempted = len(world.attempted)
    answer = world.enforce(overrides={"dry_run_done": "we know"})
    assert attempted == len(world.attempted)
    assert (1, True) == (answer.tally["failed"], answer.in_part)
    assert "the policy would also apply to robot, who must not be enforced now" in (
        world.records(UserSkipped)[-1].detail
    )


def test_somebody_who_left_the_company_keeps_no_new_version_out():
    """Password, device and keys are gone: bob is held (no-credentials), and the policy can harm nobody."""
    world = two_waves()
    world.enforce()
    world.enforce()
    assert {"alice", "bob"} == world.enforced
    world.change("bob", password=None, devices=(), mfa_active=False, keys=())
    change_documents(world)
    world.plan("p2p2")
    assert [] == [one.code for account in world.plans.kept[-1].accounts() for one in account.findings]
    world.rehearse()
    world.enforce()
    assert equal_documents(in_force(world).document, OTHER_DOCUMENTS)
    assert {"alice", "bob"} == world.enforced


def test_a_new_default_version_is_held_back_without_failing_anybody_who_is_enforced():
    world = two_waves()
    world.enforce()
    world.account.put(a_person("robot", password=False, mfa=None, keys=1, attached=(POLICY,)))
    change_documents(world)
    world.plan("p2p2")
    world.rehearse()
    answer = world.enforce()
    assert {"already enforced": 2, "policy versions held back": 1} == answer.tally.counts
    assert equal_documents(in_force(world).document, FULL)


def test_a_policy_edited_by_hand_is_brought_back():
    world = two_waves()
    put_policy(world, a_policy(POLICY, BRAKE, FULL, *edits(1)))
    world.enforce()
    assert equal_documents(in_force(world).document, FULL)
    assert {"alice", "bob"} == world.enforced


def test_room_is_made_by_dropping_the_oldest_version_but_never_the_brake():
    world = two_waves()
    put_policy(world, a_policy(POLICY, BRAKE, *edits(4)))
    world.enforce()
    dropped = [change.version_id for change in world.written if isinstance(change, DeleteVersion)]
    assert ["v2"] == dropped
    kept = {version.id for version in the_policy(world).versions}
    assert {"v1", "v3", "v4", "v5", "v6"} == kept


def test_an_older_brake_is_kept_when_the_documents_have_changed():
    world = two_waves()
    put_policy(world, a_policy(POLICY, BRAKE, *edits(4)))
    change_documents(world)
    world.plan("p2p2")
    world.rehearse()
    world.enforce()
    assert "v1" in {version.id for version in the_policy(world).versions}
    assert equal_documents(in_force(world).document, OTHER_DOCUMENTS)


# --- The group ---


def test_the_policy_is_not_hung_back_on_a_group_whose_members_were_let_out():
    """Somebody detached it from the group: hanging it back for a newcomer would reach everybody in there."""
    world = two_waves()
    put_empty_group(world)
    attempted = len(world.attempted)
    answer = world.enforce()
    assert attempted == len(world.attempted)
    assert set() == world.enforced
    assert (1, 1) == (answer.tally["released"], answer.tally["failed"])
    assert "would also apply to alice" in world.records(UserSkipped)[-1].detail


def test_a_group_that_was_deleted_is_made_again_for_the_next():
    world = two_waves()
    facts = world.account.facts
    world.account.facts = replace(facts, groups={})
    world.change("alice", groups=())
    world.enforce()
    assert {"bob"} == world.enforced


def test_a_group_that_is_deleted_while_members_are_added_fails_them_and_is_not_taken_for_gone_users():
    """AWS answers NoSuchEntity in both cases; a wave must not be carried over the heads of those who are there."""
    world = two_waves("bob", "carl")
    account = world.account

    def delete_the_group(_):
        account.facts = replace(account.facts, groups={})

    account.before_write = delete_the_group
    answer = world.enforce()
    assert (2, True) == (answer.tally["failed"], answer.in_part)
    assert (Stage.ENFORCE, "rest") not in world.done.carried


# --- A brake that is over ---


@pytest.mark.parametrize(
    ("name", "fields"),
    [("erin", {"tags": {"email": "eve@example.com"}}), ("carl", {"mfa_active": False, "devices": ()})],
    ids=["another address", "worse"],
)
def test_who_was_not_told_of_it_does_not_come_back_when_the_brake_is_let_go(
    name: str, fields: dict[str, Any]
):
    world = World(an_enroller("erin"), a_cli_user("carl")).ripe()
    world.enforce()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=1)
    world.change(name, **fields)
    world.days_pass(1)
    result = world.enforce(run=operator.run())
    assert {"erin", "carl"} - {name} == world.enforced
    assert 1 == result.tally[SkipCode.NOTICE]


def test_it_is_let_go_over_whoever_was_told():
    world = World(an_enroller("erin"), a_cli_user("carl")).ripe()
    world.enforce()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT), hours=1)
    world.days_pass(60)
    world.plan()
    world.rehearse()
    world.enforce(run=operator.run())
    assert {"erin", "carl"} == world.enforced
