"""Where a person can be told: the first rule that gives an address that can stand in a To: header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.addresses import AddressTag, NameIsAddress, address_of, is_address
from tests.builders import a_user

GOOD = [
    "a@example.com",
    "first.last+aws@mail.example.co.uk",
    "o'brien@example.com",
    "x_y=z@sub-domain.example.com",
    "A@EXAMPLE.COM",
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
    assert address == address_of(user, rules)
