"""Describes what AWS Sign-In weighs besides the password (aws-facts.md#doors-and-credentials-found-later)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weighing(StrEnum):
    """Whether console authorization is on, so that identity policies are weighed at the sign-in to the console."""

    OFF = "off"
    ON = "on"
    UNREAD = "not read"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True, slots=True)
class ConsoleAuthorization:
    """The console authorization of one account, by `GetConsoleAuthorizationConfiguration`.

    `source` says what answered, or why nothing did. `restrictions` are Sign-In's resource policy and the resource
    control policies about sign-in, in words; they are read only where console authorization is on.
    """

    state: Weighing
    source: str
    restrictions: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Say whether it is on, and by what."""
        match self.state:
            case Weighing.ON | Weighing.OFF:
                return f"console authorization is {self.state} ({self.source})"
            case Weighing.UNREAD | Weighing.NOT_OFFERED:
                return f"whether console authorization is on was not read ({self.source})"
