"""Can this user enrol a device under ForceMFA, and can they today? By evaluation, never by policy names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.iam import Allowed, Decision, ExplicitlyDenied, ImplicitlyDenied, Undecided
from rollout.domain.verdicts.requests import SESSION_TOKEN, Asked


class Able(StrEnum):
    """Whether something is possible, as far as can be known."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The answer, with what stands in the way in words."""

    able: Able
    obstacle: str = ""


def enrolment(answers: Iterable[Asked]) -> Enrolment:
    """Weigh the answers: one step that is refused makes enrolling impossible, one undecided makes it unknown."""
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
                return Enrolment(Able.NO, f"{asked.action} is not allowed by {' and '.join(silent)}")
            case Undecided(unknown=unknown):
                doubt = doubt or f"{asked.action} turns on {', '.join(unknown)}, which cannot be known"
    return Enrolment(Able.UNKNOWN, doubt) if doubt else Enrolment(Able.YES)


def _may_be_denied(decision: Decision) -> bool:
    """Tell whether an explicit Deny may stand in the way: what needs no permission cannot lack one."""
    if isinstance(decision, Undecided):
        return "ExplicitlyDenied" in decision.possible
    return isinstance(decision, ExplicitlyDenied)


def covered(answers: Iterable[Asked]) -> tuple[str, ...]:
    """Name the documents that deny every probe without MFA; empty as soon as one probe is not denied."""
    sources: dict[str, None] = {}
    for asked in answers:
        if not isinstance(asked.decision, ExplicitlyDenied):
            return ()
        sources.setdefault(asked.decision.because[0].document)
    return tuple(sources)
