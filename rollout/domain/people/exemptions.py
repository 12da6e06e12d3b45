"""Exempts users for a limited time: each exemption names users exactly and has an owner, a reason and an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rollout.domain.people.users import Named, User, tag


@dataclass(frozen=True, slots=True)
class UserMatch:
    """Names users exactly: by ARN, by UserId (`AIDA…`), or by a tag `key=value`; never by part of a name."""

    text: str

    def matches(self, user: Named) -> bool:
        """Tell whether this names the user."""
        if self.text in (user.arn, user.id):
            return True
        key, equals, value = self.text.partition("=")
        return bool(equals) and not self.text.startswith("arn:") and tag(user, key) == value


@dataclass(frozen=True, slots=True)
class Exemption:
    """One item of `exemptions:`. It applies up to and including the day `expires` (UTC)."""

    match: UserMatch
    owner: str
    reason: str
    expires: date
    ticket: str = ""

    def lives(self, today: date) -> bool:
        """Tell whether the exemption applies on that day (UTC)."""
        return today <= self.expires

    @property
    def sentence(self) -> str:
        """Describe the exemption for a message."""
        ticket = f" ({self.ticket})" if self.ticket else ""
        return f"{self.reason}; owner {self.owner}, until {self.expires.isoformat()} UTC{ticket}"


def exemption_for(user: User, exemptions: tuple[Exemption, ...], today: date) -> Exemption | None:
    """Return the user's exemption that applies today and lasts longest; None without one."""
    live = [line for line in exemptions if line.match.matches(user) and line.lives(today)]
    return max(live, key=lambda line: line.expires, default=None)
