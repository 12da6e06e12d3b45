"""What this tool made and has not undone: the journal, folded. Only that is ever rolled back."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
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
from rollout.domain.progress.records import Intent, RunStarted
from rollout.domain.progress.releases import RELEASE
from rollout.domain.progress.stages import Stage

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """One change of the past: what was intended, and what came of it (None: left open by a crash)."""

    started: RunStarted
    intent: Intent
    outcome: Outcome | None
    settled_at: datetime | None


@dataclass(slots=True)
class OwnedResources:
    """Everything of ours, each with the change that made it, in the order in which it was made.

    `things` holds policies, groups, attachments and memberships by `key_of`. `versions` holds, by policy ARN, every
    change that gave the policy a document. What stood before is not here, and neither is what was rehearsed.
    """

    things: dict[Key, Done] = field(default_factory=dict)
    versions: dict[str, list[Done]] = field(default_factory=dict)
    lent: dict[Key, Done] = field(default_factory=dict)
    """Those whom a release has taken out, to be put back one day."""

    def take(self, done: Done) -> None:
        """Follow one change of the past."""
        change, key = done.intent.change, key_of(done.intent.change)
        if key is None or done.started.stage is Stage.DRY_RUN:
            return
        if _makes(change):
            if isinstance(done.outcome, Applied):
                self._make(change, key, done)
            return
        if isinstance(done.outcome, Applied | AlreadyInPlace) or _is_gone(done):
            self._unmake(change, key, done)

    def _make(self, change: Change, key: Key, done: Done) -> None:
        if isinstance(change, CreatePolicy | CreateVersion):
            # What a later run settled for one that died stands where it was intended.
            insort(self.versions.setdefault(change.policy_arn, []), done, key=lambda one: one.intent.at)
        if not isinstance(change, CreateVersion):
            # Who comes back from a release is there by the plan and the wave that brought them first.
            self.things[key] = self.lent.pop(key, done)

    def _unmake(self, change: Change, key: Key, done: Done) -> None:
        former = self.things.pop(key, None)
        if done.started.command != RELEASE:
            self.lent.pop(key, None)
        elif former is not None:
            self.lent[key] = former
        if isinstance(change, DeletePolicy):
            self.versions.pop(change.policy_arn, None)

    @property
    def all(self) -> tuple[Done, ...]:
        """Everything of ours, versions of policies and people who are to come back among them."""
        versions = [done for dones in self.versions.values() for done in dones]
        later = (done for done in versions if isinstance(done.intent.change, CreateVersion))
        return (*self.things.values(), *self.lent.values(), *later)

    def of(self, *kinds: type[Change]) -> list[Done]:
        """Give what stands of some kinds, the oldest first."""
        return [done for done in self.things.values() if isinstance(done.intent.change, kinds)]


def owned_resources(changes: Iterable[Done]) -> OwnedResources:
    """Fold the changes of a journal."""
    made = OwnedResources()
    for done in changes:
        made.take(done)
    return made


def key_of(change: Change) -> Key | None:
    """Name the thing that a change makes or unmakes; None for what only moves between versions."""
    match change:
        case CreatePolicy(policy_arn=arn) | CreateVersion(policy_arn=arn) | DeletePolicy(policy_arn=arn):
            return ("policy", arn)
        case CreateGroup(account_id=account, group=group) | DeleteGroup(account_id=account, group=group):
            return ("group", account, group)
        case (
            AttachToGroup(account_id=account, group=group, policy_arn=arn)
            | DetachFromGroup(account_id=account, group=group, policy_arn=arn)
        ):
            return ("hung", account, group, arn)
        case (
            AddMember(account_id=account, group=group, user=user)
            | RemoveMember(account_id=account, group=group, user=user)
        ):
            return ("member", account, group, user.id)
        case (
            AttachToUser(account_id=account, user=user, policy_arn=arn)
            | DetachFromUser(account_id=account, user=user, policy_arn=arn)
        ):
            return ("attached", account, arn, user.id)
        case _:
            return None


def _makes(change: Change) -> bool:
    kinds = CreatePolicy | CreateVersion | CreateGroup | AttachToGroup | AddMember | AttachToUser
    return isinstance(change, kinds)


def _is_gone(done: Done) -> bool:
    return isinstance(done.outcome, Skipped) and done.outcome.code is SkipCode.GONE
