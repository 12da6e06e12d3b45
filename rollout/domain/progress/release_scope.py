"""Defines what a release covers: some users, a wave, some accounts, or everybody."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.people.users import UserRef

MOST_NAMED = 10_000
"""The most users that a record of a wave names: its line in the journal would become too long."""


@dataclass(frozen=True, slots=True)
class ReleaseScope:
    """Exactly one of users, wave, accounts and everybody. Accounts and everybody are let out by the brake.

    With a wave, `users` are those whom it reached: they stay reached when the wave is renamed or their account moves.
    Records of earlier versions have none there, nor has a wave of more than MOST_NAMED users.
    """

    users: tuple[UserRef, ...] = ()
    wave: str = ""
    accounts: tuple[str, ...] = ()
    everybody: bool = False

    @property
    def by_brake(self) -> bool:
        """Tell whether whole accounts are let out, by the default version of their policy."""
        return self.everybody or bool(self.accounts)

    def takes_account(self, account_id: str) -> bool:
        """Tell whether an account is covered as a whole."""
        return self.everybody or account_id in self.accounts

    def takes(self, account_id: str, user_id: str, wave: str) -> bool:
        """Tell whether a user is covered, with the account or alone; `wave` is the user's, empty if unknown."""
        if self.takes_account(account_id) or (self.wave and self.wave == wave):
            return True
        return any(ref.id == user_id for ref in self.users)

    def contains(self, other: ReleaseScope) -> bool:
        """Tell whether this scope covers all of another one, as far as both are given in the same way."""
        if self.everybody:
            return True
        if other.everybody:
            return False
        if other.accounts:
            return set(other.accounts) <= set(self.accounts)
        if other.wave:
            return other.wave == self.wave
        return all(self.takes(ref.account_id, ref.id, "") for ref in other.users)

    @property
    def text(self) -> str:
        """Describe the scope."""
        if self.everybody:
            return "everybody"
        if self.accounts:
            return f"account{'s' if len(self.accounts) > 1 else ''} {', '.join(self.accounts)}"
        if self.wave:
            return f'wave "{self.wave}"'
        return ", ".join(ref.arn for ref in self.users[:3]) + (
            f" and {len(self.users) - 3} more" if len(self.users) > 3 else ""
        )
