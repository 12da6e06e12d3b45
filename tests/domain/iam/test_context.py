"""What is known of a request: given, following from its principal, absent or unknown."""

from __future__ import annotations

import pytest

from rollout.domain.iam import UNKNOWN, Context, Request
from rollout.domain.iam.context import keys_of_principal
from tests.domain.iam.asking import ALICE, PATHED_ALICE, SESSION

OF = "arn:aws:iam::111122223333"
OF_STS = "arn:aws:sts::111122223333"


def facts_of(principal: str, context: Context):
    return Request("iam:GetUser", "*", principal, context).facts()


@pytest.mark.parametrize(
    ("arn", "kind", "principal", "username"),
    [
        (ALICE, "User", ALICE, "alice"),
        (PATHED_ALICE, "User", PATHED_ALICE, "alice"),
        (SESSION, "AssumedRole", "arn:aws:iam::111122223333:role/Deployer", None),
        (
            "arn:aws-cn:sts::111122223333:assumed-role/R/s",
            "AssumedRole",
            "arn:aws-cn:iam::111122223333:role/R",
            None,
        ),
        (f"{OF}:role/path/R", "AssumedRole", f"{OF}:role/path/R", None),
        (f"{OF}:root", "Account", f"{OF}:root", None),
        (f"{OF_STS}:federated-user/bob:x", "FederatedUser", f"{OF_STS}:federated-user/bob:x", None),
    ],
)
def test_keys_that_follow_from_an_arn(arn, kind, principal, username) -> None:
    """Page "IAM policy elements: Variables and tags", table of principal key values."""
    expected = {
        "aws:principaltype": (kind,),
        "aws:principalarn": (principal,),
        "aws:principalaccount": ("111122223333",),
    }
    if username:
        expected["aws:username"] = (username,)
    assert keys_of_principal(arn) == expected


@pytest.mark.parametrize("arn", ["", "*", "alice", "arn:aws:iam", "x:aws:iam::1:user/alice"])
def test_nothing_follows_from_what_is_no_arn(arn) -> None:
    """A principal that cannot be read fills nothing in."""
    assert not keys_of_principal(arn)


def test_only_iam_has_users() -> None:
    """Another service's user is a principal of no known type, and has no name."""
    assert set(keys_of_principal("arn:aws:other::111122223333:user/bob")) == {
        "aws:principalarn",
        "aws:principalaccount",
    }


def test_the_context_speaks_before_the_principal() -> None:
    """A given or unknown key is not overwritten by what the ARN says."""
    facts = facts_of(SESSION, Context({"aws:PrincipalArn": "arn:given"}, unknown=["AWS:principaltype"]))
    assert facts.get("aws:principalarn") == ("arn:given",)
    assert facts.get("aws:principaltype") is UNKNOWN
    assert facts.get("aws:principalaccount") == ("111122223333",)


@pytest.mark.parametrize("family", ["aws:PrincipalTag/*", "aws:PrincipalTag/"])
def test_a_family_of_keys_can_be_unknown_but_for_those_given(family) -> None:
    """As when a user's tags were not read."""
    facts = facts_of(ALICE, Context({"aws:PrincipalTag/Team": "blue"}, unknown=[family]))
    assert facts.get("aws:principaltag/team") == ("blue",)
    assert facts.get("aws:principaltag/cost") is UNKNOWN
    assert facts.get("aws:requesttag/cost") is None


def test_values_become_the_texts_that_iam_sees() -> None:
    """JSON truth values and numbers, alone or in a list."""
    context = Context({"a": True, "b": 5, "c": [False, 1, "x"], "d": (), "e": {"y"}})
    assert [context.get(key) for key in "abcdef"] == [
        ("true",),
        ("5",),
        ("false", "1", "x"),
        (),
        ("y",),
        None,
    ]


def test_contexts_are_equal_when_they_say_the_same() -> None:
    """Whatever the case of their keys."""
    assert Context({"A": "1"}, ["B"]) == Context({"a": "1"}, ["b"])
    assert hash(Context({"A": "1"}, ["B"])) == hash(Context({"a": "1"}, ["b"]))
    assert Context({"a": "1"}) != Context({"a": "2"})
    assert Context({}) != "context"


def test_unknown_is_no_truth_value() -> None:
    """`if truth:` would take the unknown for yes."""
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(UNKNOWN)
