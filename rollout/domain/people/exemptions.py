"""Who is left alone for a while: exact, owned, with a reason, and never for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rollout.domain.people.users import Named, User, tag


@dataclass(frozen=True, slots=True)
class UserMatch:
    """Names users exactly: by ARN, by UserId (`AIDA…`), or by a tag `key=value`; never by substring."""

    text: str

    def matches(self, user: Named) -> bool:
        """Tell whether this names the user."""
        if self.text in (user.arn, user.id):
            return True
        key, equals, value = self.text.partition("=")
        return bool(equals) and not self.text.startswith("arn:") and tag(user, key) == value


@dataclass(frozen=True, slots=True)
class Exemption:
    """One line of `exemptions:`. It covers through the day `expires` and stops the day after (UTC)."""

    match: UserMatch
    owner: str
    reason: str
    expires: date
    ticket: str = ""

    def lives(self, today: date) -> bool:
        """Tell whether the exemption still covers on that day."""
        return today <= self.expires

    @property
    def sentence(self) -> str:
        """Say it for a person."""
        ticket = f" ({self.ticket})" if self.ticket else ""
        return f"{self.reason}; owner {self.owner}, until {self.expires.isoformat()}{ticket}"


def exemption_for(user: User, exemptions: tuple[Exemption, ...], today: date) -> Exemption | None:
    """Find the live exemption of a user that lasts longest."""
    live = [line for line in exemptions if line.match.matches(user) and line.lives(today)]
    return max(live, key=lambda line: line.expires, default=None)
