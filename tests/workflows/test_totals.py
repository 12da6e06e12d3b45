"""Nobody is lost between organization and report: plan header and accounts.csv name every account exactly once."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

from hypothesis import given, reject
from hypothesis import strategies as st

from rollout.domain.people.organization import Account, AccountState
from rollout.domain.people.scope import Scope
from rollout.errors import EmptySelection
from rollout.reporting.account_columns import ACCOUNTS, ListedState
from rollout.reporting.report_data import gather
from rollout.workflows.ports import CannotEnter
from tests.builders import an_account
from tests.workflows.world import World, a_cli_user, a_person, an_enroller

OUS = ("", "Workloads/Prod", "Workloads/Dev", "Suspended/Old")
STATES = {
    AccountState.ACTIVE: "entered",
    AccountState.CLOSED: "closed",
    AccountState.SUSPENDED: "suspended",
    AccountState.PENDING_CLOSURE: "closing",
    AccountState.PENDING_ACTIVATION: "not activated yet",
}
KINDS = (a_person, a_cli_user, an_enroller)

scopes = st.builds(
    Scope,
    include_ous=st.just(("*",)) | st.sets(st.sampled_from(OUS[1:]), min_size=1).map(tuple),
    exclude_ous=st.sets(st.sampled_from(OUS[1:]), max_size=1).map(tuple),
    exclude_accounts=st.sampled_from([(), ("*7",), ("name-1*",)]),
)


@st.composite
def organizations(draw: Any) -> World:
    """Accounts in every state, some out of scope, some that let nobody in, with a few users each."""
    ids = draw(st.lists(st.from_regex(r"[0-9]{12}", fullmatch=True), min_size=1, max_size=8, unique=True))
    accounts = [
        an_account(
            id_,
            f"name-{id_}",
            ou=draw(st.sampled_from(OUS)),
            state=draw(st.sampled_from([AccountState.ACTIVE] * 4 + list(AccountState))),
        )
        for id_ in ids
    ]
    world = World(accounts=accounts)
    for account in accounts:
        for number in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from(KINDS))
            world.accounts[account.id].put(kind(f"user-{number}", account_id=account.id))
        trouble = draw(st.sampled_from(["none"] * 3 + ["door", "reading"]))
        if trouble == "door":
            world.closed[account.id] = CannotEnter("no role lets us in", "make one")
        if trouble == "reading":
            world.accounts[account.id].unreadable = CannotEnter("AccessDenied", "allow it")
    world.scope = draw(scopes)
    return world


def expected_state(account: Account, world: World) -> str:
    if account.state is not AccountState.ACTIVE:
        return STATES[account.state]
    if world.scope.excludes(account):
        return "excluded"
    fails = account.id in world.closed or world.accounts[account.id].unreadable
    return "unreachable" if fails else "entered"


# Takes a second or more: many whole plans, drawn at random.
@given(organizations())
def test_every_listed_account_is_named_once_and_the_numbers_add_up(world: World):
    try:
        stored = world.plan().stored
    except EmptySelection:
        reject()
    header, parts = stored.header, tuple(stored.accounts())
    listed = {account.id: expected_state(account, world) for account in world.listed.values()}

    # The plan: in it, or left out by name.
    planned = Counter([part.account_id for part in parts] + [left.account_id for left in header.left_out])
    assert dict.fromkeys(listed, 1) == planned
    assert {id_: state for id_, state in listed.items() if state != "entered"} == {
        left.account_id: left.state for left in header.left_out
    }
    assert all(left.reason for left in header.left_out)

    # The report: one line each, in order.
    report = gather(header, parts, world.done, world.clock.now(), notified=world.notice_rule)
    rows = list(csv.DictReader(io.StringIO("".join(ACCOUNTS.csv(report.accounts)))))
    assert [(id_, listed[id_]) for id_ in sorted(listed)] == [
        (row["account_id"], row["state"]) for row in rows
    ]

    # Numbers: of those who were looked at, and of nobody else.
    for verdict, count in header.verdicts.items():
        assert count == sum(int(row[verdict] or 0) for row in rows)
    seen = [len(world.accounts[id_].facts.users) for id_, state in listed.items() if state == "entered"]
    assert sum(seen) == len(report.users) == sum(header.verdicts.values())
    assert {""} >= {row["users"] for row in rows if row["state"] != "entered"}


def test_every_state_of_an_account_is_one_of_the_report():
    assert {*STATES.values(), "excluded", "unreachable"} == set(ListedState)
