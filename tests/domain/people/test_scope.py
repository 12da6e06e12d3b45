"""Globs over accounts, OUs and users; exclude wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.scope import Scope, Selection, Unmatched, first_match, first_ou_match
from tests.builders import ACCOUNT, an_account

PROD = an_account(ou="Workloads/Prod")
ROOT = an_account(ou="")
OUS = [
    ("*", "", True),
    ("*", "Workloads/Prod", True),
    ("Workloads/Prod", "Workloads/Prod", True),
    ("Workloads/Prod", "Workloads/Prod/Payments/EU", True),
    ("Workloads", "Workloads/Prod", True),
    ("Workloads/Prod", "Workloads/Production", False),
    ("Workloads/Prod", "Workloads", False),
    ("Workloads/Prod", "Other/Workloads/Prod", False),
    ("Prod", "Workloads/Prod", False),
    ("*/Prod", "Workloads/Prod", True),
    ("*/Prod", "Workloads/Prod/EU", True),
    ("Workloads/*", "Workloads/Prod/EU", True),
    ("Suspended/*", "Suspended", True),
    ("Suspended/*", "Suspended/Old", True),
    ("Suspended/*", "Suspended2", False),
    ("Suspended/*", "", False),
    ("*/*", "", False),
    ("workloads/prod", "Workloads/Prod", False),
    ("Work?oads", "Workloads", True),
    ("[WX]orkloads", "Workloads", True),
    ("Workloads", "", False),
]


@pytest.mark.parametrize(("glob", "ou", "matches"), OUS)
def test_an_ou_glob_means_the_ou_and_all_below_it(glob: str, ou: str, matches: bool):
    assert (glob if matches else "") == first_ou_match((glob,), ou)


NAMES = st.text("ABab/", min_size=1, max_size=8)


@given(st.lists(st.text("ABab", min_size=1, max_size=3), min_size=1, max_size=5), st.data())
def test_every_ou_is_taken_by_each_of_those_above_it_and_by_no_other(parts: list[str], data: st.DataObject):
    ou = "/".join(parts)
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    other = data.draw(NAMES)
    for glob in above:
        assert first_ou_match((glob,), ou)
        assert first_ou_match((f"{glob}/*",), ou)
    assert bool(first_ou_match((other,), ou)) == (other in above)


TAGGED = an_account(tags={"env": "prod", "note": ""})
SCOPES = [
    ("a tag among those to include", Scope(include_tags=("team=x", "env=prod")), TAGGED, ""),
    (
        "no tag among those to include",
        Scope(include_tags=("env=dev",)),
        TAGGED,
        "not matched by scope.include.account_tags",
    ),
    (
        "tags wanted, and none there",
        Scope(include_tags=("env=prod",)),
        PROD,
        "not matched by scope.include.account_tags",
    ),
    ("a tag to exclude", Scope(exclude_tags=("env=prod",)), TAGGED, 'excluded by tag "env=prod"'),
    ("a tag is matched letter for letter", Scope(exclude_tags=("Env=prod", "env=*")), TAGGED, ""),
    ("an empty value is a value", Scope(exclude_tags=("note=",)), TAGGED, 'excluded by tag "note="'),
    ("a tag that is not there has no empty value", Scope(exclude_tags=("other=",)), TAGGED, ""),
    (
        "excluded by tag wins over included by tag",
        Scope(include_tags=("env=prod",), exclude_tags=("note=",)),
        TAGGED,
        'excluded by tag "note="',
    ),
    ("everything, unless told otherwise", Scope(), PROD, ""),
    ("the root too", Scope(), ROOT, ""),
    ("an OU left out", Scope(exclude_ous=("Workloads",)), PROD, 'excluded by OU "Workloads"'),
    (
        "an OU left out as in the example",
        Scope(exclude_ous=("Workloads/*",)),
        an_account(ou="Workloads"),
        "excluded by OU",
    ),
    (
        "an account left out by id",
        Scope(exclude_accounts=(ACCOUNT,)),
        PROD,
        f'excluded by account "{ACCOUNT}"',
    ),
    ("an account left out by name", Scope(exclude_accounts=("pay*",)), PROD, 'excluded by account "pay*"'),
    (
        "exclude wins over the same include",
        Scope(include_accounts=(ACCOUNT,), exclude_accounts=(ACCOUNT,)),
        PROD,
        "excluded",
    ),
    (
        "exclude wins over a narrower include",
        Scope(include_ous=("Workloads/Prod",), exclude_ous=("Workloads",)),
        PROD,
        "excluded",
    ),
    ("an OU not included", Scope(include_ous=("Sandbox",)), PROD, "not matched by scope.include.ous"),
    (
        "an account not included",
        Scope(include_accounts=("dev-*",)),
        PROD,
        "not matched by scope.include.accounts",
    ),
    (
        "both have to include",
        Scope(include_ous=("Workloads",), include_accounts=("dev-*",)),
        PROD,
        "not matched by scope.include.accounts",
    ),
    ("included by both", Scope(include_ous=("Workloads",), include_accounts=("pay*",)), PROD, ""),
    (
        "names are case-sensitive",
        Scope(include_accounts=("PAY*",)),
        PROD,
        "not matched by scope.include.accounts",
    ),
    ("no glob, no account", Scope(include_accounts=()), PROD, "not matched by scope.include.accounts"),
    ("the root is in no OU", Scope(include_ous=("Workloads",)), ROOT, "not matched by scope.include.ous"),
]


@pytest.mark.parametrize(("says", "scope", "account", "why"), SCOPES, ids=[row[0] for row in SCOPES])
def test_a_scope_says_why_not(says: str, scope: Scope, account, why: str):
    found = scope.excludes(account)
    assert why in found
    assert bool(why) == bool(found)


SELECTIONS = [
    (Selection(), True),
    (Selection(accounts=(ACCOUNT,)), True),
    (Selection(accounts=("payments-*",)), True),
    (Selection(accounts=("0123*",)), True),
    (Selection(accounts=("other", "payments-prod")), True),
    (Selection(accounts=("other",)), False),
    (Selection(accounts=("payments",)), False),
    (Selection(ous=("Workloads",)), True),
    (Selection(ous=("Sandbox",)), False),
    (Selection(accounts=(ACCOUNT,), ous=("Sandbox",)), False),
    (Selection(users=("nobody",)), True),
]


@pytest.mark.parametrize(("selection", "takes"), SELECTIONS)
def test_a_selection_of_accounts(selection: Selection, takes: bool):
    assert takes == selection.takes_account(PROD.id, PROD.name, PROD.ou)


@pytest.mark.parametrize(
    ("glob", "takes"),
    [
        ("alice", True),
        ("al*", True),
        ("ALICE", False),
        ("lic", False),
        ("AIDAEXAMPLE", True),
        (f"arn:aws:iam::{ACCOUNT}:user/team/*", True),
        ("*/alice", True),
        ("bob", False),
    ],
)
def test_a_selection_of_users(glob: str, takes: bool):
    arn = f"arn:aws:iam::{ACCOUNT}:user/team/alice"
    assert takes == Selection(users=(glob,)).takes_user(arn, "alice", "AIDAEXAMPLE")


def test_no_globs_take_every_user():
    assert Selection().takes_user("arn", "alice", "AIDAEXAMPLE")


@pytest.mark.parametrize("name", ["=cmd", "+1", "-x", "@home", "a,b", "a.b_c-d@e=f+g"])
def test_odd_names_are_no_globs(name: str):
    assert name == first_match((name,), name)
    assert "" == first_match((name,), name + "x", "x" + name)


def test_globs_that_matched_nothing_are_named_as_they_were_typed():
    left = Unmatched(Selection(("prod-*", ACCOUNT), ("Workloads", "Sandbox"), ("al*", "bob")))
    assert '--account "prod-*"' in left.words
    left.see_account(PROD.id, PROD.name, PROD.ou)
    left.see_user("arn:x", "alice", "AIDAX")
    assert '--account "prod-*", --ou "Sandbox", --user "bob"' == left.words
    left.see_account("1", "prod-1", "Sandbox/Deep")
    left.see_user("arn:y", "bob", "AIDAY")
    assert "" == left.words
