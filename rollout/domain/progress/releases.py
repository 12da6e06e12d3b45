"""What the journal says of releases: who is let out, by whom, and what is still to be put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    CreateVersion,
    DeletePolicy,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
    is_about_enrolment,
)
from rollout.domain.progress.records import Deadlocked, Intent, Released, ReleaseEnded, Settled

RELEASE = "release"
"""The command whose removals are meant to be put back one day."""

ReleaseRecord = Released | ReleaseEnded


class InWave(Protocol):
    """Who is under the policy, and in which wave."""

    @property
    def user(self) -> UserRef:
        """Who."""

    @property
    def wave(self) -> str:
        """In which wave."""


@dataclass(frozen=True, slots=True)
class Returning:
    """A user whom a release took out from under the policy, to be put back when it is over."""

    user: UserRef
    wave: str
    at: datetime


@dataclass(slots=True)
class Releases:
    """Follows the journal. `braked` holds the accounts whose brake a release pulled and nobody has let go since.

    `disturbed` tells for each wave when a release or a deadlock last shook it: its soak starts anew from there.
    """

    words: list[ReleaseRecord] = field(default_factory=list)
    returning: dict[str, Returning] = field(default_factory=dict)
    braked: dict[str, str] = field(default_factory=dict)
    trapped: dict[str, Deadlocked] = field(default_factory=dict)
    disturbed: dict[str, datetime] = field(default_factory=dict)

    def say(self, word: ReleaseRecord, placed: Iterable[InWave]) -> None:
        """Take in that users are released, or that releases are over."""
        self.words.append(word)
        release_scope = word.release_scope
        shaken = {
            one.wave for one in placed if release_scope.takes(one.user.account_id, one.user.id, one.wave)
        }
        for wave in {*shaken, release_scope.wave} - {""}:
            self.disturbed[wave] = word.at

    def find(self, trapped: Deadlocked) -> None:
        """Take in what a look said of one user."""
        if trapped.over:
            self.trapped.pop(trapped.user.id, None)
        else:
            self.trapped[trapped.user.id] = trapped
            self.disturbed[trapped.wave] = trapped.at

    def settle(self, intent: Intent, settled: Settled, command: str) -> None:
        """Take in what came of a change."""
        change = intent.change
        if not isinstance(settled.outcome, Applied | AlreadyInPlace) or is_about_enrolment(change):
            return
        match change:
            case RemoveMember(user=user) | DetachFromUser(user=user):
                self.trapped.pop(user.id, None)
                if command == RELEASE:
                    self.returning[user.id] = Returning(user, intent.wave, settled.at)
                else:
                    self.returning.pop(user.id, None)
            case AddMember(user=user) | AttachToUser(user=user):
                self.returning.pop(user.id, None)
            case SetDefaultVersion() | CreateVersion() | DetachFromGroup() if command == RELEASE:
                self.braked[change.account_id] = intent.run
            case SetDefaultVersion() | CreateVersion() | AttachToGroup() | DeletePolicy():
                self.braked.pop(change.account_id, None)
            case _:
                pass

    def failures(self, wave: str, placed: Mapping[str, InWave]) -> set[str]:
        """UserIds of a wave who are let out or trapped: each counts as a failure until it is made good."""
        out = {user_id for user_id, one in self.returning.items() if one.wave == wave}
        trapped = {user_id for user_id, found in self.trapped.items() if found.wave == wave}
        braked = {
            user_id
            for user_id, one in placed.items()
            if one.wave == wave and one.user.account_id in self.braked
        }
        return out | trapped | braked
