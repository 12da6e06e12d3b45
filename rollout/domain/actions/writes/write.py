"""One write that is wanted: the change, and the wave that it is made for."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import Change, user_of


@dataclass(frozen=True, slots=True)
class Write:
    """A change that a command wants.

    `in_place`: it is so already, by somebody else's hand or by an earlier run; it is only put on record. `wave` may be
    empty: a change for several users is then made for those who wait for it.
    """

    change: Change
    wave: str = ""
    in_place: bool = False

    @property
    def user(self) -> UserRef | None:
        """The user whom the write is about; None where it is about the policy or the group."""
        return user_of(self.change)
