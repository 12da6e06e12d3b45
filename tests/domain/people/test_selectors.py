"""Selectors that match nobody are told; those that could not be looked for are told apart from them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.domain.people.organization import user_arn
from rollout.domain.people.selectors import (
    NOT_LOOKED_FOR,
    UNMATCHED,
    AccountSelector,
    Searched,
    Selector,
    UnmatchedSelector,
    find_unmatched,
    matching,
    names_user,
)
from tests.builders import ACCOUNT, TODAY, a_user, an_account, an_id

OTHER = "222233334444"
ALICE = a_user("alice", tags={"Team": "blue"})
TYPING_ERROR = user_arn("aws", ACCOUNT, "/", "alcie")


def glass(text: str) -> Selector:
    return names_user("rules.break_glass", text, protects=True)


def found(*selectors: Selector, **where) -> list[UnmatchedSelector]:
    accounts = (an_account(ACCOUNT), an_account(OTHER))
    searched = Searched(accounts, matching(selectors, [ALICE]), **where)
    return list(find_unmatched(selectors, searched, TODAY))


@pytest.mark.parametrize("text", [ALICE.arn, ALICE.id, "team=blue"])
def test_a_selector_that_names_somebody_is_in_order(text: str):
    assert [] == found(glass(text))


@pytest.mark.parametrize("text", [TYPING_ERROR, an_id("nobody"), "team=blu"])
def test_a_selector_that_names_nobody_is_found_and_refuses(text: str):
    (one,) = found(glass(text))
    assert f'rules.break_glass: "{text}" matches no user' == one.sentence
    assert UNMATCHED == one.finding.code
    assert one.refuses


def test_only_what_protects_somebody_refuses():
    (one,) = found(names_user("rules.enforce_machines", TYPING_ERROR, protects=False))
    assert UNMATCHED == one.finding.code
    assert not one.refuses


def test_an_account_selector_is_looked_for_among_all_listed_accounts():
    excluded = AccountSelector(
        "scope.exclude.accounts", "9*", lambda one: one.id.startswith("9"), protects=True
    )
    (one,) = found(excluded, unread=frozenset({ACCOUNT}))
    assert 'scope.exclude.accounts: "9*" matches no account' == one.sentence
    assert one.refuses


@pytest.mark.parametrize("where", ["unread", "left_alone"])
def test_an_arn_in_an_account_that_was_not_read_could_not_be_looked_for(where: str):
    (one,) = found(glass(user_arn("aws", OTHER, "/", "bob")), **{where: frozenset({OTHER})})
    assert NOT_LOOKED_FOR == one.finding.code
    assert f"could not be checked: account {OTHER} was not read" in one.sentence
    assert not one.refuses


def test_an_arn_in_an_account_that_was_read_refuses_whatever_else_could_not_be():
    (one,) = found(glass(TYPING_ERROR), unread=frozenset({OTHER}))
    assert one.refuses


def test_an_arn_in_an_account_that_nobody_listed_refuses():
    (one,) = found(glass(user_arn("aws", "999988887777", "/", "bob")), unread=frozenset({OTHER}))
    assert one.refuses


@pytest.mark.parametrize("text", [an_id("nobody"), "team=blu"])
def test_what_may_be_in_any_account_could_not_be_looked_for_while_one_was_not_read(text: str):
    (one,) = found(glass(text), unread=frozenset({OTHER}))
    assert "could not be checked: 1 account was not read" in one.sentence
    assert not one.refuses


@pytest.mark.parametrize("text", [an_id("nobody"), "team=blu"])
def test_accounts_where_nobody_is_enforced_excuse_no_typing_error(text: str):
    (one,) = found(glass(text), left_alone=frozenset({OTHER}))
    assert one.refuses


def test_what_has_expired_is_not_looked_for():
    ended = names_user("exemptions[0].user", TYPING_ERROR, protects=True, expires=TODAY - timedelta(days=1))
    assert [] == found(ended)
    lasting = names_user("exemptions[0].user", TYPING_ERROR, protects=True, expires=TODAY)
    assert 1 == len(found(lasting))
