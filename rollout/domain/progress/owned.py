"""Derives from the journal what this tool made and has not undone; nothing else is ever rolled back."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DetachFromGroup,
    DetachFromUser,
    Outcome,
    RemoveMember,
    SkipCode,
    Skipped,
)
from rollout.domain.policy.made import HUNG
from rollout.domain.progress.records import Intent, RunStarted
from rollout.domain.progress.releases import RELEASE
from rollout.domain.progress.stages import Stage

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastChange:
    """One change that a run began."""

    started: RunStarted
    intent: Intent

    @property
    def to_return(self) -> bool:
        """Whether those whom this takes out come back later: a release ends, an exemption is for good."""
        return self.intent.to_return or self.started.command == RELEASE


@dataclass(frozen=True, slots=True)
class Done(PastChange):
    """One change of the past and its outcome, which is None if a crash left it open."""

    outcome: Outcome | None
    settled_at: datetime | None


def is_rehearsal(done: PastChange) -> bool:
    """Tell whether a change was only rehearsed."""
    return done.started.stage is Stage.DRY_RUN


@dataclass(slots=True)
class OwnedResources:
    """Everything that this tool made, each with the change that made it, oldest first.

    `things` has policies, groups, attachments and memberships by `key_of`. `versions` has, by policy ARN, every change
    that gave the policy a document. What was there before and what was only rehearsed are not included.
    """

    things: dict[Key, PastChange] = field(default_factory=dict)
    versions: dict[str, list[PastChange]] = field(default_factory=dict)
    released: dict[Key, PastChange] = field(default_factory=dict)
    """Memberships and attachments that were removed for a time, as by a release, to be put back when it ends."""

    def take(self, done: Done) -> None:
        """Add or drop what one settled change made or unmade."""
        change, key = done.intent.change, key_of(done.intent.change)
        if key is None or is_rehearsal(done):
            return
        if isinstance(
            change, CreatePolicy | CreateVersion | CreateGroup | AttachToGroup | AddMember | AttachToUser
        ):
            if isinstance(done.outcome, Applied):
                self._add(change, key, PastChange(done.started, done.intent))
            return
        gone = isinstance(done.outcome, Skipped) and done.outcome.code is SkipCode.GONE
        if gone or isinstance(done.outcome, Applied | AlreadyInPlace):
            self._drop(change, key, done)

    def _add(self, change: Change, key: Key, done: PastChange) -> None:
        if isinstance(change, CreatePolicy | CreateVersion):
            # A change that a later run settled for a crashed one keeps the place of its intent.
            insort(
                self.versions.setdefault(change.policy_arn, []), done, key=lambda version: version.intent.at
            )
        if not isinstance(change, CreateVersion):
            # Users who come back from a release belong to the plan and the wave that enforced them first.
            self.things[key] = self.released.pop(key, done)

    def _drop(self, change: Change, key: Key, done: PastChange) -> None:
        former = self.things.pop(key, None)
        if not done.to_return:
            self.released.pop(key, None)
        elif former is not None:
            self.released[key] = former
        if isinstance(change, DeletePolicy):
            self.versions.pop(change.policy_arn, None)

    @property
    def all(self) -> tuple[PastChange, ...]:
        """Everything that this tool made, including policy versions and what a release is to put back."""
        versions = (done for dones in self.versions.values() for done in dones)
        later = (done for done in versions if isinstance(done.intent.change, CreateVersion))
        return (*self.things.values(), *self.released.values(), *later)

    def in_account(self, account_id: str) -> OwnedResources:
        """Give what this tool made in one account."""

        def mine(done: PastChange) -> bool:
            return done.intent.change.account_id == account_id

        return OwnedResources(
            {key: done for key, done in self.things.items() if mine(done)},
            {arn: dones for arn, dones in self.versions.items() if mine(dones[0])},
            {key: done for key, done in self.released.items() if mine(done)},
        )

    def of(self, *kinds: type[Change]) -> list[PastChange]:
        """Give what changes of these kinds made and what still exists, oldest first."""
        return [done for done in self.things.values() if isinstance(done.intent.change, kinds)]


def key_of(change: Change) -> Key | None:
    """Name the thing that a change makes or unmakes; None for a change between versions."""
    match change:
        case CreatePolicy() | CreateVersion() | DeletePolicy():
            return ("policy", change.policy_arn)
        case CreateGroup() | DeleteGroup():
            return ("group", change.account_id, change.group)
        case AttachToGroup() | DetachFromGroup():
            return (HUNG, change.account_id, change.group, change.policy_arn)
        case AddMember() | RemoveMember():
            return ("member", change.account_id, change.group, change.user.id)
        case AttachToUser() | DetachFromUser():
            return ("attached", change.account_id, change.policy_arn, change.user.id)
        case _:
            return None
