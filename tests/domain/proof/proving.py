"""A proof of some documents, in an AWS that does as our own evaluator says, or as another policy would have it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from rollout.domain.policy.force_mfa import PolicyAmendments, allow_half, enrolment, force_mfa
from rollout.domain.policy.our_resources import Documents
from rollout.domain.proof.comparing import Agreement, Answered, HowAnswered, ProofAnswer, compare
from rollout.domain.proof.foretelling import ProofWorld, foretell
from rollout.domain.proof.proof_script import questions
from rollout.domain.proof.proof_steps import documents_of
from rollout.domain.proof.proof_users import ProofNames
from rollout.domain.verdicts.requests import RequestEnvironment
from rollout.wiring.seed_policy import seed
from tests.builders import ACCOUNT, NOW

NAMES = ProofNames("k3f9xy")
FULL = force_mfa(seed(), "aws", PolicyAmendments())
DENY = next(place for place, one in enumerate(FULL["Statement"]) if one["Effect"] == "Deny")
CONDITION = FULL["Statement"][DENY]["Condition"]
EXEMPT = FULL["Statement"][DENY]["NotAction"]


def world(full: Mapping[str, Any] = FULL) -> ProofWorld:
    ours = Documents(full, allow_half(full), enrolment("aws"))
    environment = RequestEnvironment("aws", "o-a1b2c3d4e5", NOW, {})
    return ProofWorld(ACCOUNT, environment, documents_of(NAMES, "aws", ACCOUNT, ours))


def with_deny(**changed: Any) -> dict[str, Any]:
    """Our document with another Deny; a value of None takes its key away."""
    full = deepcopy(FULL)
    deny = {**full["Statement"][DENY], **changed}
    full["Statement"][DENY] = {key: value for key, value in deny.items() if value is not None}
    return full


def proved(foretold_by: ProofWorld, answered_by: ProofWorld | None = None) -> list[Answered]:
    """Ask every question; AWS answers by the second world's documents."""
    answers = []
    for question in questions(NAMES):
        said = foretell(question, answered_by or foretold_by).expected.value
        how = HowAnswered(said) if said in ("allowed", "denied") else HowAnswered.ALLOWED
        answers.append(compare(question, foretell(question, foretold_by), ProofAnswer(how)))
    return answers


def topics(answers: list[Answered], agreement: Agreement) -> set[str]:
    return {one.topic for one in answers if one.agreement is agreement}


__all__ = ["CONDITION", "EXEMPT", "NAMES", "proved", "topics", "with_deny", "world"]
