"""Looking at the organization: every listed account ends in exactly one of three ways (design.md#accounts)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.observations import NotEntered, Observed, Unreachable
from rollout.domain.people.organization import AccountState
from rollout.domain.people.scope import Scope, Selection
from rollout.domain.people.users import NamedPolicy, Unread
from rollout.domain.plan.planning import left_out
from rollout.errors import (
    EmptySelection,
    Interrupted,
    NoCredentials,
    OrganizationNotListable,
    OtherOrganization,
)
from rollout.workflows.inventory import LIFELESS, premises, read_levels, take_inventory
from rollout.workflows.ports import CannotEnter, PolicyLevels
from tests.builders import ACCOUNT, NOW, ORGANIZATION, a_caller, an_account, an_organization
from tests.fakes import FakeOrganization
from tests.workflows.world import World, a_person

IDS = [f"{digit}" * 12 for digit in range(1, 7)]
OUS = ["Workloads/Prod", "Workloads/Dev", "Sandbox", "Suspended/Old"]


def an_organization_of(*accounts) -> World:
    world = World(accounts=accounts)
    for account in world.accounts.values():
        account.put(a_person("alice", account_id=account.account.id))
    return world


def three_accounts() -> World:
    return an_organization_of(
        an_account(IDS[0], "prod", ou="Workloads/Prod"),
        an_account(IDS[1], "dev", ou="Workloads/Dev"),
        an_account(IDS[2], "old", ou="Suspended/Old"),
    )


def test_everybody_in_every_account_is_seen():
    inventory = three_accounts().inventory()
    assert IDS[:3] == [view.account.id for view in inventory.observed]
    assert (ORGANIZATION, NOW) == (inventory.organization.id, inventory.taken_at)
    assert {"OrganizationAccountAccessRole"} == {view.role for view in inventory.observed}


@pytest.mark.parametrize("state", [state for state in AccountState if state is not AccountState.ACTIVE])
def test_an_account_that_is_not_active_is_not_entered_and_no_failure(state):
    world = three_accounts()
    world.close(IDS[1], state)
    inventory = world.inventory()
    (view,) = (view for view in inventory.accounts if isinstance(view, NotEntered))
    assert (IDS[1], LIFELESS[state]) == (view.account.id, view.reason)
    assert () == inventory.unreachable
    assert [] == world.accounts[IDS[1]].asked


def test_an_excluded_account_is_not_entered():
    world = three_accounts()
    world.scope = Scope(include_accounts=("*",), exclude_ous=("Suspended/*",))
    (view,) = (view for view in world.inventory().accounts if isinstance(view, NotEntered))
    assert (IDS[2], 'excluded by OU "Suspended/*"') == (view.account.id, view.reason)
    assert [] == world.accounts[IDS[2]].asked


def test_closed_says_more_than_excluded():
    world = three_accounts()
    world.scope = Scope(exclude_ous=("Suspended/*",))
    world.close(IDS[2])
    view = world.inventory().accounts[2]
    assert isinstance(view, NotEntered)
    assert "closed" == view.reason


def test_an_account_that_cannot_be_entered_is_a_value_with_its_cure():
    world = three_accounts()
    world.closed[IDS[1]] = CannotEnter("no role lets us in", "create the role")
    inventory = world.inventory()
    (view,) = inventory.unreachable
    assert (IDS[1], "no role lets us in", "create the role") == (view.account.id, view.reason, view.cure)
    assert [IDS[0], IDS[2]] == [view.account.id for view in inventory.observed]


def test_an_account_that_cannot_be_read_is_unreachable_too():
    world = three_accounts()
    world.accounts[IDS[1]].unreadable = CannotEnter("AccessDenied on iam:GetAccountAuthorizationDetails")
    (view,) = world.inventory().unreachable
    assert IDS[1] == view.account.id


def test_an_account_that_was_not_asked_for_is_named_all_the_same():
    inventory = three_accounts().inventory(Selection(accounts=("prod",)))
    assert [IDS[0]] == [view.account.id for view in inventory.observed]
    assert 3 == len(inventory.accounts)
    assert {("not selected by --account / --ou", False)} == {
        (view.reason, view.asked_for) for view in inventory.accounts if isinstance(view, NotEntered)
    }


@pytest.mark.parametrize(
    "selection",
    [
        Selection(accounts=("no-such-*",)),
        Selection(ous=("No/Such",)),
        Selection(("prod",), ("Workloads/Dev",)),
    ],
    ids=["account", "ou", "both, but not together"],
)
def test_a_selection_that_matches_nothing_is_an_error_and_never_everything(selection):
    world = three_accounts()
    with pytest.raises(EmptySelection) as refusal:
        world.inventory(selection)
    assert 2 == refusal.value.exit_code
    assert all([] == account.asked for account in world.accounts.values())


def test_a_selection_of_accounts_that_are_all_closed_is_an_error():
    world = three_accounts()
    world.close(IDS[0])
    with pytest.raises(EmptySelection):
        world.inventory(Selection(accounts=("prod",)))


def test_an_organization_out_of_scope_is_an_error():
    world = three_accounts()
    world.scope = Scope(include_ous=("No/Such",))
    with pytest.raises(EmptySelection):
        world.inventory()


def test_a_look_that_was_cut_short_is_no_inventory():
    """Accounts that were not begun would be missing without a word."""
    world = three_accounts()
    world.stopping = lambda: len(world.accounts[IDS[0]].asked) > 0
    with pytest.raises(Interrupted) as ended:
        world.inventory()
    assert 130 == ended.value.exit_code


@given(
    st.lists(
        st.tuples(
            st.sampled_from(IDS),
            st.sampled_from(list(AccountState)),
            st.sampled_from(OUS),
            st.booleans(),
        ),
        min_size=1,
        unique_by=lambda account: account[0],
    ),
    st.sets(st.sampled_from(OUS)),
    st.none() | st.sampled_from(IDS),
)
def test_totals_always_add_up(accounts, excluded, chosen):
    """Whatever the states, the scope, the selection and the failures: nobody is lost, nobody counted twice."""
    world = World(
        accounts=[an_account(id_, f"name-{id_}", ou=ou, state=state) for id_, state, ou, _ in accounts]
    )
    world.scope = Scope(exclude_ous=tuple(sorted(excluded)))
    world.closed = {id_: CannotEnter("no role") for id_, _, _, fails in accounts if fails}
    try:
        inventory = world.inventory(Selection(accounts=(chosen,)) if chosen else Selection())
    except EmptySelection:
        return
    assert sorted(world.listed) == [view.account.id for view in inventory.accounts]
    kinds = Counter(type(view) for view in inventory.accounts)
    assert len(world.listed) == kinds[Observed] + kinds[Unreachable] + kinds[NotEntered]
    assert len(inventory.observed) + len(list(left_out(inventory))) == len(world.listed)
    for view in inventory.accounts:
        active = view.account.state is AccountState.ACTIVE and view.account.ou not in excluded
        assert isinstance(view, Observed | Unreachable) == (active and chosen in (None, view.account.id))
        assert isinstance(view, Unreachable) <= (view.account.id in world.closed)


# --- Service control policies ---


def test_each_account_gets_its_own_levels():
    world = three_accounts()
    deny = (NamedPolicy("DenyAll", {"Version": "2012-10-17", "Statement": []}),)
    world.levels = PolicyLevels({IDS[0]: (deny,), IDS[1]: (), IDS[2]: ()})
    assert [(deny,), (), ()] == [view.scps for view in world.inventory().observed]


def test_levels_that_cannot_be_read_are_unknown_and_a_finding():
    world = three_accounts()
    world.levels = Unread("service control policies", "AccessDenied")
    inventory = world.inventory()
    assert {None} == {view.scps for view in inventory.observed}
    (finding,) = inventory.findings
    assert ("scps-unread", "service control policies could not be read: AccessDenied") == (
        finding.code,
        finding.text,
    )


def test_an_account_missing_from_the_levels_is_unknown_not_free():
    world = three_accounts()
    world.levels = PolicyLevels({IDS[0]: ()})
    assert [(), None, None] == [view.scps for view in world.inventory().observed]


def test_levels_are_not_asked_where_the_operator_says_that_none_matter():
    world = three_accounts()
    world.levels = Unread("service control policies", "AccessDenied")
    levels = read_levels(world.organization, world.where.accounts, "off")
    assert PolicyLevels(dict.fromkeys(IDS[:3], ())) == levels


# --- Where we are ---


def test_the_organization_is_the_one_that_the_settings_name():
    where = premises(FakeOrganization(an_organization(), a_caller(), [an_account()]), ORGANIZATION)
    assert (ORGANIZATION, (an_account(),)) == (where.organization.id, where.accounts)


def test_another_organization_than_the_settings_name_is_refused():
    port = FakeOrganization(an_organization("o-theirs"), a_caller(), OrganizationNotListable("not asked"))
    with pytest.raises(OtherOrganization, match=r"o-theirs, but rollout.yaml says o-a1b2c3d4e5") as refusal:
        premises(port, ORGANIZATION)
    assert 6 == refusal.value.exit_code


def test_settings_that_name_no_organization_take_any():
    assert (
        "o-theirs"
        == premises(FakeOrganization(an_organization("o-theirs"), a_caller(), []), None).organization.id
    )


@pytest.mark.parametrize(
    "answers",
    [
        (an_organization(), NoCredentials("none"), []),
        (OrganizationNotListable("AccessDenied"), a_caller(), []),
        (an_organization(), a_caller(), OrganizationNotListable("AccessDenied")),
    ],
)
def test_what_cannot_be_asked_ends_the_command(answers):
    with pytest.raises((NoCredentials, OrganizationNotListable)) as ended:
        premises(FakeOrganization(*answers), None)
    assert 1 == ended.value.exit_code


def test_what_was_seen_is_dated():
    world = three_accounts().days_pass(2)
    (view, *_) = world.inventory().observed
    assert world.clock.now() == view.facts.read_at
    assert {world.clock.now()} == {user.rights_at for user in view.facts.users}


def test_the_progress_line_tells_what_of_the_accounts_so_far_matters():
    world = World(a_person("alice"), a_person("bob", account_id="222233334444"))
    world.closed[ACCOUNT] = CannotEnter("no role lets us in")
    look = world.look()
    waiting = iter((0, 12))
    take_inventory(replace(look, looking=replace(look.looking, awaited=lambda: next(waiting))))
    assert [
        f"1 unreachable; {ACCOUNT} account-0123",
        "1 unreachable, 12 waiting for a credential report; 222233334444 account-2222",
    ] == world.progress.details
