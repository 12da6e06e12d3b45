"""Assigns every `enforce` user to the first wave that matches."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from rollout.domain.people.organization import Account
from rollout.domain.people.scope import first_match, first_ou_match, first_tag_match
from rollout.domain.people.users import User, tag


@dataclass(frozen=True, slots=True)
class Wave:
    """One line of `waves:`. Every selector given must match; a wave without selectors takes all users.

    `percent` takes a stable share of the users that the other selectors match, by a hash of UserId alone, so that
    users do not move when others come or go, and a larger percentage only adds users.
    """

    name: str
    percent: float | None = None
    ous: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    account_tags: tuple[str, ...] = ()
    user_tags: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def takes(self, user: User, account: Account) -> bool:
        """Tell whether this wave matches the user, regardless of earlier waves."""
        if self.ous and not first_ou_match(self.ous, account.ou):
            return False
        if self.accounts and not first_match(self.accounts, account.id, account.name):
            return False
        if self.account_tags and not first_tag_match(self.account_tags, account.tags):
            return False
        if self.user_tags and not any(_user_has_tag(user, text) for text in self.user_tags):
            return False
        if self.users and not first_match(self.users, user.arn, user.id, user.name):
            return False
        return self.percent is None or position(user.id) < self.percent


def position(user_id: str) -> float:
    """Map a UserId to a number from 0 to 100, evenly distributed and always the same."""
    return int.from_bytes(sha256(user_id.encode()).digest()[:8]) / 2**64 * 100


def wave_of(user: User, account: Account, waves: tuple[Wave, ...]) -> Wave | None:
    """Find the first wave that takes the user; None if no wave does, which makes the plan fail."""
    return next((wave for wave in waves if wave.takes(user, account)), None)


def _user_has_tag(user: User, text: str) -> bool:
    key, _, value = text.partition("=")
    return tag(user, key) == value
