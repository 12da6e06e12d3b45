"""`gates.approval`: true and false as ever, or a mapping of who, how many, and whether not the planner."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.domain.gates import ApprovalRule
from rollout.domain.gates.approval import APPROVAL
from rollout.settings import json_schema

CISO = "arn:aws:iam::111122223333:user/ciso"
ROLE = "arn:aws:iam::111122223333:role/Approvers"


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("false", None),
        ("true", ApprovalRule()),
        ("{}", ApprovalRule()),
        ("{count: 2}", ApprovalRule(count=2)),
        ("{count: 0}", None),
        ("{not_the_planner: true}", ApprovalRule(not_the_planner=True)),
        (
            f'{{from: ["{ROLE}", "{CISO}"], not_the_planner: true, count: 2}}',
            ApprovalRule((ROLE, CISO), not_the_planner=True, count=2),
        ),
    ],
)
def test_what_a_file_says_is_the_rule_and_fits_the_schema(load, written: str, rule: ApprovalRule | None):
    assert rule == load(f"gates: {{approval: {written}}}\n").domain_gates().of(APPROVAL)


def test_without_a_word_nobody_has_to_approve(load):
    assert None is load().domain_gates().of(APPROVAL)


@pytest.mark.parametrize("value", [True, False, {}, {"from": [ROLE], "not_the_planner": True, "count": 2}])
def test_editors_take_every_notation(value: object):
    jsonschema: Any = pytest.importorskip("jsonschema")
    jsonschema.validate({"gates": {"approval": value}}, json_schema())


def test_variables_set_all_of_it_or_one_key(load):
    rule = load("", {"ROLLOUT_GATES__APPROVAL": "true"}).domain_gates().of(APPROVAL)
    assert ApprovalRule() == rule
    file = f"gates: {{approval: {{from: ['{ROLE}']}}}}\n"
    rule = load(file, {"ROLLOUT_GATES__APPROVAL__NOT_THE_PLANNER": "true"}).domain_gates().of(APPROVAL)
    assert ApprovalRule((ROLE,), not_the_planner=True) == rule
    assert None is load(file, {"ROLLOUT_GATES__APPROVAL": "false"}).domain_gates().of(APPROVAL)


@pytest.mark.parametrize(
    "arn",
    [
        CISO,
        "arn:aws:iam::111122223333:user/team/*",
        "arn:aws:iam::111122223333:root",
        "arn:aws-us-gov:iam::111122223333:role/AWSReservedSSO_Security_*",
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Security_*/alice@example.com",
        "arn:aws:sts::111122223333:federated-user/alice",
    ],
)
def test_who_can_be_named(load, arn: str):
    assert (arn,) == load(f"gates: {{approval: {{from: ['{arn}']}}}}\n").gates.approval.model_dump()["from"]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", "gates.approval: has no value"),
        ("yes please", 'gates.approval: must be true, false or a mapping, not "yes please"'),
        ("[a]", "gates.approval: must be true, false or a mapping, not"),
        ("{form: []}", "gates.approval.form: unknown key; did you mean from?"),
        ("{count: -1}", "gates.approval.count: must be at least 0, not -1"),
        ("{from: [ciso]}", "is not a pattern of ARNs that names the account"),
        # anybody can make such a role, or user, in an account of their own
        ("{from: ['*']}", "is not a pattern of ARNs that names the account"),
        ("{from: ['arn:aws:iam::*:role/Approvers']}", "is not a pattern of ARNs that names the account"),
        # STS does not tell the path: it would never match
        (
            "{from: ['arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/Approvers']}",
            "without the role's path",
        ),
        ("{from: ['arn:aws:sts::111122223333:assumed-role/Approvers']}", "assumed-role/Approvers/alice"),
        (f"{{from: ['{CISO}', '{CISO}']}}", "occurs twice"),
        (f"{{from: ['{CISO}'], count: 0}}", "gates.approval.count: is 0, so that nobody has to approve"),
        ("{not_the_planner: true, count: 0}", "gates.approval.count: is 0, so that nobody has to approve"),
    ],
)
def test_what_would_let_the_wrong_people_approve_or_nobody_is_refused(refusal, written: str, sentence: str):
    assert sentence in str(refusal(f"gates:\n  approval: {written}\n"))
