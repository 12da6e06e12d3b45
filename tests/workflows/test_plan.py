"""Inventory, verdicts and waves become a plan; the same facts become the same plan (design.md#plan-file)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from rollout.domain.people.users import NamedPolicy, Unread
from rollout.domain.plan.waves import Wave
from rollout.domain.verdicts.verdict import Code, Impact, Kind
from rollout.errors import NoPlan, PlanRefused, Refused, WrongUsage
from rollout.workflows.judging.draft import policy_fingerprint
from rollout.workflows.plan import Planned, newest_plan
from rollout.workflows.ports import CannotEnter
from tests.builders import ACCOUNT, NOW, ORGANIZATION, POLICY, a_user, an_exemption, an_id
from tests.workflows.world import World, a_cli_user, a_person, an_enroller, entries

OTHER = "222233334444"


def an_organization() -> World:
    return World(
        a_person("alice"),
        a_cli_user("carl"),
        an_enroller("erin"),
        a_person("robot", password=False, mfa=None, keys=1),
        a_person("bob", account_id=OTHER),
        canary=["alice", "erin"],
    )


def verdicts(world: World) -> dict[str, Kind]:
    return {entry.user.name: entry.verdict for entry in entries(world.plans.kept[-1])}


def test_everybody_is_judged_and_who_is_to_be_enforced_is_in_a_wave():
    world = an_organization()
    world.plan()
    found = {
        entry.user.name: (entry.verdict, entry.impact, entry.wave) for entry in entries(world.plans.kept[0])
    }
    assert {
        "alice": (Kind.ENFORCE, Impact.NONE, "canary"),
        "bob": (Kind.ENFORCE, Impact.NONE, "rest"),
        "carl": (Kind.ENFORCE, Impact.CLI, "rest"),
        "erin": (Kind.ENFORCE, Impact.ENROL, "canary"),
        "robot": (Kind.HOLD, None, ""),
    } == found


def test_the_header_counts_and_says_what_the_plan_was_made_by():
    world = an_organization()
    header = world.plan().stored.header
    assert {"canary": 2, "rest": 2} == header.waves
    assert {"exempt": 0, "covered": 0, "hold": 1, "enforce": 4} == header.verdicts
    assert (ORGANIZATION, NOW, NOW) == (header.organization_id, header.created, header.inventory_at)
    assert (policy_fingerprint(world.rules), "sha256:settings", "auto") == (
        header.digests.policy,
        header.digests.settings,
        header.scps,
    )
    assert header.checksum.startswith("sha256:")


def test_accounts_and_users_are_sorted():
    stored = an_organization().plan().stored
    assert [ACCOUNT, OTHER] == [part.account_id for part in stored.accounts()]
    for part in stored.accounts():
        names = [entry.user.name for entry in part.entries]
        assert sorted(names) == names


def test_the_same_facts_make_the_same_plan():
    """Whatever order they are read in, and whoever reads them."""
    plans = []
    for seed in range(4):
        world = an_organization()
        for account in world.accounts.values():
            users = list(account.facts.users)
            Random(seed).shuffle(users)
            account.facts = replace(account.facts, users=tuple(users))
        plans.append(world.plan())
    assert 1 == len({plan.stored.header.checksum for plan in plans})
    assert all(plans[0].accounts == plan.accounts for plan in plans)


def test_every_account_that_is_not_in_the_plan_is_named_with_its_reason():
    third, fourth = "333344445555", "444455556666"
    world = World(*(a_person("alice", account_id=id_) for id_ in (ACCOUNT, OTHER, third, fourth)))
    world.close(OTHER)
    world.closed[third] = CannotEnter("no role lets us in", "create the role")
    world.listed[fourth] = replace(world.listed[fourth], ou="Suspended")
    world.scope = replace(world.scope, exclude_ous=("Suspended",))
    left = {one.account_id: one for one in world.plan().stored.header.left_out}
    assert {OTHER: "closed", third: "unreachable", fourth: "excluded"} == {
        id_: one.state for id_, one in left.items()
    }
    assert ("no role lets us in", "create the role") == (left[third].reason, left[third].cure)
    assert 'excluded by OU "Suspended"' == left[fourth].reason


def test_a_user_whom_no_wave_takes_refuses_the_plan():
    world = an_organization()
    world.waves = (Wave("canary", users=("alice",)), Wave("dev", ous=("Workloads/Dev",)))
    with pytest.raises(WrongUsage, match=r"3 users to be enforced fit no wave: .*bob") as refusal:
        world.plan()
    assert 2 == refusal.value.exit_code
    assert "{name: rest}" in refusal.value.cure
    assert [] == world.plans.kept


def test_only_a_few_of_many_users_without_a_wave_are_named():
    world = World(*(a_person(f"user-{number}") for number in range(8)))
    world.waves = (Wave("canary", users=("nobody",)),)
    with pytest.raises(WrongUsage, match=r"8 users .*user-2 and 5 more"):
        world.plan()


def test_who_is_held_or_exempt_needs_no_wave():
    world = World(a_person("robot", password=False, mfa=None, keys=1), a_person("alice"))
    world.exempt(an_exemption(world.person("alice").arn))
    world.waves = (Wave("canary", users=("nobody",)),)
    world.plan()
    assert {"robot": Kind.HOLD, "alice": Kind.EXEMPT} == verdicts(world)


def test_too_many_exemptions_refuse_the_plan_with_the_numbers():
    world = World(*(a_person(f"user-{number}") for number in range(9)))
    world.exempt(an_exemption(world.person("user-0").arn))
    with pytest.raises(Refused, match=r"1 of 9 users are exempt \(11.1 %\), more than .*: 10") as refusal:
        world.plan(max_exempt_percent=10)
    assert 5 == refusal.value.exit_code
    assert [] == world.plans.kept


def test_as_many_exemptions_as_allowed_are_no_reason_to_refuse():
    world = World(*(a_person(f"user-{number}") for number in range(10)))
    world.exempt(an_exemption(world.person("user-0").arn))
    world.plan(max_exempt_percent=10)
    assert 1 == world.plans.kept[0].header.verdicts["exempt"]


def test_an_organization_without_users_has_a_plan():
    world = World()
    world.plan(max_exempt_percent=0)
    assert {"rest": 0} == world.plans.kept[0].header.waves


def test_who_is_enforced_already_is_judged_as_if_our_policies_were_absent():
    world = an_organization().planned()
    world.enforce()
    world.plan("p2p2")
    alice = next(entry for entry in entries(world.plans.kept[-1]) if entry.user.name == "alice")
    assert (Kind.ENFORCE, Impact.NONE, "canary", "ForceMFA (group ForceMFA)") == (
        alice.verdict,
        alice.impact,
        alice.wave,
        alice.enforced_by,
    )


def test_what_the_journal_does_not_know_was_made_from_another_store():
    world = an_organization().planned()
    world.enforce()
    world.plan("p2p2")
    assert Kind.ENFORCE is verdicts(world)["carl"]
    world.journal.kept.clear()
    world.plan("p3p3")
    assert Kind.HOLD is verdicts(world)["carl"]
    carl = next(entry for entry in entries(world.plans.kept[-1]) if entry.user.name == "carl")
    assert (Code.OTHER_STORE.value,) == carl.because
    assert "was made by plan k3f9 from another store" in carl.reasons[0].detail
    assert "rollout release --all" in carl.cure
    parts = world.plans.kept[-1].accounts()
    (finding,) = [one for part in parts for one in part.findings if one.code == "unknown-policy"]
    assert "was made by plan k3f9 from another store" in finding.text


def test_what_of_ours_stands_in_an_account_is_in_its_part():
    world = an_organization().planned()
    world.enforce()
    part = next(world.plan("p2p2").stored.accounts())
    assert (POLICY, True) == (part.ours.policy_arn, part.ours.group_exists)
    assert (world.person("alice").id,) == part.ours.members


# --- Findings ---


def test_what_a_person_must_look_at_is_in_the_plan():
    world = World(a_person("alice"), a_person("old"))
    world.exempt(an_exemption(world.person("old").arn, days=-1))
    world.levels = Unread("service control policies", "AccessDenied")
    found = {finding.code: finding.text for finding in world.plan().stored.header.findings}
    assert {"scps-unread", "exemption-expired"} == set(found)


def test_who_is_enforced_and_would_be_held_today_is_a_finding_and_left_as_is():
    world = an_organization().planned()
    world.enforce()
    world.change("alice", password=None, devices=(), mfa_active=False, keys=a_cli_user().keys)
    world.plan("p2p2")
    (finding,) = next(world.plans.kept[-1].accounts()).findings
    assert ("held-but-enforced", world.person("alice").arn) == (finding.code, finding.user_arn)
    world.rehearse()
    world.enforce()
    assert "alice" in world.enforced


def test_a_policy_that_only_looks_like_enforcement_is_a_finding():
    inverted = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Action": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice"],
            "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        },
    }
    world = World(a_person("alice", inline=(NamedPolicy("RequireMfa", inverted),)))
    codes = [finding.code for finding in next(world.plan().stored.accounts()).findings]
    assert ["look-alike"] == codes


# --- What has changed since ---


def changes_since(world: World) -> list[str]:
    return list(planned_again(world).since.lines())


def test_the_first_plan_is_compared_with_nothing():
    assert [] == changes_since(an_organization())


def test_a_plan_of_the_same_facts_has_no_difference():
    world = an_organization()
    world.plan()
    assert ["Since plan k3f9: no difference"] == changes_since(world)


def test_who_came_who_went_and_who_changed_is_said():
    world = an_organization()
    world.plan()
    world.account.remove("carl")
    world.account.put(a_person("newcomer"))
    world.change("erin", devices=a_person("erin").devices, mfa_active=True)
    head, *lines = changes_since(world)
    assert "Since plan k3f9: 3 differences" == head
    assert (
        "erin: enforce (no-mfa, enrolment-policy), wave canary -> enforce (has-mfa), wave canary" in lines[0]
    )
    assert "newcomer: new, enforce (has-mfa), wave rest" in lines[1]
    assert "carl: gone, was enforce" in lines[2]


def test_a_user_in_another_wave_is_said():
    world = an_organization()
    world.plan()
    world.waves = (Wave("canary", users=("alice",)), Wave("rest"))
    *_, line = changes_since(world)
    assert line.endswith("wave canary -> enforce (no-mfa, enrolment-policy), wave rest")


def test_a_name_that_was_given_to_somebody_else_is_two_differences():
    world = an_organization()
    world.plan()
    world.account.put(a_user("carl", id=an_id("somebody", "else"), tags={"email": "c@example.com"}))
    assert "2 differences" in changes_since(world)[0]


def test_a_damaged_plan_compares_to_nothing():
    world = an_organization()
    world.plan()
    world.plans.damage = PlanRefused("altered")
    assert None is newest_plan(world.plans, ORGANIZATION).stored
    world.plans.damage = NoPlan("none")
    assert None is newest_plan(world.plans, ORGANIZATION).stored


def test_a_plan_of_another_organization_compares_to_nothing():
    world = an_organization()
    world.plan()
    assert None is newest_plan(world.plans, "o-theirs").stored


# --- The same again ---


def planned_again(world: World) -> Planned:
    earlier = newest_plan(world.plans, ORGANIZATION)
    return world.days_pass(1).plan("p2p2", earlier=earlier)


def test_planning_again_without_a_difference_keeps_the_plan_and_renews_it():
    world = an_organization()
    first = world.plan().stored
    again = planned_again(world)
    assert again.kept
    assert (first.header, world.clock.now()) == (again.stored.header, again.stored.renewed)
    assert [first] == world.plans.kept


def use_a_key(world: World) -> None:
    carl = world.person("carl")
    world.change("carl", keys=tuple(replace(key, last_used=NOW) for key in carl.keys))


def test_times_of_last_use_are_no_difference():
    world = an_organization()
    world.plan()
    use_a_key(world)
    assert planned_again(world).kept


def forget_the_planner(world: World) -> None:
    (stored,) = world.plans.kept
    world.plans.kept = [replace(stored, header=replace(stored.header, caller_id=""))]


DIFFERENCES: dict[str, Callable[[World], None]] = {
    "a newcomer": lambda world: world.account.put(a_person("newcomer")),
    "somebody gone": lambda world: world.account.remove("carl"),
    "a fact behind a verdict": lambda world: world.change("alice", boundary_arn=POLICY),
    "an address": lambda world: world.change("alice", tags={"email": "new@example.com"}),
    "an exemption": lambda world: world.exempt(an_exemption(world.person("alice").arn)),
    "a namesake": lambda world: world.account.put(a_person("alice", id=an_id("another"))),
    "other waves": lambda world: setattr(world, "waves", (Wave("canary", users=("carl",)), Wave("rest"))),
    "other settings": lambda world: setattr(world, "settings", "sha256:others"),
    "an account that cannot be entered": lambda world: world.closed.update({OTHER: CannotEnter("no")}),
    "an account closed": lambda world: world.close(OTHER),
    "no planner on record, as in plans of earlier versions": forget_the_planner,
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_any_difference_makes_a_new_plan(what: str):
    world = an_organization()
    world.plan()
    DIFFERENCES[what](world)
    again = planned_again(world)
    assert not again.kept
    assert "p2p2" == again.stored.header.id


def test_a_plan_that_was_renewed_is_as_fresh_as_its_renewal():
    world = an_organization().planned()
    world.days_pass(50)
    (stored,) = world.plans.kept
    world.plans.kept = [stored.renew(world.clock.now())]
    world.days_pass(50)
    world.notify()
    world.days_pass(11)
    with pytest.raises(PlanRefused, match=r"too old: it was renewed 2027-01-13 .*valid until 2027-03-14"):
        world.notify()


def test_a_renewal_in_the_future_renews_nothing():
    world = an_organization().planned()
    world.plans.kept = [world.plans.kept[-1].renew(NOW + timedelta(days=1000))]
    world.days_pass(61)
    with pytest.raises(PlanRefused, match=r"too old: it was made 2026-11-24"):
        world.notify()


def test_the_digest_of_the_policy_turns_on_documents_and_names():
    rules = an_organization().rules
    other = replace(rules, names=replace(rules.names, group="MfaPeople"))
    assert policy_fingerprint(rules) == policy_fingerprint(replace(rules, exemptions=()))
    assert policy_fingerprint(rules) != policy_fingerprint(other)


def test_planning_writes_nothing():
    world = an_organization()
    world.plan()
    assert [] == world.attempted
    assert [] == world.journal.kept
