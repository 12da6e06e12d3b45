"""Rehearses changes: reads are real, writes are only recorded, and later reads include the recorded writes.

See design.md#stages-and-gates.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace

from rollout.domain.people.observations import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account
from rollout.domain.people.users import Credential, User, UserRef
from rollout.domain.policy import effects
from rollout.domain.policy.changes import Change, CreatePolicy, DeletePolicy, user_of
from rollout.domain.policy.made import Made
from rollout.workflows.ports import AccountAccess, LivePage, OpenAccount, WriteReceipt

REHEARSED = WriteReceipt("rehearsed")


class RecordedWrites:
    """The writes recorded for one account, in order; kept when the account is entered again."""

    def __init__(self) -> None:
        """Start with no writes."""
        self._changes: list[Change] = []
        self._by_user: dict[str, list[Change]] = {}
        self._lock = threading.Lock()

    def add(self, change: Change) -> None:
        """Record a write."""
        with self._lock:
            self._changes.append(change)
            if ref := user_of(change):
                self._by_user.setdefault(ref.id, []).append(change)

    def about(self, user_id: str) -> tuple[Change, ...]:
        """Return the writes for one user recorded so far."""
        with self._lock:
            return tuple(self._by_user.get(user_id, ()))

    def all(self) -> tuple[Change, ...]:
        """Return all writes recorded so far."""
        with self._lock:
            return tuple(self._changes)


class RehearsedAccess:
    """Implements `AccountAccess` on top of another one; its accounts never write. Safe to share between threads.

    With `once`, an account is entered once, and its bulk reading is kept.
    """

    def __init__(self, inner: AccountAccess, *, once: bool = False) -> None:
        """Enter accounts through `inner`, which may be read-only."""
        self._inner = inner
        self._once = once
        self._entered: dict[str, RehearsingAccount] = {}
        self._notes: dict[str, RecordedWrites] = {}
        self._lock = threading.Lock()

    @property
    def noted(self) -> Mapping[str, tuple[Change, ...]]:
        """The writes that would have been made, by account ID, in order."""
        with self._lock:
            return {account_id: notes.all() for account_id, notes in self._notes.items()}

    def enter(self, account: Account, made: Made | None = None) -> RehearsingAccount:
        """Enter for real. Raises CannotEnter."""
        if known := self._entered.get(account.id):
            return known
        opened = self._inner.enter(account, made)
        with self._lock:
            notes = self._notes.setdefault(account.id, RecordedWrites())
            entered = RehearsingAccount(opened, notes, once=self._once)
            if self._once:
                self._entered[account.id] = entered
            return entered


class RehearsingAccount:
    """Implements `OpenAccount`: every read is real and includes the recorded writes; no write is made."""

    def __init__(self, inner: OpenAccount, notes: RecordedWrites, *, once: bool = False) -> None:
        """Keep the arguments; read nothing yet."""
        self._inner = inner
        self._once = once
        self._notes = notes
        self._seen: AccountFacts | None = None

    @property
    def role(self) -> str:
        """The role that was assumed."""
        return self._inner.role

    @property
    def noted(self) -> tuple[Change, ...]:
        """The writes recorded for this account."""
        return self._notes.all()

    def read(self) -> AccountFacts:
        """Read the account, and apply the recorded writes. Raises CannotEnter."""
        if self._seen is None or not self._once:
            self._seen = self._inner.read()
        return self._rehearsed(self._seen)

    def credentials_now(self, user: User, only: Collection[Credential] = ()) -> User:
        """Read live, and add the recorded writes. Raises Refusal."""
        return self._as_noted((self._inner.credentials_now(user, only),))[0]

    def page_now(self, users: Mapping[str, User], after: str, size: int, *, devices: bool = True) -> LivePage:
        """Read live, and add the recorded writes. Raises CannotEnter."""
        page = self._inner.page_now(users, after, size, devices=devices)
        return replace(page, users=self._as_noted(page.users))

    def user_named(self, name: str) -> UserRef | None:
        """Read live: no change of ours affects names. Raises CannotEnter."""
        return self._inner.user_named(name)

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        """Tell from a live read, or from the recorded writes where they decide."""
        if not any(_touches(noted, change) for noted in self._notes.all()):
            return self._inner.holds(change, patiently=patiently)
        return effects.is_in_effect(self._rehearsed(self._facts()), change)

    def make(self, change: Change) -> WriteReceipt:
        """Record the write; AWS is never called."""
        self._notes.add(change)
        return REHEARSED

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Read live, and apply the recorded writes."""
        if not any(getattr(noted, "group", None) == group for noted in self._notes.all()):
            return self._inner.members(group, expecting)
        return effects.members_of(self._rehearsed(self._facts()), group)

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Read live, and apply the recorded writes."""
        if not any(getattr(noted, "policy_arn", None) == policy_arn for noted in self._notes.all()):
            return self._inner.attached_users(policy_arn, expecting)
        return effects.carriers_of(self._rehearsed(self._facts()), policy_arn)

    def dependents(self, policy_arn: str) -> tuple[str, ...]:
        """Ask live: no change of ours is about roles or boundaries."""
        return self._inner.dependents(policy_arn)

    def policies_at(self, path: str) -> tuple[str, ...]:
        """Read live, and apply the recorded writes."""
        made = (change for change in self._notes.all() if isinstance(change, CreatePolicy | DeletePolicy))
        arns = dict.fromkeys(self._inner.policies_at(path))
        for change in made:
            if isinstance(change, DeletePolicy):
                arns.pop(change.policy_arn, None)
            elif change.path == path:
                arns[change.policy_arn] = None
        return tuple(arns)

    def groups_with(self, policy_arn: str) -> tuple[str, ...]:
        """Read live, and apply the recorded writes."""
        if not any(getattr(noted, "policy_arn", None) == policy_arn for noted in self._notes.all()):
            return self._inner.groups_with(policy_arn)
        groups = self._rehearsed(self._facts()).groups.values()
        return tuple(group.name for group in groups if policy_arn in group.attached)

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        """Read live, and apply the recorded writes."""
        if not any(getattr(noted, "policy_arn", None) == policy_arn for noted in self._notes.all()):
            return self._inner.policy(policy_arn)
        return self._rehearsed(self._facts()).policies.get(policy_arn)

    def _facts(self) -> AccountFacts:
        # One reading is enough: a rehearsal may rely on it for everything that it did not record itself.
        if self._seen is None:
            self._seen = self._inner.read()
        return self._seen

    def _as_noted(self, users: tuple[User, ...]) -> tuple[User, ...]:
        facts = replace(self._facts(), users=users)
        for user in users:
            for change in self._notes.about(user.id):
                facts = effects.after(facts, change)
        return facts.users

    def _rehearsed(self, facts: AccountFacts) -> AccountFacts:
        for change in self._notes.all():
            facts = effects.after(facts, change)
        return facts


def _touches(noted: Change, asked: Change) -> bool:
    """Tell whether a recorded write can affect the answer: the same group, policy, or user's attachments."""
    group, policy = getattr(asked, "group", None), getattr(asked, "policy_arn", None)
    same_group = group is not None and getattr(noted, "group", None) == group
    return same_group or (policy is not None and getattr(noted, "policy_arn", None) == policy)
