"""Weighing answers: one refusal is enough, one doubt is enough for doubt, and a token is only ever denied."""

from __future__ import annotations

import pytest

from rollout.domain.iam import Allowed, Deciding, Decision, ExplicitlyDenied, ImplicitlyDenied, Undecided
from rollout.domain.verdicts.enrolment_check import Able, covered, enrolment
from rollout.domain.verdicts.requests import Asked

STEP, TOKEN = "iam:EnableMFADevice", "sts:GetSessionToken"
YES = Allowed(())
DENIED = ExplicitlyDenied(
    (Deciding("Guard", "scp", "NoMfa", 0, "Deny"), Deciding("Other", "identity", None, 1, "Deny"))
)
SILENT = ImplicitlyDenied(silent=("identity policies", "permissions boundary B"))
MAYBE_DENIED = Undecided((), ("aws:SourceIp",), ("Allowed", "ExplicitlyDenied"))
MAYBE_ALLOWED = Undecided((), ("aws:SourceIp",), ("Allowed", "ImplicitlyDenied"))


def weighed(*pairs: tuple[str, Decision]):
    return enrolment(Asked(action, "*", "absent", decision) for action, decision in pairs)


@pytest.mark.parametrize(
    ("pairs", "able", "obstacle"),
    [
        ([(STEP, YES), (TOKEN, YES)], Able.YES, ""),
        ([(STEP, YES), (TOKEN, SILENT)], Able.YES, ""),
        ([(STEP, YES), (TOKEN, MAYBE_ALLOWED)], Able.YES, ""),
        ([(STEP, YES), (TOKEN, DENIED)], Able.NO, "sts:GetSessionToken is denied by NoMfa in Guard"),
        ([(STEP, YES), (TOKEN, MAYBE_DENIED)], Able.UNKNOWN, "sts:GetSessionToken turns on aws:SourceIp"),
        ([(STEP, DENIED)], Able.NO, "iam:EnableMFADevice is denied by NoMfa in Guard"),
        ([(STEP, SILENT)], Able.NO, "is not allowed by identity policies and permissions boundary B"),
        (
            [(STEP, MAYBE_ALLOWED)],
            Able.UNKNOWN,
            "iam:EnableMFADevice turns on aws:SourceIp, which cannot be known",
        ),
        ([(STEP, MAYBE_DENIED)], Able.UNKNOWN, "turns on aws:SourceIp"),
        ([(STEP, MAYBE_DENIED), ("iam:GetUser", DENIED)], Able.NO, "iam:GetUser is denied"),
        ([("iam:GetUser", DENIED), (STEP, MAYBE_DENIED)], Able.NO, "iam:GetUser is denied"),
        ([], Able.YES, ""),
    ],
    ids=range(12),
)
def test_answers_are_weighed(pairs: list[tuple[str, Decision]], able: Able, obstacle: str):
    found = weighed(*pairs)
    assert able == found.able
    assert obstacle in found.obstacle
    assert bool(found.obstacle) == (able is not Able.YES)


@pytest.mark.parametrize(
    "decision", [YES, SILENT, MAYBE_DENIED, MAYBE_ALLOWED], ids=lambda one: type(one).__name__
)
def test_one_probe_that_is_not_denied_is_one_too_many(decision: Decision):
    answers = [Asked("s3:ListAllMyBuckets", "*", "absent", DENIED), Asked("ec2:X", "*", "false", decision)]
    assert () == covered(answers)


def test_covered_names_each_document_once():
    by_other = ExplicitlyDenied((Deciding("Other", "identity", None, 0, "Deny"),))
    answers = [Asked("x:Y", "*", "absent", decision) for decision in (DENIED, by_other, DENIED)]
    assert ("Guard", "Other") == covered(answers)
