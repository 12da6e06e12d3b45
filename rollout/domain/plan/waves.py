"""Who goes together: every `enforce` user is in the first wave that matches, and stays there."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from rollout.domain.people.organization import Account
from rollout.domain.people.scope import first_match, first_ou_match, first_tag_match
from rollout.domain.people.users import User, tag


@dataclass(frozen=True, slots=True)
class Wave:
    """One line of `waves:`. Every selector given must match; a wave without selectors takes everybody.

    `percent` takes a stable share of the users that the other selectors match, by a hash of UserId alone, so that
    nobody moves when others come or go, and a larger percentage only adds.
    """

    name: str
    percent: float | None = None
    ous: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    account_tags: tuple[str, ...] = ()
    user_tags: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def takes(self, user: User, account: Account) -> bool:
        """Tell whether the user belongs to this wave, those before it not counted."""
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
    """Place a UserId on a line from 0 to 100, evenly and for good."""
    return int.from_bytes(sha256(user_id.encode()).digest()[:8]) / 2**64 * 100


def wave_of(user: User, account: Account, waves: tuple[Wave, ...]) -> Wave | None:
    """Find the first wave that takes the user; None when no wave does (the plan is refused then)."""
    return next((wave for wave in waves if wave.takes(user, account)), None)


def _user_has_tag(user: User, text: str) -> bool:
    key, _, value = text.partition("=")
    return tag(user, key) == value
