"""Two documents are the same when they say the same, however they are written."""

from __future__ import annotations

import json

import pytest

from rollout.domain.iam import equal_documents, normalise_document
from tests.domain.iam.asking import allow, deny, raw

SAME = [
    ("statements in another order", raw(allow("s3:*"), deny("iam:*")), raw(deny("iam:*"), allow("s3:*"))),
    ("a scalar and a list of one", raw(allow("s3:*")), raw(allow(["s3:*"], ["*"]))),
    ("values in another order", raw(allow(["s3:*", "iam:*"])), raw(allow(["iam:*", "s3:*"]))),
    ("action names in another case", raw(allow("s3:GetObject")), raw(allow("S3:getobject"))),
    ("an action twice", raw(allow(["s3:Get*", "S3:GET*"])), raw(allow("s3:Get*"))),
    ("a resource twice", raw(allow(resource=["a", "a"])), raw(allow(resource="a"))),
    ("a statement twice", raw(allow(), allow()), raw(allow())),
    ("other Sids", raw(allow(Sid="A")), raw(allow(Sid="B"))),
    ("a Sid more", raw(allow(Sid="A")), raw(allow())),
    ("an Id", {"Id": "x", **raw(allow())}, raw(allow())),
    ("one statement without a list", {"Version": "2012-10-17", "Statement": allow()}, raw(allow())),
    ("an empty condition", raw(allow(Condition={})), raw(allow())),
    ("condition keys in another case", raw(allow(Condition={"Bool": {"aws:SecureTransport": "true"}})),
        raw(allow(Condition={"Bool": {"AWS:securetransport": "true"}}))),
    ("operators in another case", raw(allow(Condition={"stringequalsifexists": {"k": "v"}})),
        raw(allow(Condition={"StringEqualsIfExists": {"k": "v"}}))),
    ("set prefixes in another case", raw(allow(Condition={"forallvalues:stringequals": {"k": "v"}})),
        raw(allow(Condition={"ForAllValues:StringEquals": {"k": "v"}}))),
    ("true and its text", raw(allow(Condition={"Bool": {"k": True}})), raw(allow(Condition={"Bool": {"k": ["True"]}}))),
    ("a number and its text", raw(allow(Condition={"NumericEquals": {"k": 5}})),
        raw(allow(Condition={"NumericEquals": {"k": "5"}}))),
    ("condition values in another order", raw(allow(Condition={"StringLike": {"k": ["a", "b"]}})),
        raw(allow(Condition={"StringLike": {"k": ["b", "a", "b"]}}))),
    ("no version and the old one", raw(allow(), version=None), raw(allow(), version="2008-10-17")),
    ("an object and its text", raw(allow()), json.dumps(raw(allow()))),
    ("two broken texts alike", "{", "{"),
]  # fmt: skip

DIFFERENT = [
    ("effects", raw(allow()), raw(deny())),
    ("Action and NotAction", raw(allow("iam:*")), raw({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})),
    ("Resource and NotResource", raw(allow()), raw({"Effect": "Allow", "Action": "*", "NotResource": "*"})),
    ("one action more", raw(allow("s3:*")), raw(allow(["s3:*", "iam:*"]))),
    ("resources in another case", raw(allow(resource="arn:aws:s3:::B")), raw(allow(resource="arn:aws:s3:::b"))),
    ("a condition more", raw(allow()), raw(allow(Condition={"Bool": {"k": "true"}}))),
    ("IfExists", raw(allow(Condition={"Bool": {"k": "true"}})), raw(allow(Condition={"BoolIfExists": {"k": "true"}}))),
    ("condition values in another case", raw(allow(Condition={"StringEquals": {"k": "A"}})),
        raw(allow(Condition={"StringEquals": {"k": "a"}}))),
    ("versions, as only one knows variables", raw(allow()), raw(allow(), version=None)),
    ("a document and a broken text", raw(allow()), "{"),
]  # fmt: skip


@pytest.mark.parametrize(("says", "one", "other"), SAME, ids=[case[0] for case in SAME])
def test_the_same_document(says, one, other) -> None:
    """What changes no answer does not count."""
    assert equal_documents(one, other), says


@pytest.mark.parametrize(("says", "one", "other"), DIFFERENT, ids=[case[0] for case in DIFFERENT])
def test_another_document(says, one, other) -> None:
    """What may change an answer counts."""
    assert not equal_documents(one, other), says


def test_the_canonical_form_is_its_own() -> None:
    """Normalising twice changes nothing, and the form can be stored."""
    document = raw(deny(["iam:*", "S3:*"], Sid="X", Condition={"bool": {"K": True}}), allow())
    form = normalise_document(document)
    assert normalise_document(form) == form == json.loads(json.dumps(form))
    assert form == {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]},
            {
                "Effect": "Deny",
                "Action": ["iam:*", "s3:*"],
                "Resource": ["*"],
                "Condition": {"Bool": {"k": ["true"]}},
            },
        ],
    }
