"""Documents are read whatever they hold; what cannot be read says why, and never raises."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.iam import Allowed, ImplicitlyDenied, Undecided, normalise_document, parse_document
from tests.domain.iam.asking import ADMIN, a_document, a_request, allow, ask, raw

STATEMENT = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def without(element: str) -> dict[str, Any]:
    return {name: value for name, value in STATEMENT.items() if name != element}


PROBLEMS = [
    ("a text that is no JSON", "{", "not JSON"),
    ("a list", "[]", "not a JSON object"),
    ("a number", 5, "not a JSON object"),
    ("nothing", None, "not a JSON object"),
    ("no statements at all", {"Version": "2012-10-17"}, "no Statement"),
    ("an unknown version", {"Version": "2020-01-01", "Statement": []}, "unknown Version '2020-01-01'"),
    ("a version that is no text", {"Version": ["2012-10-17"], "Statement": []}, "unknown Version"),
    ("an unknown element", {"Statement": [], "Statements": []}, "unknown element 'Statements'"),
    ("an element in the wrong case", raw({**without("Action"), "action": "*"}), "unknown element 'action'"),
    ("a statement that is no object", raw("Allow"), "statement 1: it is not an object"),
    ("no effect", raw(without("Effect")), "Effect must be Allow or Deny, not None"),
    ("an effect in the wrong case", raw({**STATEMENT, "Effect": "allow"}), "not 'allow'"),
    ("an effect that is no text", raw({**STATEMENT, "Effect": ["Allow"]}), "Effect must be"),
    ("no action", raw(without("Action")), "one of Action and NotAction"),
    ("both actions", raw({**STATEMENT, "NotAction": "*"}), "one of Action and NotAction"),
    ("no resource", raw(without("Resource")), "one of Resource and NotResource"),
    ("both resources", raw({**STATEMENT, "NotResource": "*"}), "one of Resource and NotResource"),
    ("an empty list of actions", raw({**STATEMENT, "Action": []}), "Action is empty"),
    ("an action that is no text", raw({**STATEMENT, "Action": [5]}), "Action is not a string"),
    ("an action without a service", raw({**STATEMENT, "Action": "Get*"}), "'Get*' does not name a service"),
    ("an empty resource", raw({**STATEMENT, "Resource": ""}), "Resource is not a string"),
    ("a principal", raw({**STATEMENT, "Principal": "*"}), "Principal is only allowed in"),
    ("an excluded principal", raw({**STATEMENT, "NotPrincipal": "*"}), "NotPrincipal is only allowed in"),
    ("a Sid that is no text", raw({**STATEMENT, "Sid": 1}), "Sid is not a string"),
    ("a condition that is no object", raw({**STATEMENT, "Condition": []}), "Condition is not an object"),
    ("an operator without keys", raw({**STATEMENT, "Condition": {"Bool": "x"}}), "is not an object"),
    ("an operator nobody knows", raw({**STATEMENT, "Condition": {"Matches": {"k": "v"}}}),
        "unknown condition operator"),
    ("a set prefix on Null", raw({**STATEMENT, "Condition": {"ForAnyValue:Null": {"k": "true"}}}), "Null cannot have a prefix"),
    ("IfExists on Null", raw({**STATEMENT, "Condition": {"NullIfExists": {"k": "true"}}}), "Null cannot have a prefix or IfExists"),
    ("an unknown set prefix", raw({**STATEMENT, "Condition": {"ForEach:Bool": {"k": "true"}}}), "unknown condition"),
    ("a value that is an object", raw({**STATEMENT, "Condition": {"Bool": {"k": {}}}}), "is not a string, number or Boolean"),
    ("a value that is null", raw({**STATEMENT, "Condition": {"Bool": {"k": [None]}}}), "is not a string, number or Boolean"),
    ("a key twice in different case", raw({**STATEMENT, "Condition": {"Bool": {"k": "true", "K": "true"}}}),
        "occurs twice"),
    ("an operator twice in different case",
        raw({**STATEMENT, "Condition": {"Bool": {"k": "true"}, "bool": {"k": "true"}}}), "occurs twice"),
    ("an element twice", '{"Statement": [], "Statement": []}', "occurs twice among Statement"),
    ("a variable that is not closed", raw({**STATEMENT, "Resource": "a/${aws:username"}), "no closing brace"),
    ("a variable without a key", raw({**STATEMENT, "Resource": "a/${}"}), "'${}' is invalid"),
    ("a default without quotes", raw({**STATEMENT, "Resource": "a/${k, d}"}), "the policy variable '${k, d}' is invalid"),
    ("the second statement", raw(STATEMENT, without("Action")), "statement 2: it needs one of"),
]  # fmt: skip


@pytest.mark.parametrize(("says", "document", "problem"), PROBLEMS, ids=[case[0] for case in PROBLEMS])
def test_a_document_that_aws_would_refuse_has_a_problem(says, document, problem) -> None:
    """It says what, it has no statements, and what it does is undecided."""
    parsed = parse_document(document, "Odd")
    assert problem in (parsed.problem or ""), says
    assert parsed.statements == ()
    decision = ask(a_request(), ADMIN, parsed)
    assert isinstance(decision, Undecided)
    assert decision.unknown == ("Odd",)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(raw(STATEMENT)),
        quote(json.dumps(raw(STATEMENT))),
        quote(json.dumps(raw(STATEMENT)), safe=""),
    ],
)
def test_a_text_is_read_plain_or_url_encoded(text) -> None:
    """aws-facts.md#inventory-calls: where decoding failed, the raw text stays."""
    parsed = parse_document(text, "P")
    assert parsed.problem is None
    assert isinstance(ask(a_request(), parsed), Allowed)


