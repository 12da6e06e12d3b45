"""Defines the checks of `rollout doctor`, their answers and the diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Facts_contra = TypeVar("Facts_contra", contravariant=True)
NAMED = 5


class CheckState(StrEnum):
    """The result of a check, the worst first. A warning stops nothing today."""

    FAILURE = "failure"
    WARNING = "warning"
    OK = "ok"


class CheckSection(StrEnum):
    """What a check is about."""

    CALLER = "caller"
    ORGANIZATION = "organization"
    STORE = "store"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """One answer of a check. A failure has a cure, or several if AWS does not say which of them applies.

    `about` names the item that the answer is about; it replaces the `…` in the check's name.
    """

    state: CheckState
    text: str
    cures: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class Check(Generic[Facts_contra]):
    """One check: its name, what it shows and when it fails (a line of docs/doctor.md), and the answering function.

    `answer` takes the facts of its section: `DoctorFacts`, `OrganizationFacts`, or the `AccountProbe` of each account.
    It gives no answer if the facts that it needs are missing.
    """

    name: str
    asks: str
    fails_when: str
    answer: Callable[[Facts_contra], Iterable[CheckAnswer]]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of a diagnosis: an answer, with its check and account."""

    section: CheckSection
    name: str
    state: CheckState
    text: str
    cures: tuple[str, ...] = ()
    account_id: str = ""
    account_name: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All results, in the order in which the checks build on each other."""

    checks: tuple[CheckResult, ...]
    other_organization: bool = False
    altered: bool = False
    """Something in the store was not written with its key, or was altered."""

    def of(self, section: CheckSection) -> tuple[CheckResult, ...]:
        """The results of one section."""
        return tuple(check for check in self.checks if check.section is section)

    def failed(self, *sections: CheckSection) -> bool:
        """Tell whether a check of these sections failed."""
        return any(check.state is CheckState.FAILURE for section in sections for check in self.of(section))

    @property
    def state(self) -> CheckState:
        """The worst state of all checks."""
        states = {check.state for check in self.checks}
        return next((state for state in CheckState if state in states), CheckState.OK)


def ok(text: str, *, about: str = "") -> CheckAnswer:
    """Answer that all is well."""
    return CheckAnswer(CheckState.OK, text, about=about)


def warning(text: str, *cures: str, about: str = "") -> CheckAnswer:
    """Answer that something deserves a look; empty cures are left out."""
    return CheckAnswer(CheckState.WARNING, text, tuple(filter(None, cures)), about)


def failure(text: str, *cures: str) -> CheckAnswer:
    """Answer that something must be fixed; empty cures are left out."""
    return CheckAnswer(CheckState.FAILURE, text, tuple(filter(None, cures)))


def shortly(names: Sequence[str]) -> str:
    """Name the first five, and count the rest."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
