"""What has to be right before anything is carried: plan, organization, journal, lock.

See design.md#plan-file, design.md#apply-journal-store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from rollout.domain.people.observations import ManagedPolicy, PolicyVersion
from rollout.domain.policy.changes import CreatePolicy
from rollout.domain.policy.force_mfa import PolicyAmendments, allow_half, enrolment, force_mfa
from rollout.domain.policy.made import tags_of
from rollout.domain.policy.our_resources import Documents, Names
from rollout.domain.progress.records import AccountFailed, RunEnded, RunStarted, WaveCarried
from rollout.domain.progress.stages import Stage
from rollout.errors import LockHeld, OtherOrganization, PlanRefused, Refused, RolloutError
from rollout.wiring.seed_policy import seed
from tests.builders import ACCOUNT, GROUP, NOW, ORGANIZATION, POLICY, a_membership, a_run, an_intent
from tests.fakes import Trouble
from tests.workflows.world import (
    BRAKE,
    ENROLMENT_POLICY,
    FULL,
    World,
    a_cli_user,
    a_person,
    an_enroller,
)

OTHER = "222233334444"


def refuses(world: World, kind: type[RolloutError], match: str, code: int, **more: object) -> None:
    """Every stage refuses, and neither AWS nor the journal nor anybody's mailbox sees anything of it."""
    kept = list(world.journal.kept)
    for stage in Stage:
        with pytest.raises(kind, match=match) as refusal:
            world.apply(stage, **more)  # type: ignore[arg-type]  # the table holds arguments of several kinds
        assert code == refusal.value.exit_code
    assert kept == world.journal.kept
    assert [] == world.attempted
    assert [] == world.notifier.sent


def test_a_plan_of_another_organization_is_refused():
    world = World(a_cli_user("carl")).planned()
    stored = world.plans.kept[-1]
    world.plans.kept = [replace(stored, header=replace(stored.header, organization_id="o-other"))]
    refuses(
        world, OtherOrganization, "plan k3f9 is of organization o-other, these credentials are of o-a1b2", 6
    )


def test_a_plan_made_under_other_settings_is_refused():
    world = World(a_cli_user("carl")).planned()
    world.settings = "sha256:changed"
    refuses(
        world, PlanRefused, "policy, rules, waves or scope in rollout.yaml have changed since plan k3f9", 6
    )


def test_a_plan_made_for_other_documents_is_refused():
    world = World(a_cli_user("carl")).planned()
    full = force_mfa(seed(), "aws", PolicyAmendments(via_aws_service=True))
    world.rules = replace(world.rules, documents=Documents(full, allow_half(full), enrolment("aws")))
    refuses(world, PlanRefused, "the policy documents have changed since plan k3f9", 6)


def test_a_plan_made_for_other_names_is_refused():
    world = World(a_cli_user("carl")).planned()
    world.rules = replace(world.rules, names=Names(group="MfaPeople"))
    refuses(world, PlanRefused, "the policy documents have changed", 6)


def test_a_plan_that_is_too_old_is_refused():
    world = World(a_cli_user("carl")).planned()
    world.plan_max_age = timedelta(days=30)
    world.days_pass(30.5)
    refuses(
        world,
        PlanRefused,
        r"plan k3f9 is too old: it was made .* UTC and was valid until .* UTC \(rules.plan_max_age\)",
        6,
    )


def test_a_plan_may_be_as_old_as_its_limit():
    world = World(a_person("alice")).planned()
    world.plan_max_age = timedelta(days=30)
    world.days_pass(30).enforce()
    assert {"alice"} == world.enforced


# --- A journal that was lost ---


def put_policy(
    world: World, arn: str, *documents: dict[str, object], tags: Mapping[str, str] | None = None
) -> None:
    account = world.accounts[arn.split(":")[4]]
    versions = tuple(
        PolicyVersion(f"v{number}", document, is_default=number == len(documents))
        for number, document in enumerate(documents, start=1)
    )
    policy = ManagedPolicy(arn, arn.rsplit("/", 1)[-1], "/rollout/", versions, tags or {})
    account.facts = replace(account.facts, policies={**account.facts.policies, arn: policy})


def test_an_account_with_a_policy_of_ours_that_the_journal_does_not_know_is_held_and_the_others_go_on():
    """Somebody works with the wrong store: nobody knows what that policy is there for."""
    world = World(a_person("alice"), a_person("bob", account_id=OTHER))
    world.ripe()
    put_policy(world, POLICY.replace(ACCOUNT, OTHER), BRAKE, FULL)
    result = world.enforce()
    assert {"alice"} == world.enforced
    assert (OTHER,) == result.failed_accounts
    assert [] == world.accounts[OTHER].attempted
    (failed,) = {(one.account_id, one.reason, one.cure) for one in world.records(AccountFailed)}
    assert f"account {OTHER}: {POLICY.replace(ACCOUNT, OTHER)} was not made by rollout" in failed[1]
    assert "store: in rollout.yaml" in failed[2]


