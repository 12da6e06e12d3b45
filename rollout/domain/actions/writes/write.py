"""Defines a wanted write: a change, and the wave that needs it."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import Change, user_of


@dataclass(frozen=True, slots=True)
class Write:
    """A change that a command wants.

    `in_place`: the change is in place already, by an earlier run or by hand, and is only recorded. `wave` is empty
    for a change that several users need. `to_return`: it takes out users who come back later, as a release does.
    `follows`: it is made only if what was wanted for the same user before was made.
    """

    change: Change
    wave: str = ""
    in_place: bool = False
    to_return: bool = False
    follows: bool = False

    @property
    def user(self) -> UserRef | None:
        """The user whom the write concerns; None if it concerns the policy or the group."""
        return user_of(self.change)
