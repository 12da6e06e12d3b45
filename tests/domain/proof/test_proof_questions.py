"""What a proof asks, and how it tells a wrong policy, and an evaluator that errs, from a policy that does its work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.people.users import NamedPolicy
from rollout.domain.proof.comparing import Agreement, HowAnswered, ProofAnswer, compare
from rollout.domain.proof.foretelling import foretell, scps_of
from rollout.domain.proof.proof_questions import ProofQuestion, SignedBy
from rollout.domain.proof.proof_script import questions, script
from rollout.domain.proof.proof_steps import ProofWrite
from rollout.domain.proof.proof_users import PERSONAS, Way
from tests.domain.proof.proving import CONDITION, EXEMPT, NAMES, proved, topics, with_deny, world


def test_our_policy_does_its_work_for_everybody():
    answers = proved(world())
    assert {Agreement.AGREED} == {one.agreement for one in answers}
    answers = [one for one in answers if one.topic != "by hand, in a browser"]
    assert {f"{persona.name} by {way}" for persona in PERSONAS for way in Way} == {
        one.persona for one in answers
    }


WRONG = {
    "Bool for BoolIfExists": (
        with_deny(Condition={"Bool": CONDITION["BoolIfExists"]}),
        {"attach and deny", "reads without MFA", "tokens without MFA"},
    ),
    "an inverted Deny": (
        with_deny(Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
        {"reads with MFA", "AssumeRole", "presigned URLs"},
    ),
    "a Deny of the listed actions instead of the others": (
        with_deny(NotAction=None, Action=EXEMPT),
        {"reads without MFA", "enrolling without MFA"},
    ),
    "an enrolment action that is missing": (
        with_deny(NotAction=[action for action in EXEMPT if action != "iam:EnableMFADevice"]),
        {"enrolling without MFA"},
    ),
    "a Deny that names services": (
        with_deny(NotAction=None, Action=["s3:*", "ec2:*"]),
        {"attach and deny", "reads without MFA", "tokens without MFA"},
    ),
    "AssumeRole exempt": (with_deny(NotAction=[*EXEMPT, "sts:AssumeRole"]), {"AssumeRole"}),
}


@pytest.mark.parametrize(("full", "shown_by"), WRONG.values(), ids=WRONG)
def test_a_wrong_policy_is_named_by_the_question_that_shows_it(full: dict[str, Any], shown_by: set[str]):
    """AWS and the evaluator agree about it: it is the policy that does not do what it is for."""
    answers = proved(world(full))
    assert shown_by <= topics(answers, Agreement.WRONG)
    assert not topics(answers, Agreement.DIFFERS)


def test_of_an_enrolment_action_that_is_missing_exactly_that_is_named():
    lacking = with_deny(NotAction=[action for action in EXEMPT if action != "iam:ResyncMFADevice"])
    bad = [one.operation for one in proved(world(lacking)) if one.agreement.is_bad]
    assert {"iam:ResyncMFADevice"} == set(bad)


@pytest.mark.parametrize(("full", "shown_by"), WRONG.values(), ids=WRONG)
def test_where_aws_does_otherwise_than_foretold_that_is_a_difference(
    full: dict[str, Any], shown_by: set[str]
):
    """The evaluator reads our document; AWS does as if it were another one."""
    answers = proved(world(), world(full))
    assert shown_by <= topics(answers, Agreement.DIFFERS)


def test_what_an_scp_denies_does_not_show_a_wrong_policy():
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    nothing_of_s3 = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything, nothing_of_s3]}
    answers = proved(replace(world(), scps=scps_of(((NamedPolicy("no-s3", document),),))))
    assert not [one for one in answers if one.agreement.is_bad]
    assert {"denied"} == {one.expected for one in answers if one.operation == "s3:ListBuckets"}


def test_where_the_scps_could_not_be_read_nothing_that_turns_on_them_is_foretold():
    blind = replace(world(), scps=scps_of(None))
    foretold = {question.topic: foretell(question, blind).expected for question in questions(NAMES)}
    assert "left open" == foretold["reads with MFA"]
    assert "denied" == foretold["reads without MFA"]


@pytest.mark.parametrize("how", [HowAnswered.OTHER, HowAnswered.NOT_TRIED])
def test_an_error_that_tells_nothing_about_rights_is_no_answer(how: HowAnswered):
    question = questions(NAMES)[0]
    compared = compare(question, foretell(question, world()), ProofAnswer(how, "InvalidClientTokenId"))
    assert not compared.agreement.is_bad
    assert compared.agreement is not Agreement.AGREED


def test_nobody_is_asked_about_the_policy_before_it_is_in_force_for_them():
    placed: set[str] = set()
    for step in script(replace(NAMES, guided=True)):
        if isinstance(step, ProofWrite):
            if step.operation == "AddUserToGroup":
                placed.add(step.other)
            elif step.operation == "AttachUserPolicy" and step.other == NAMES.policy:
                placed.add(step.name)
        elif step.in_force == "the full document":
            assert step.user.name in placed


def test_every_session_is_asked_for_before_it_is_used():
    asked: set[str] = set()
    for step in script(NAMES, through_service=True):
        if isinstance(step, ProofQuestion):
            if step.operation == "sts:GetSessionToken":
                asked.add(step.user.name)
            elif step.signed_by in (SignedBy.SESSION, SignedBy.URL_AFTER):
                assert step.user.name in asked


def test_a_service_that_acts_for_the_user_is_asked_only_where_that_is_wanted_and_its_cost_is_said():
    assert "through a service" not in {question.topic for question in questions(NAMES)}
    (asked,) = [one for one in questions(NAMES, through_service=True) if one.topic == "through a service"]
    assert "charges nothing" in asked.opt_in
