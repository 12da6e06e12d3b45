"""Rehearses changes: reads for real, notes writes, and lets later reads see what was noted.

See design.md#stages-and-gates.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from rollout.aws.write import overlay
from rollout.domain.people.inventory import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account
from rollout.domain.people.users import User
from rollout.domain.policy.changes import Change
from rollout.workflows.ports import AccountAccess, OpenAccount, WriteReceipt

REHEARSED = WriteReceipt("rehearsed")


class Notes:
    """The writes noted for one account, in order; outlives each entering of it."""

    def __init__(self) -> None:
        """Nothing noted yet."""
        self._changes: list[Change] = []
        self._lock = threading.Lock()

    def add(self, change: Change) -> None:
        """Note a write."""
        with self._lock:
            self._changes.append(change)

    def all(self) -> tuple[Change, ...]:
        """Everything noted so far."""
        with self._lock:
            return tuple(self._changes)


class RehearsedAccess:
    """Fills `AccountAccess` around another one: its accounts never write. Safe to share between threads."""

    def __init__(self, inner: AccountAccess) -> None:
        """Enter through `inner`, which may well be narrowed to reading."""
        self._inner = inner
        self._notes: dict[str, Notes] = {}
        self._lock = threading.Lock()

    @property
    def noted(self) -> Mapping[str, tuple[Change, ...]]:
        """The writes that would have been made, by account id, in order."""
        with self._lock:
            return {account_id: notes.all() for account_id, notes in self._notes.items()}

    def enter(self, account: Account) -> RehearsingAccount:
        """Enter for real. Raises CannotEnter."""
        opened = self._inner.enter(account)
        with self._lock:
            notes = self._notes.setdefault(account.id, Notes())
        return RehearsingAccount(opened, notes)


class RehearsingAccount:
    """Fills `OpenAccount`: every read is real and shows what was noted, no write is made."""

    def __init__(self, inner: OpenAccount, notes: Notes) -> None:
        """Read nothing yet."""
        self._inner = inner
        self._notes = notes
        self._seen: AccountFacts | None = None

    @property
    def role(self) -> str:
        """The role that let us in."""
        return self._inner.role

    @property
    def noted(self) -> tuple[Change, ...]:
        """The writes noted for this account."""
        return self._notes.all()

    def read(self) -> AccountFacts:
        """Read for real, and add what was noted. Raises CannotEnter."""
        self._seen = self._inner.read()
        return self._rehearsed(self._seen)

    def credentials_now(self, user: User) -> User:
        """Ask live: no change of ours touches credentials. Raises Refusal."""
        return self._inner.credentials_now(user)

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        """Tell by a live read, or by what was noted where that decides."""
        if not any(_touches(noted, change) for noted in self._notes.all()):
            return self._inner.holds(change, patiently=patiently)
        return overlay.stands(self._rehearsed(self._facts()), change)

    def make(self, change: Change) -> WriteReceipt:
        """Note the write. AWS is never called."""
        self._notes.add(change)
        return REHEARSED

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Ask live, and add what was noted."""
        if not any(getattr(noted, "group", None) == group for noted in self._notes.all()):
            return self._inner.members(group, expecting)
        return overlay.members_of(self._rehearsed(self._facts()), group)

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Ask live, and add what was noted."""
        if not any(getattr(noted, "policy_arn", None) == policy_arn for noted in self._notes.all()):
            return self._inner.attached_users(policy_arn, expecting)
        return overlay.carriers_of(self._rehearsed(self._facts()), policy_arn)

    def dependents(self, policy_arn: str) -> tuple[str, ...]:
        """Ask live: no change of ours is about roles or boundaries."""
        return self._inner.dependents(policy_arn)

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        """Ask live, and add what was noted."""
        if not any(getattr(noted, "policy_arn", None) == policy_arn for noted in self._notes.all()):
            return self._inner.policy(policy_arn)
        return self._rehearsed(self._facts()).policies.get(policy_arn)

    def _facts(self) -> AccountFacts:
        # Once is enough: what we did not note ourselves, a rehearsal may take from its own reading.
        if self._seen is None:
            self._seen = self._inner.read()
        return self._seen

    def _rehearsed(self, facts: AccountFacts) -> AccountFacts:
        for change in self._notes.all():
            facts = overlay.after(facts, change)
        return facts


def _touches(noted: Change, asked: Change) -> bool:
    """Tell whether a noted write can have a say in what is asked: the same group, policy or user's attachments."""
    group, policy = getattr(asked, "group", None), getattr(asked, "policy_arn", None)
    same_group = group is not None and getattr(noted, "group", None) == group
    return same_group or (policy is not None and getattr(noted, "policy_arn", None) == policy)
