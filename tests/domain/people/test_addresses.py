"""Where a person can be told: the first rule that gives an address that can stand in a To: header."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.addresses import (
    AccountAddress,
    Addressee,
    AddressTag,
    CatchAll,
    ListedPerson,
    NameAtDomain,
    NameIsAddress,
    PeopleFile,
    addressee_of,
    is_address,
    why_nobody,
)
from tests.builders import a_user, an_account

GOOD = [
    "a@example.com",
    "first.last+aws@mail.example.co.uk",
    "o'brien@example.com",
    "x_y=z@sub-domain.example.com",
    "A@EXAMPLE.COM",
    "a@xn--exmple-cua.com",
]
BAD = [
    "",
    "alice",
    "alice@",
    "@example.com",
    "alice@localhost",
    "a b@example.com",
    "a@example.com ",
    "a@example.com\n",
    "a@example.com\nBcc: everybody@example.com",
    "a@example.com, b@example.com",
    "<a@example.com>",
    "Alice <a@example.com>",
    "a@@example.com",
    "a@example..com",
    "a@exämple.com",
    "ä@example.com",
    "a@example.com;",
    "mailto:a@example.com",
    "-",
    ".a@example.com",
    "a.@example.com",
    "a..b@example.com",
    "a@-example.com",
    "a@example-.com",
    "a@.example.com",
    "a@example.com.",
    "a@192.0.2.1",
    "a@intranet.local",
    "a@example.invalid",
    "a@xn--.com",
    "a@" + "x" * 64 + ".com",
    "x" * 65 + "@example.com",
    "a" * 250 + "@example.com",
]


@pytest.mark.parametrize("text", GOOD)
def test_an_address(text: str):
    assert is_address(text)


@pytest.mark.parametrize("text", BAD)
def test_no_address(text: str):
    assert not is_address(text)


@given(st.text())
def test_an_address_never_breaks_a_header(text: str):
    if is_address(text):
        assert text.isascii()
        assert text.isprintable()
        assert not set(text) & set(' ,;<>"()[]\\:\r\n\t')
        assert 1 == text.count("@")


TAG, NAME = AddressTag("email"), NameIsAddress()


@pytest.mark.parametrize(
    ("says", "user", "rules", "address"),
    [
        ("a tag", a_user(tags={"email": "a@example.com"}), (TAG,), "a@example.com"),
        (
            "a tag in other letters",
            a_user(tags={"E-Mail": "x", "EMAIL": "a@example.com"}),
            (TAG,),
            "a@example.com",
        ),
        ("a tag that holds none", a_user(tags={"email": "n/a"}), (TAG,), ""),
        ("the name", a_user("a@example.com"), (NAME,), "a@example.com"),
        ("a name that is none", a_user("alice"), (NAME,), ""),
        (
            "the first rule that gives one",
            a_user("n@example.com", tags={"email": "t@example.com"}),
            (TAG, NAME),
            "t@example.com",
        ),
        (
            "in the order of the rules",
            a_user("n@example.com", tags={"email": "t@example.com"}),
            (NAME, TAG),
            "n@example.com",
        ),
        (
            "a rule that gives none makes way",
            a_user("n@example.com", tags={"email": ""}),
            (TAG, NAME),
            "n@example.com",
        ),
        ("no rules", a_user("n@example.com", tags={"email": "t@example.com"}), (), ""),
        ("a header trick", a_user(tags={"email": "a@example.com\nBcc: b@example.com"}), (TAG,), ""),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_an_address_is_found(says: str, user, rules, address: str):
    assert address == addressee_of(user, an_account(), rules).address


def test_what_looks_like_an_address_and_is_none_is_named():
    user = a_user("alice", tags={"email": "alice@intranet.local"})
    said = 'no address is known; tag email has "alice@intranet.local", which is no address that may have mail'
    assert said == why_nobody(user, an_account(), (TAG, NAME))
    assert "no address is known" == why_nobody(a_user("alice"), an_account(), (TAG, NAME))


def listed(user: str, account: str = "") -> ListedPerson:
    return ListedPerson(user, Addressee(f"{len(user)}{account[:1]}@example.com", "people.csv"), account)


ALICE = a_user("Alice")
ARN, IN_ACCOUNT, ANYWHERE = listed(ALICE.arn), listed("alice", ALICE.account_id), listed("ALICE")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((ANYWHERE, IN_ACCOUNT, ARN), ARN),
        ((ANYWHERE, IN_ACCOUNT), IN_ACCOUNT),
        ((ANYWHERE, listed("alice", "999999999999")), ANYWHERE),
        ((listed("alice", "999999999999"),), None),
        ((listed("bob"),), None),
    ],
    ids=["the ARN", "account and name", "the name alone", "another account", "somebody else"],
)
def test_the_line_that_names_a_user_best_counts(lines, found):
    expected = found.addressee if found else Addressee()
    assert expected == addressee_of(ALICE, an_account(), (PeopleFile.of(lines),))


@pytest.mark.parametrize(
    ("rules", "address", "found_by"),
    [
        ((TAG,), "t@example.com", "tag email"),
        ((NameAtDomain("corp.example"),), "Alice@corp.example", "user name at corp.example"),
        ((NAME, AccountAddress()), "aws@example.com", "address of the account"),
        ((NAME, CatchAll("all@example.com")), "all@example.com", "catch-all"),
        ((CatchAll("all@example.com"), TAG), "all@example.com", "catch-all"),
        ((PeopleFile.of([IN_ACCOUNT]), CatchAll("all@example.com")), "50@example.com", "people.csv"),
    ],
)
def test_each_hit_records_its_rule(rules, address: str, found_by: str):
    user = replace(ALICE, tags={"Email": "t@example.com"})
    found = addressee_of(user, replace(an_account(), email="aws@example.com"), rules)
    assert (address, found_by) == (found.address, found.found_by)
