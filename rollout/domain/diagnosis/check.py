"""One thing that was checked, in a word, a sentence, and a cure; and what all of them come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What was found. A warning stops nothing today."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


class Section(StrEnum):
    """What a check is about."""

    CALLER = "caller"
    ORGANIZATION = "organization"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a diagnosis. A failure has a cure, or several where AWS does not tell which of them it needs."""

    section: Section
    name: str
    state: State
    text: str
    cures: tuple[str, ...] = ()
    account_id: str = ""
    account_name: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in the order in which they build on each other."""

    checks: tuple[Check, ...]
    other_organization: bool = False

    def of(self, section: Section) -> tuple[Check, ...]:
        """The checks of one section."""
        return tuple(check for check in self.checks if check.section is section)

    def failed(self, *sections: Section) -> bool:
        """Tell whether a check of these sections failed."""
        return any(check.state is State.FAILURE for section in sections for check in self.of(section))

    @property
    def state(self) -> State:
        """The worst that was found."""
        states = {check.state for check in self.checks}
        return next((state for state in (State.FAILURE, State.WARNING) if state in states), State.OK)
