"""What Deny statements leave open is found by comparing patterns, and nothing that is open is ever left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.iam import Statement, beyond, left_open, parse_document

NAMES = st.text("ab*?", min_size=1, max_size=4)
PATTERNS = st.lists(
    st.builds("{}:{}".format, st.sampled_from(["s", "t", "s*"]), NAMES), min_size=1, max_size=4
)
ACTIONS = st.builds("{}:{}".format, st.sampled_from(["s", "t", "st"]), st.text("ab", min_size=1, max_size=4))
STATEMENTS = st.builds(
    lambda element, names: {"Effect": "Deny", element: names, "Resource": "*"},
    st.sampled_from(["Action", "NotAction"]),
    PATTERNS,
)


def compiled(*statements: Any) -> tuple[Statement, ...]:
    document = parse_document({"Version": "2012-10-17", "Statement": list(statements)}, "P")
    assert document.problem is None
    return document.statements


def but(*names: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "NotAction": list(names), **({"Resource": "*"} | more)}


def these(*names: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(names), "Resource": "*"}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ((), ("*",)),
        ((these("s3:*"),), ("*",)),
        ((these("*"),), ()),
        ((but("iam:GetUser"), these("*:*")), ()),
        ((but("iam:GetUser", "STS:GetSessionToken"),), ("iam:getuser", "sts:getsessiontoken")),
        ((but("iam:*"), but("iam:Get*", "s3:*")), ("iam:get*",)),
        ((but("iam:GetUser"), but("iam:GetUserPolicy")), ()),
        ((but("iam:Get*"), these("iam:*User")), ("iam:get*",)),
        ((but("iam:GetUser", "s3:*"), these("iam:*")), ("s3:*",)),
        ((but("iam:Get*"), but("iam:*User")), ("iam:get*",)),
    ],
    ids=str,
)
def test_what_is_left_open(statements: tuple[Any, ...], expected: tuple[str, ...]):
    assert expected == left_open(compiled(*statements))


def test_a_hole_in_the_resources_is_named():
    hole = {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::public/*"}
    assert ("every action on arn:aws:s3:::public/*",) == left_open(compiled(hole))
    assert () == left_open(compiled(hole, these("*")))


def test_some_resources_are_no_help():
    assert ("*",) == left_open(
        compiled({"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::private/*"})
    )


def test_what_is_accepted_is_compared_without_case():
    assert ("s3:get*",) == beyond(("iam:getuser", "s3:get*"), ("iam:GetUser", "s3:GetObject"))


@given(st.lists(STATEMENTS, max_size=4), ACTIONS)
def test_an_action_that_no_statement_denies_is_always_among_what_is_named(statements: list[Any], action: str):
    denials = compiled(*statements)
    if any(denial.actions.cover(action) for denial in denials):
        return
    assert () == beyond((action,), left_open(denials)), left_open(denials)
