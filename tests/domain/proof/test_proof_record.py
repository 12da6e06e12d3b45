"""What a proof comes to, in sentences for the operator, and without ids for others."""

from __future__ import annotations

from dataclasses import replace

from rollout.domain.proof.comparing import Agreement
from rollout.domain.proof.proof_record import ProofRecord, sentence_of, without_account
from tests.builders import ACCOUNT, NOW, OPERATOR, ORGANIZATION
from tests.domain.proof.proving import proved, with_deny, world

ANSWERS = tuple(
    replace(one, request_id="request-1")
    for one in proved(world(), world(with_deny(NotAction=None, Action=["s3:*"])))
)
RECORD = ProofRecord(
    "k3f9xy", NOW, ORGANIZATION, "aws", ACCOUNT, "payments", OPERATOR, "sha256:policy", "1.0.0", ANSWERS
)


def test_a_difference_names_what_was_foretold_why_and_what_aws_answered():
    assert {Agreement.DIFFERS} == {one.agreement for one in RECORD.differing}
    said = sentence_of(next(one for one in RECORD.differing if one.operation == "ec2:DescribeRegions"))
    assert said == (
        "ec2:DescribeRegions, access key, no MFA (no-device by group; in force: the full document): foretold denied "
        "(DenyAllExceptListedIfNoMFA in rollout-proof-k3f9xy-force-mfa); AWS allowed it, request request-1"
    )


def test_what_is_sent_to_others_has_no_ids():
    text = f"{ACCOUNT} {ORGANIZATION} {OPERATOR} rollout-proof-k3f9xy-force-mfa"
    assert "ACCOUNT ORGANIZATION CALLER rollout-proof-PROOF-force-mfa" == without_account(text, RECORD)


def test_a_proof_is_filed_by_day_and_id():
    assert f"{NOW:%Y-%m-%d}-k3f9xy" == RECORD.stem
