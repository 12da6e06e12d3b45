"""One line of a simulation asks one question; what does not ask any is refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollout.workflows.simulate import BadQuery, answer

USER = "arn:aws:iam::111122223333:user/alice"
ADMIN = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
MFA = "aws:MultiFactorAuthPresent"
FORCE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "NoMFA",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"BoolIfExists": {MFA: "false"}},
        }
    ],
}
REQUEST = {"action": "s3:ListAllMyBuckets", "resource": "*", "principal": USER, "context": {}}


def a_query(*policies: Any, request: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": "q1", "policies": list(policies), "request": REQUEST | (request or {}), **more}


def test_an_answer_carries_the_id_and_the_statements_that_decided() -> None:
    """Each with the place of its document and its own text, and all of it is JSON."""
    result = answer(a_query(ADMIN, FORCE))
    assert result == {
        "id": "q1",
        "decision": "ExplicitlyDenied",
        "because": [
            {
                "document": "policies[1]",
                "kind": "identity",
                "sid": "NoMFA",
                "index": 0,
                "effect": "Deny",
                "statement": FORCE["Statement"][0],
            }
        ],
    }
    assert json.loads(json.dumps(result)) == result


def test_documents_of_every_kind_are_called_by_their_place() -> None:
    """As in the line that was asked."""
    result = answer(a_query(ADMIN, boundary=ADMIN, scps=[[ADMIN], [ADMIN]], session=ADMIN))
    assert result["decision"] == "Allowed"
    assert [reason["document"] for reason in result["because"]] == [
        "policies[0]",
        "scps[0][0]",
        "scps[1][0]",
        "boundary",
        "session",
    ]


def test_an_implicit_denial_names_the_silent_layers() -> None:
    """No statement decided."""
    result = answer(a_query(ADMIN, scps=[[ADMIN], []]))
    assert result == {
        "id": "q1",
        "decision": "ImplicitlyDenied",
        "because": [],
        "silent": ["SCPs of level 2"],
    }


def test_an_unknown_key_leaves_the_answer_open() -> None:
    """With the key's name, and what it could be."""
    result = answer(a_query(ADMIN, FORCE, request={"unknown": [MFA]}))
    assert result["decision"] == "Undecided"
    assert result["unknown"] == [MFA]
    assert result["possible"] == ["Allowed", "ExplicitlyDenied"]


def test_a_malformed_document_leaves_the_answer_open() -> None:
    """And never ends the run."""
    unreadable: list[Any] = ["{", 5, None, {"Statement": {}}]
    for broken in unreadable:
        result = answer(a_query(ADMIN, broken))
        assert (result["decision"], result["unknown"]) == ("Undecided", ["policies[1]"])


def test_keys_that_follow_from_the_principal_are_filled_in() -> None:
    """Others are absent unless given."""
    own = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "a/${aws:username}"},
    }
    assert answer(a_query(own, request={"resource": "a/alice"}))["decision"] == "Allowed"


def test_what_is_left_out_or_null_does_not_apply() -> None:
    """A line may spell out that there is no boundary, and no context."""
    request = {"context": None, "unknown": None}
    bare = a_query(ADMIN, boundary=None, scps=None, session=None, request=request)
    assert answer(bare)["decision"] == "Allowed"
    assert answer(a_query(ADMIN, FORCE, request={"context": {MFA: None}}))["decision"] == "ExplicitlyDenied"


def test_a_query_needs_no_id() -> None:
    """It is only handed back."""
    query = a_query(ADMIN)
    del query["id"]
    assert answer(query)["id"] is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ([], "a query is a JSON object"),
        ({"request": REQUEST}, '"policies" of the line is missing'),
        ({"policies": ADMIN, "request": REQUEST}, '"policies" of the line is missing or not a list'),
        ({"policies": [ADMIN]}, '"request" is missing'),
        (a_query(ADMIN, request={"action": ""}), '"action" of the request is missing'),
        (a_query(ADMIN, request={"resource": None}), '"resource" of the request is missing'),
        (a_query(ADMIN, request={"principal": 5}), '"principal" of the request is missing or not a string'),
        (a_query(ADMIN, request={"context": ["x"]}), '"context" of the request is not an object'),
        (a_query(ADMIN, request={"context": {"k": {}}}), "context key 'k' is neither"),
        (a_query(ADMIN, request={"context": {"k": [None]}}), "context key 'k' is neither"),
        (a_query(ADMIN, request={"unknown": "k"}), '"unknown" of the request is missing or not a list'),
        (a_query(ADMIN, request={"unknown": [1]}), "not a list of context keys"),
        (a_query(ADMIN, scps=[ADMIN]), '"scps" is not a list of lists'),
        (a_query({"Statement": {1, 2}}), "a document is not JSON"),
    ],
)
def test_a_bad_line_is_refused_with_the_reason(query, reason) -> None:
    """The caller adds the number of the line."""
    with pytest.raises(BadQuery, match=reason.replace("[", r"\[")):
        answer(query)