def test_by_its_tags_the_plan_is_named_that_made_it_from_another_store():
    world = World(a_person("alice"))
    world.planned()
    put_policy(world, POLICY, BRAKE, FULL, tags=tags_of("1.0.0", "run-9", "m2n4"))
    world.enforce()
    assert [] == world.attempted
    assert "was made by plan m2n4 from another store" in world.records(AccountFailed)[-1].reason


def test_our_enrolment_policy_without_a_journal_that_knows_it_is_held_too():
    world = World(an_enroller("erin", helped=False))
    world.plan()
    put_policy(world, ENROLMENT_POLICY, dict(enrolment("aws")))
    result, *_ = world.rehearse()
    assert [] == world.attempted
    assert (ACCOUNT,) == result.failed_accounts
    assert "ForceMFAEnrolment was not made by rollout" in result.history.account_failures[-1].reason


def test_a_policy_whose_making_was_left_open_is_known():
    """The journal knows the intent: settled by looking, it is ours."""
    world = World(a_person("alice")).ripe()
    world.enforce()
    kept = world.journal.kept
    first_write = next(number for number, record in enumerate(kept) if type(record).__name__ == "Settled")
    world.journal.kept = kept[:first_write]
    world.rehearse()
    world.enforce()
    assert {"alice"} == world.enforced
    assert 5 == len(world.written)


def test_a_policy_that_showed_after_its_making_was_given_up_is_known():
    """No answer, not to be seen, given up; then it is there: that is no other store's policy."""
    world = World(a_person("alice")).ripe()
    world.account.fail(Trouble.LOST_BEFORE, lambda change: isinstance(change, CreatePolicy), times=3)
    assert 1 == world.enforce().tally["failed"]
    tried = next(change for change in world.attempted if isinstance(change, CreatePolicy))
    put_policy(world, POLICY, BRAKE, tags=tried.tags)
    world.enforce()
    assert {"alice"} == world.enforced


def test_a_policy_that_somebody_else_made_at_our_path_meanwhile_is_not_ours():
    """Of our name, path, document and plan: the tag of the run is what nobody could know."""
    world = World(a_person("alice")).ripe()
    world.account.fail(Trouble.LOST_BEFORE, lambda change: isinstance(change, CreatePolicy), times=3)
    world.enforce()
    put_policy(world, POLICY, BRAKE, tags=tags_of("1.0.0", "run-of-another", "k3f9"))
    world.enforce()
    assert set() == world.enforced


def test_the_journal_of_another_organization_does_not_count():
    """Two organizations may share a store: account ids tell nothing about who wrote what."""
    world = World(a_person("alice"))
    world.journal.append(
        a_run("theirs", organization_id="o-theirs"),
        an_intent(a_membership(), run="theirs"),
        WaveCarried("theirs", NOW, "rest", Stage.ENFORCE),
    )
    world.planned()
    world.enforce()
    assert {"alice"} == world.enforced


# --- The lock ---


def test_a_second_operator_is_told_who_holds_the_lock_and_nothing_is_written():
    world = World(a_cli_user("carl")).planned()
    world.lock.holder = "ana on laptop-7 (process 4711)"
    refuses(world, LockHeld, "ana on laptop-7", 5)


def test_the_lock_is_of_the_organization_and_says_what_for():
    world = World(a_person("alice")).planned()
    world.enforce()
    assert (ORGANIZATION, "apply --stage enforce") == world.lock.held[-1]
    assert "" == world.lock.holder


def test_what_is_due_is_decided_under_the_lock():
    """Whoever held it a moment ago may have carried the wave that this run was about to carry."""
    world = World(a_person("alice"), a_person("bob"), canary=["alice"]).planned()
    hold = world.lock.hold

    def hold_after_another_run(organization_id, purpose):
        world.lock.hold = hold  # type: ignore[method-assign]  # replaced for this test
        world.enforce()
        return hold(organization_id, purpose)

    world.lock.hold = hold_after_another_run  # type: ignore[method-assign]  # replaced for this test
    answer = world.enforce()
    assert ("canary",) == answer.waves
    assert {"already enforced": 1} == answer.tally.counts
    assert "soak" in answer.why_nothing
    assert ["alice"] == [user.name for user in world.account.facts.users if GROUP in user.groups]


def test_the_lock_is_let_go_when_a_gate_refuses():
    world = World(a_person("alice"))
    world.plan()
    with pytest.raises(Refused):
        world.enforce()
    assert "" == world.lock.holder


def test_a_run_that_is_refused_in_the_middle_ends_once_on_record():
    world = World(a_person("alice"))
    world.plan()

    def refuse() -> None:
        raise Refused("no more", cure="ask")

    world.account.after_read = refuse
    with pytest.raises(Refused):
        world.rehearse()
    assert [1, 1] == [len(world.records(RunStarted)), len(world.records(RunEnded))]
