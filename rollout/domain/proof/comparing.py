"""Compares what AWS answered with what was foretold, and with what a policy that does its work has to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.proof.foretelling import Foretold
from rollout.domain.proof.proof_questions import Expected, ProofQuestion


class HowAnswered(StrEnum):
    """What AWS answered."""

    ALLOWED = "allowed"
    DENIED = "denied"
    OTHER = "neither"
    """An error that tells nothing about rights, or no answer."""
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class ProofAnswer:
    """AWS's answer: its error code and request id, and the seconds from the first asking to this answer."""

    how: HowAnswered
    code: str = ""
    request_id: str = ""
    seconds: float = 0.0
    detail: str = ""


class Agreement(StrEnum):
    """What an answer says about the policy and about what was foretold."""

    AGREED = "agreed"
    DIFFERS = "differs"
    """AWS answered otherwise than the evaluator foretold."""
    WRONG = "wrong policy"
    """AWS answered as foretold, and a policy that does its work would not."""
    NOT_TRIED = "not tried"
    UNASKED = "could not be asked"

    @property
    def is_bad(self) -> bool:
        """Tell whether nobody should come under the policy with such an answer."""
        return self in (Agreement.DIFFERS, Agreement.WRONG)


@dataclass(frozen=True, slots=True)
class Answered:
    """One question with what was foretold and what AWS answered, as it is kept. All fields are plain."""

    topic: str
    question: str
    persona: str
    signed_by: str
    operation: str
    reason: str
    expected: str
    because: str
    answered: str
    agreement: Agreement
    essential: bool = False
    code: str = ""
    request_id: str = ""
    seconds: float = 0.0
    detail: str = ""


def compare(question: ProofQuestion, foretold: Foretold, answer: ProofAnswer) -> Answered:
    """Put question, foretelling and answer together."""
    return Answered(
        question.topic,
        question.name,
        question.user.label,
        question.signed_by,
        question.operation,
        question.reason,
        foretold.expected,
        foretold.because,
        answer.how,
        _agreement(question, foretold, answer),
        question.essential,
        answer.code,
        answer.request_id,
        round(answer.seconds, 3),
        answer.detail,
    )


def _agreement(question: ProofQuestion, foretold: Foretold, answer: ProofAnswer) -> Agreement:
    match answer.how:
        case HowAnswered.NOT_TRIED:
            return Agreement.NOT_TRIED
        case HowAnswered.OTHER:
            return Agreement.UNASKED
        case HowAnswered.ALLOWED | HowAnswered.DENIED:
            pass
    if foretold.expected is not Expected.OPEN and foretold.expected.value != answer.how.value:
        return Agreement.DIFFERS
    if question.needed is not None and question.needed.value not in (
        foretold.by_policy.value,
        answer.how.value,
    ):
        return Agreement.WRONG
    return Agreement.AGREED


def counts_of(answers: tuple[Answered, ...]) -> Mapping[Agreement, int]:
    """Count the answers by what they say."""
    return {one: sum(each.agreement is one for each in answers) for one in Agreement}
