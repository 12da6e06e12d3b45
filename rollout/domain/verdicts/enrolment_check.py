"""Decides whether a user can enrol a device: by evaluating policies, never by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.iam import Allowed, Decision, ExplicitlyDenied, ImplicitlyDenied, Undecided
from rollout.domain.verdicts.requests import SESSION_TOKEN, AnsweredRequest


class Able(StrEnum):
    """Whether something is possible, as far as can be known."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Whether the user can enrol, and in words what prevents it.

    `only_identity`: nothing prevents it but the lack of an Allow in the user's own policies.
    """

    able: Able
    obstacle: str = ""
    only_identity: bool = False


def enrolment(answers: Iterable[AnsweredRequest]) -> Enrolment:
    """Combine the answers: one refused step makes enrolling impossible, one undecided step makes it unknown."""
    doubt = ""
    for asked in answers:
        if asked.action == SESSION_TOKEN and not _may_be_denied(asked.decision):
            continue
        match asked.decision:
            case Allowed():
                continue
            case ExplicitlyDenied(because=because):
                return Enrolment(Able.NO, f"{asked.action} is denied by {because[0]}")
            case ImplicitlyDenied(silent=silent):
                layers = " and ".join(layer.name for layer in silent)
                only_identity = [layer.kind for layer in silent] == ["identity"]
                return Enrolment(Able.NO, f"{asked.action} is not allowed by {layers}", only_identity)
            case Undecided(unknown=unknown):
                doubt = (
                    doubt
                    or f"{asked.action} depends on {', '.join(unknown)}, which cannot be known in advance"
                )
    return Enrolment(Able.UNKNOWN, doubt) if doubt else Enrolment(Able.YES)


def session_obstacle(answers: Iterable[AnsweredRequest]) -> str:
    """Say what may deny the console session; empty if nothing does. AWS names a Deny only, no need of an Allow."""
    for asked in answers:
        match asked.decision:
            case ExplicitlyDenied(because=because):
                return f"{asked.action} is denied by {because[0]}"
            case Undecided() if _may_be_denied(asked.decision):
                return f"{asked.action} may be denied, depending on {', '.join(asked.decision.unknown)}"
            case _:
                continue
    return ""


def _may_be_denied(decision: Decision) -> bool:
    """Tell whether a Deny may apply: an action that needs no permission fails only by an explicit Deny."""
    if isinstance(decision, Undecided):
        return "ExplicitlyDenied" in decision.possible
    return isinstance(decision, ExplicitlyDenied)


def covered(answers: Iterable[AnsweredRequest]) -> tuple[str, ...]:
    """Name the documents that deny every probe without MFA; empty as soon as one probe is not denied."""
    sources: dict[str, None] = {}
    for asked in answers:
        if not isinstance(asked.decision, ExplicitlyDenied):
            return ()
        sources.setdefault(asked.decision.because[0].document)
    return tuple(sources)