def test_a_plus_sign_and_a_percent_sign_survive_plain_text() -> None:
    """Only a text that is no JSON as it stands is decoded."""
    text = json.dumps(raw(allow(resource="a+b%20c")))
    assert isinstance(ask(a_request(resource="a+b%20c"), parse_document(text, "P")), Allowed)


def test_a_single_statement_needs_no_list() -> None:
    """Page "Grammar of the IAM JSON policy language"."""
    assert parse_document({"Statement": STATEMENT}, "P").statements[0].effect == "Allow"


def test_statements_know_their_sid_and_place() -> None:
    """So that a decision can name them."""
    document = a_document({**STATEMENT, "Sid": "First"}, {**STATEMENT, "Sid": ""}, STATEMENT)
    assert [(statement.sid, statement.index) for statement in document.statements] == [
        ("First", 0),
        (None, 1),
        (None, 2),
    ]


def test_a_document_under_another_name_is_the_same_document() -> None:
    """What was compiled is shared; only decisions name it differently."""
    renamed = ADMIN.named("Root")
    decision = ask(a_request(), renamed)
    assert renamed.statements is ADMIN.statements
    assert isinstance(decision, Allowed)
    assert decision.because[0].document == "Root"


def test_many_actions_do_not_fill_the_memory() -> None:
    """What a document remembers is bounded."""
    document = a_document(allow("iam:*"))
    for number in range(3000):
        ask(a_request(f"iam:Action{number}"), document)
    assert len(document._by_action) <= 1024


NESTED = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Allow", "*", "${"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Statement", "Effect", "Action", "Resource", "Condition", "Bool", "k"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.text(max_size=30) | NESTED)
def test_reading_never_raises(anything) -> None:
    """Total: every value becomes a document, with statements or with a problem, that can be asked and compared."""
    parsed = parse_document(anything, "Anything")
    assert (parsed.problem is None) or parsed.statements == ()
    assert (
        isinstance(ask(a_request(), parsed), Allowed | ImplicitlyDenied | Undecided) or parsed.problem is None
    )
    normalise_document(anything)


def test_nesting_without_end_is_a_problem_too() -> None:
    """A text can be deep enough to exhaust the reader, an object to exhaust whoever prints it."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert parse_document("[" * 100_000, "Deep").problem is not None
    assert parse_document(raw({**STATEMENT, "Effect": deep}), "Deep").problem is not None


def test_a_number_too_long_to_write_out_is_a_problem_too() -> None:
    """Python refuses to turn it into a text."""
    condition = {"NumericEquals": {"k": 10**5000}}
    assert parse_document(raw({**STATEMENT, "Condition": condition}), "Long").problem is not None
