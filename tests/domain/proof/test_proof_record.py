"""What a proof comes to, in sentences for the operator, and without ids for others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.domain.proof.comparing import Agreement, HowAnswered
from rollout.domain.proof.proof_questions import SignedBy
from rollout.domain.proof.proof_record import ProofRecord, about_sign_in, sentence_of, without_account
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


ALLOWED, DENIED, NOT_TRIED = HowAnswered.ALLOWED, HowAnswered.DENIED, HowAnswered.NOT_TRIED


def tried(without_device: HowAnswered, with_device: HowAnswered, console: str) -> ProofRecord:
    """What somebody saw in a browser, in an account of which that is known of console authorization."""
    seen = {
        ("signin:Authenticate", str(SignedBy.BROWSER)): without_device,
        ("s3:ListBuckets", str(SignedBy.BROWSER_MFA)): with_device,
    }
    answers = [
        replace(one, answered=seen.get((one.operation, one.signed_by), one.answered)) for one in ANSWERS
    ]
    return replace(RECORD, answers=tuple(answers), console=f"console authorization is {console}")


@pytest.mark.parametrize(
    ("without_device", "with_device", "says"),
    [
        (ALLOWED, ALLOWED, "may be set to proved"),
        (ALLOWED, DENIED, "leave rules.console_authorization at hold"),
        (DENIED, NOT_TRIED, "leave rules.console_authorization at hold"),
        (ALLOWED, NOT_TRIED, "was not tried"),
        (NOT_TRIED, NOT_TRIED, "was not tried"),
    ],
)
def test_what_was_seen_in_a_browser_says_what_console_authorization_comes_to(
    without_device: HowAnswered, with_device: HowAnswered, says: str
):
    assert says in about_sign_in(tried(without_device, with_device, "on (of the account)"))
    assert not about_sign_in(tried(without_device, with_device, "off (of the account)"))
