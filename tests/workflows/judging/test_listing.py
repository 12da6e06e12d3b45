"""`rollout inventory`: judged as a plan would be, with nothing refused and nothing stored."""

from __future__ import annotations

import pytest

from rollout.domain.people.scope import Selection
from rollout.domain.plan.waves import Wave
from rollout.errors import EmptySelection
from rollout.workflows.judging.draft import PlanOrder
from rollout.workflows.judging.listing import Listed, list_users
from rollout.workflows.ports import CannotEnter
from tests.builders import ACCOUNT, an_account, an_exemption
from tests.fakes import FakeDraft
from tests.workflows.world import World, a_cli_user, a_person, an_enroller

OTHER = "111122223333"


def listed(world: World, *users: str) -> Listed:
    order = PlanOrder("k3f9", world.rules, world.waves, "auto", world.settings, max_exempt_percent=10)
    return list_users(world.look(), order, world.journal, Selection(users=users), FakeDraft())


def names(found: Listed) -> list[str]:
    return [entry.user.name for account in found.parts.accounts() for entry in account.entries]


def test_everybody_is_judged_as_in_a_plan():
    world = World(a_person(), a_cli_user(), an_enroller(), a_person("zoe", account_id=OTHER))
    planned = world.plan()
    found = listed(world)
    assert list(planned.stored.accounts()) == list(found.parts.accounts())
    assert planned.stored.header.verdicts == found.header.verdicts
    assert ("", 4) == (found.header.id, found.users)


def test_nothing_is_stored_and_nothing_written():
    world = World(a_person())
    listed(world)
    assert ([], [], []) == (world.plans.kept, world.journal.kept, world.written)


def test_what_would_refuse_a_plan_is_listed():
    """Users without a wave, and more exemptions than a plan may have: a look is not the place to argue."""
    world = World(a_person(), a_person("bob"))
    world.waves = (Wave("canary", users=("nobody",)),)
    world.exempt(an_exemption(world.person("alice").arn))
    found = listed(world)
    assert {"exempt": 1, "covered": 0, "hold": 0, "enforce": 1} == found.header.verdicts
    assert {"canary": 0} == found.header.waves


def test_what_was_done_since_shows():
    world = World(a_cli_user()).ripe()
    world.enforce()
    (entry,) = next(listed(world).parts.accounts()).entries
    assert "ForceMFA" in entry.enforced_by
    assert listed(world).progress.runs


@pytest.mark.parametrize(
    "glob", ["carl", "c*", f"*:{ACCOUNT}:user/carl", "AIDA*"], ids=["name", "glob", "ARN", "UserId"]
)
def test_users_are_narrowed_by_arn_name_and_user_id(glob: str):
    world = World(a_person(), a_cli_user())
    found = listed(world, glob)
    assert (["alice", "carl"] if glob == "AIDA*" else ["carl"]) == names(found)
    assert found.users == sum(found.header.verdicts.values()) == sum(found.header.waves.values())


def test_a_glob_that_matches_nobody_is_an_error_that_names_it():
    world = World(a_person(), a_person("zoe", account_id=OTHER))
    world.closed[OTHER] = CannotEnter("no role")
    with pytest.raises(EmptySelection, match=r'--user "zoe"; 1 account could not be read') as refused:
        listed(world, "alice", "zoe")
    assert 2 == refused.value.exit_code


def test_every_listed_account_is_accounted_for():
    world = World(a_person(), accounts=[an_account(OTHER, "old"), an_account("222233334444", "lost")])
    world.close(OTHER)
    world.closed["222233334444"] = CannotEnter("no role", "create it")
    found = listed(world)
    left = {one.account_id: one.state for one in found.header.left_out}
    assert {OTHER: "closed", "222233334444": "unreachable"} == left
    assert [ACCOUNT] == [account.account_id for account in found.parts.accounts()]
