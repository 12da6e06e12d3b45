"""What IAM would refuse, and what it would swallow without a word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollout.domain.policy.lint import lint, size
from rollout.wiring.seed_policy import seed
from tests.domain.judging import DOCUMENTS, a_document, allow, deny

KNOWN = {"iam": {"getuser", "listmfadevices"}}


def said(document: Any, known: Any = None) -> list[str]:
    return list(lint(document, KNOWN if known is None else known))


def named(sid: str, statement: Any) -> Any:
    return {"Sid": sid, **statement}


def test_our_own_documents_are_clean():
    for document in (DOCUMENTS.full, DOCUMENTS.brake, DOCUMENTS.enrolment, seed()):
        assert [] == said(document, {})


def test_the_size_is_counted_as_iam_counts_it():
    assert 1967 == size(seed())
    spaced = json.loads(json.dumps(seed(), indent=8))
    assert size(seed()) == size(spaced)
    assert size(a_document(named("a b", allow("s3:*")))) == size(a_document(named("ab", allow("s3:*"))))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (a_document(allow("iam:GetUsr")), "iam:GetUsr: this action does not exist (statement ?)"),
        (a_document(named("A", deny("IAM:getusr"))), "IAM:getusr: this action does not exist (statement A)"),
        (a_document(named("A", allow("s3:*")), named("A", allow("ec2:*"))), "Sid A occurs 2 times"),
        (a_document(named("no-dash", allow("s3:*"))), "Sid no-dash may only contain letters and digits"),
        (
            a_document(allow("s3:*"), version="2008-10-17"),
            "Version is '2008-10-17', so ${aws:username} would be literal text",
        ),
        (
            a_document(allow("s3:*"), version=None),
            "Version is None, so ${aws:username} would be literal text",
        ),
        (
            a_document(allow(*(f"s3:Get{number:04}" for number in range(700)))),
            "but a managed policy may have 6144",
        ),
        (a_document({"Effect": "Permit", "Action": "*", "Resource": "*"}), "Effect must be Allow or Deny"),
    ],
    ids=range(8),
)
def test_what_is_wrong_is_said(document: Any, expected: str):
    (found,) = said(document)
    assert expected in found


@pytest.mark.parametrize("action", ["iam:GetUser", "IAM:GETUSER", "iam:Get*", "*", "s3:NobodyKnows"])
def test_what_exists_or_cannot_be_looked_up_is_not_doubted(action: str):
    assert [] == said(a_document(allow(action)))


def test_an_action_may_stand_alone():
    assert [] == said(a_document({**allow(), "Action": "iam:GetUser"}))
    assert 1 == len(said(a_document({**allow(), "Action": "iam:GetUsr"})))
