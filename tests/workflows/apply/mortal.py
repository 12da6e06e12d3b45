"""A run that dies: journal, accounts and mail that end the process at a moment that fate has chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from rollout.domain.people.observations import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account
from rollout.domain.people.users import Credential, User, UserRef
from rollout.domain.policy.changes import Change
from rollout.domain.policy.made import Made
from rollout.domain.progress.messages import Notice, Receipt
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Record
from rollout.domain.progress.stages import Stage
from rollout.workflows.ports import AccountAccess, Journal, LivePage, Notifier, OpenAccount, WriteReceipt
from tests.workflows.world import World, a_copy


class KillNow(BaseException):
    """SIGKILL: no handler runs, nothing is said or saved any more."""


@dataclass
class Fate:
    """Counts the moments of a run at which its death makes a difference; kills at the one chosen."""

    deadly: int | None = None
    moments: int = 0

    def moment(self) -> None:
        """Live through one, or not."""
        self.moments += 1
        if self.moments == self.deadly:
            raise KillNow


@dataclass
class MortalJournal:
    """Dies after any record, also in the middle of several that are appended together."""

    inner: Journal
    fate: Fate

    def append(self, *records: Record) -> None:
        for record in records:
            self.inner.append(record)
            self.fate.moment()

    def records(self) -> Iterator[Record]:
        return self.inner.records()

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        return self.inner.progress(organization_id, more)


@dataclass
class MortalAccount:
    """Dies right before or right after a write has its effect."""

    inner: OpenAccount
    fate: Fate

    @property
    def role(self) -> str:
        return self.inner.role

    def read(self) -> AccountFacts:
        return self.inner.read()

    def credentials_now(self, user: User, only: Collection[Credential] = ()) -> User:
        return self.inner.credentials_now(user, only)

    def page_now(self, users: Mapping[str, User], after: str, size: int, *, devices: bool = True) -> LivePage:
        return self.inner.page_now(users, after, size, devices=devices)

    def user_named(self, name: str) -> UserRef | None:
        return self.inner.user_named(name)

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        return self.inner.holds(change, patiently=patiently)

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        return self.inner.members(group, expecting)

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        return self.inner.attached_users(policy_arn, expecting)

    def dependents(self, policy_arn: str) -> tuple[str, ...]:
        return self.inner.dependents(policy_arn)

    def policies_at(self, path: str) -> tuple[str, ...]:
        return self.inner.policies_at(path)

    def groups_with(self, policy_arn: str) -> tuple[str, ...]:
        return self.inner.groups_with(policy_arn)

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        return self.inner.policy(policy_arn)

    def make(self, change: Change) -> WriteReceipt:
        self.fate.moment()
        try:
            return self.inner.make(change)
        finally:
            self.fate.moment()


@dataclass
class MortalDoor:
    """Leads into accounts in which one may die."""

    inner: AccountAccess
    fate: Fate

    def enter(self, account: Account, made: Made | None = None) -> MortalAccount:
        return MortalAccount(self.inner.enter(account, made), self.fate)


@dataclass
class MortalNotifier(Notifier):
    """Dies right before or right after a message is sent."""

    inner: Notifier
    fate: Fate

    def send(self, notice: Notice) -> Receipt:
        self.fate.moment()
        receipt = self.inner.send(notice)
        self.fate.moment()
        return receipt


def run_until(world: World, stage: Stage, fate: Fate) -> bool:
    """Begin a run that dies when fate says so; tell whether it came to its end."""
    run = world.run(journal=MortalJournal(world.journal, fate), access=MortalDoor(world.access, fate))
    try:
        world.apply(stage, run, MortalNotifier(world.notifier, fate))
    except KillNow:
        return False
    return True


def killed_at_every_moment(
    world: World, stage: Stage, prepare: Callable[[World], None] = lambda _: None
) -> Iterator[World]:
    """Yield the world after each death of the run that there can be, before anybody has gone on."""
    deadly = 0
    while True:
        deadly += 1
        twin = a_copy(world)
        prepare(twin)
        if run_until(twin, stage, Fate(deadly)):
            return
        yield twin
