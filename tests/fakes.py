"""One fake in memory per port, with the answers that AWS gives; failures are asked for, never random.

account = FakeAccount(an_account(), facts, clock)
account.fail(Trouble.LOST_AFTER, when=lambda change: isinstance(change, AddMember))
door = FakeDoor([account])
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar

from rollout.domain.people.observations import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account, Caller, Organization
from rollout.domain.people.users import Credential, Unread, User, UserRef
from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.plan.outline import AccountOutline, outline_of
from rollout.domain.policy import effects
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
    user_of,
)
from rollout.domain.policy.made import Made
from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.domain.progress.projection import Progress, replay
from rollout.domain.progress.records import Record, Released, ReleaseEnded
from rollout.errors import LockHeld, NoPlan
from rollout.notify.rehearsed_channel import RehearsingNotifier
from rollout.workflows.ports import (
    AnswerLost,
    CannotEnter,
    Clock,
    LivePage,
    Notifier,
    OpenAccount,
    PolicyLevels,
    Refusal,
    WriteReceipt,
    WrittenPart,
)

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: datetime) -> None:
        """Start at an aware instant."""
        self.instant = now

    def now(self) -> datetime:
        """Tell the instant."""
        return self.instant

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.instant += by


class Trouble(StrEnum):
    """What can go wrong with a write."""

    LOST_BEFORE = "the request never arrived"
    LOST_AFTER = "the write was made, its answer never arrived"
    REFUSED = "AccessDenied: refused by the test"
    GONE = "NoSuchEntity: gone, says the test"


@dataclass
class _Planned:
    trouble: Trouble
    when: Callable[[Change], bool]
    times: int


class FakeAccount:
    """An entered account whose state is an `AccountFacts`; `make` refuses what IAM refuses."""

    def __init__(
        self,
        account: Account,
        facts: AccountFacts,
        clock: Clock,
        *,
        role: str = "OrganizationAccountAccessRole",
    ) -> None:
        """Seed the account with what a read of it would find."""
        self.account = account
        self.facts = facts
        self.written: list[Change] = []
        """Every change that had an effect, in order; a repeated one stands here twice."""
        self.attempted: list[Change] = []
        """Every call of `make`, refused and lost ones too."""
        self.asked: list[str] = []
        """Every read: `read`, `page_now`, `credentials_now`, or the `Credential` asked; `holds`, `members`, …"""
        self.unreadable: CannotEnter | None = None
        self.unread_of: dict[str, Unread] = {}
        """By user name: what `credentials_now` cannot read."""
        self.unholdable: CannotEnter | None = None
        """Raised by `holds`, when access is lost half-way."""
        self.roles_with: dict[str, tuple[str, ...]] = {}
        """By policy ARN: the roles that have it, as `dependents` names them."""
        self.unseen: frozenset[str] = frozenset()
        """UserIds that `members` and `attached_users` do not show: IAM has not spread the word yet."""
        self.report: Callable[[User], User] = lambda user: user
        """What the credential report, which may be hours old, makes of a user; only `read` goes by it."""
        self.after_read: Callable[[], None] = lambda: None
        """What happens in the account between our reading it and our writing to it."""
        self.after_asking: Callable[[User], None] = lambda _: None
        """What happens right after each live answer about a user, before whoever asked makes use of it."""
        self.before_write: Callable[[Change], None] = lambda _: None
        """What happens right before each write."""
        self._clock = clock
        self._role = role
        self._planned: list[_Planned] = []
        self._lock = threading.RLock()

    def fail(self, trouble: Trouble, when: Callable[[Change], bool] = lambda _: True, times: int = 1) -> None:
        """Let the next `times` writes that match go wrong."""
        self._planned.append(_Planned(trouble, when, times))

    def put(self, user: User) -> None:
        """Add a user, or replace the one of the same name."""
        with self._lock:
            kept = tuple(known for known in self.facts.users if known.name != user.name)
            self.facts = replace(self.facts, users=tuple(sorted((*kept, user), key=lambda known: known.name)))

    def remove(self, name: str) -> None:
        """Delete a user, as an administrator would."""
        with self._lock:
            kept = tuple(user for user in self.facts.users if user.name != name)
            self.facts = replace(self.facts, users=kept)

    def user(self, name: str) -> User:
        """The user of this name as the account has it now."""
        return next(user for user in self.facts.users if user.name == name)

    @property
    def role(self) -> str:
        """The role that let us in."""
        return self._role

    def read(self) -> AccountFacts:
        """Read everything; rights are as of now, the credential report keeps its own date."""
        with self._lock:
            self.asked.append("read")
            if self.unreadable:
                raise self.unreadable
            now = self._clock.now()
            users = tuple(replace(self.report(user), rights_at=now) for user in self.facts.users)
            facts = replace(self.facts, users=users, read_at=now)
            self.after_read()
            return facts

    def page_now(self, users: Mapping[str, User], after: str, size: int, *, devices: bool = True) -> LivePage:
        """Read a page of the users anew, by name; of their devices, it tells nothing."""
        with self._lock:
            self.asked.append("page_now")
            if self.unreadable:
                raise self.unreadable
            there = self.facts.users[int(after or 0) :]
            page = [user for user in there[:size] if user.id in users and users[user.id].arn == user.arn]
            return LivePage(
                tuple(
                    replace(
                        users[user.id],
                        boundary_arn=user.boundary_arn,
                        tags=user.tags,
                        inline=user.inline,
                        attached=user.attached,
                        groups=user.groups,
                        rights_at=self._clock.now(),
                        devices=None,
                    )
                    for user in page
                ),
                str(int(after or 0) + size) if len(there) > size else "",
            )

    def credentials_now(self, user: User, only: Collection[Credential] = ()) -> User:
        """Ask one user's credentials live."""
        with self._lock:
            if only:
                return self._only(user, only)
            self.asked.append("credentials_now")
            known = next((other for other in self.facts.users if other.name == user.name), None)
            if known is None or known.id != user.id:
                raise Refusal(f"NoSuchEntity: user {user.name} is not there any more", gone=True)
            now = self._clock.now()
            unread = (self.unread_of[user.name],) if user.name in self.unread_of else ()
            answer = replace(
                user,
                unread=(*user.unread, *unread),
                password=known.password,
                devices=known.devices,
                keys=known.keys,
                boundary_arn=known.boundary_arn,
                tags=known.tags,
                inline=known.inline,
                attached=known.attached,
                groups=known.groups,
                rights_at=now,
                mfa_active=known.mfa_active,
                facts_at=now,
            )
            self.after_asking(answer)
            return answer

    def _only(self, user: User, only: Collection[Credential]) -> User:
        self.asked += sorted(only)
        known = next((other for other in self.facts.users if other.name == user.name), None)
        if known is None:
            raise Refusal(f"NoSuchEntity: user {user.name} is not there any more", gone=True)
        answer = replace(user, facts_at=user.rights_at)
        if Credential.PASSWORD in only:
            answer = replace(answer, password=known.password)
        if Credential.DEVICES in only:
            answer = replace(answer, devices=known.devices, mfa_active=known.mfa_active)
        if Credential.KEYS in only:
            answer = replace(answer, keys=known.keys)
        unread = self.unread_of.get(user.name)
        if unread and unread.fact in only:
            answer = replace(answer, unread=(*user.unread, unread))
        self.after_asking(answer)
        return answer

    def user_named(self, name: str) -> UserRef | None:
        """Find who has this name now."""
        with self._lock:
            return next((user.ref for user in self.facts.users if user.name == name), None)

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        """Tell whether the effect stands."""
        with self._lock:
            self.asked.append("holds")
            if self.unholdable:
                raise self.unholdable
            return effects.is_in_effect(self.facts, self._by_name(change))

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """A group's members, as UserId and name."""
        with self._lock:
            self.asked.append("members")
            return self._shown(effects.members_of(self.facts, group))

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Who carries the policy directly, as UserId and name."""
        with self._lock:
            self.asked.append("attached_users")
            return self._shown(effects.carriers_of(self.facts, policy_arn))

    def dependents(self, policy_arn: str) -> tuple[str, ...]:
        """Name who else has the policy."""
        with self._lock:
            bounded = (
                f"user {user.name} (boundary)" for user in self.facts.users if user.boundary_arn == policy_arn
            )
            return (*self.roles_with.get(policy_arn, ()), *bounded)

    def _shown(self, users: Mapping[str, str]) -> dict[str, str]:
        return {user_id: name for user_id, name in users.items() if user_id not in self.unseen}

    def policies_at(self, path: str) -> tuple[str, ...]:
        """List the policies right at a path."""
        with self._lock:
            self.asked.append("policies_at")
            if self.unreadable:
                raise self.unreadable
            return tuple(arn for arn, policy in self.facts.policies.items() if policy.path == path)

    def groups_with(self, policy_arn: str) -> tuple[str, ...]:
        """Name the groups with a policy."""
        with self._lock:
            self.asked.append("groups_with")
            groups = self.facts.groups.values()
            return tuple(group.name for group in groups if policy_arn in group.attached)

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        """Read one policy with its versions."""
        with self._lock:
            self.asked.append("policy")
            if self.unreadable:
                raise self.unreadable
            return self.facts.policies.get(policy_arn)

    def make(self, change: Change) -> WriteReceipt:
        """Make one change, or go wrong as planned."""
        with self._lock:
            self.attempted.append(change)
            self.before_write(change)
            trouble = self._due(change)
            if trouble in {Trouble.REFUSED, Trouble.GONE}:
                raise Refusal(trouble.value, gone=trouble is Trouble.GONE)
            if trouble is Trouble.LOST_BEFORE:
                raise AnswerLost(trouble.value)
            aimed = self._by_name(change)
            refusal = refused(self.facts, aimed)
            if refusal:
                raise refusal
            self.facts = effects.after(self.facts, aimed)
            self.written.append(change)
            if trouble is Trouble.LOST_AFTER:
                raise AnswerLost(trouble.value)
            return WriteReceipt(f"fake-{self.account.id}-{len(self.written)}")

    def _by_name(self, change: Change) -> Change:
        """Aim a change at whoever has the name now: IAM knows of no UserId in a request."""
        ref = user_of(change)
        if ref is None:
            return change
        there = self.user_named(ref.name) or replace(ref, id="nobody")
        return replace(change, user=there)  # type: ignore[arg-type]  # only changes about users get here

    def _due(self, change: Change) -> Trouble | None:
        for planned in self._planned:
            if planned.times and planned.when(change):
                planned.times -= 1
                return planned.trouble
        return None


def refused(facts: AccountFacts, change: Change) -> Refusal | None:
    """Say how IAM refuses this change, if it does (aws-facts.md#quotas-and-rates, aws-facts.md#errors-and-retries)."""
    match change:
        case CreatePolicy() | CreateVersion() | SetDefaultVersion() | DeleteVersion() | DeletePolicy():
            return _policy_refused(facts, change)
        case CreateGroup():
            return _exists(change.group) if change.group in facts.groups else None
        case DeleteGroup():
            return _no_group(facts, change.group) or _group_in_use(facts, change.group)
        case AttachToGroup() | DetachFromGroup():
            return _no_group(facts, change.group) or _attachment_refused(
                facts, change, facts.groups[change.group].attached, facts.quotas.policies_per_group
            )
        case AddMember() | RemoveMember():
            gone = _no_user(facts, change.user) or _no_group(facts, change.group)
            if gone or isinstance(change, RemoveMember):
                return gone
            groups = effects.user_by_id(facts, change.user.id).groups
            return _full(groups, change.group, facts.quotas.groups_per_user)
        case AttachToUser() | DetachFromUser():
            gone = _no_user(facts, change.user)
            if gone:
                return gone
            carried = effects.user_by_id(facts, change.user.id).attached
            return _attachment_refused(facts, change, carried, facts.quotas.policies_per_user)


def _policy_refused(
    facts: AccountFacts,
    change: CreatePolicy | CreateVersion | SetDefaultVersion | DeleteVersion | DeletePolicy,
) -> Refusal | None:
    arn = change.policy_arn
    match change:
        case CreatePolicy(name=name):
            return _exists(name) if any(policy.name == name for policy in facts.policies.values()) else None
        case CreateVersion():
            return _no_policy(facts, arn) or _no_room_for_version(facts, arn)
        case SetDefaultVersion(version_id=version):
            return _no_version(facts, arn, version)
        case DeleteVersion(version_id=version):
            return _no_version(facts, arn, version) or _in_force(facts, arn, version)
        case DeletePolicy():
            return _no_policy(facts, arn) or _policy_in_use(facts, arn)


def _attachment_refused(
    facts: AccountFacts,
    change: AttachToGroup | DetachFromGroup | AttachToUser | DetachFromUser,
    present: tuple[str, ...],
    limit: int,
) -> Refusal | None:
    match change:
        case AttachToGroup(policy_arn=arn) | AttachToUser(policy_arn=arn):
            return _no_policy(facts, arn) or _full(present, arn, limit)
        case DetachFromGroup(policy_arn=arn) | DetachFromUser(policy_arn=arn):
            return None if arn in present else _gone(f"{arn} is not attached")


def _no_room_for_version(facts: AccountFacts, arn: str) -> Refusal | None:
    full = len(facts.policies[arn].versions) >= facts.quotas.versions_per_policy
    return Refusal("LimitExceeded: the policy has all its versions") if full else None


def _in_force(facts: AccountFacts, arn: str, version_id: str) -> Refusal | None:
    default = facts.policies[arn].default
    return Refusal("DeleteConflict: the default version") if default and default.id == version_id else None


def _exists(what: str) -> Refusal:
    return Refusal(f"EntityAlreadyExists: {what}")


def _gone(what: str) -> Refusal:
    return Refusal(f"NoSuchEntity: {what}", gone=True)


def _no_policy(facts: AccountFacts, arn: str) -> Refusal | None:
    # AWS's own policies can always be attached, read or not.
    return None if arn in facts.policies or ":iam::aws:policy/" in arn else _gone(arn)


def _no_version(facts: AccountFacts, arn: str, version_id: str) -> Refusal | None:
    policy = facts.policies.get(arn)
    if policy is None or all(version.id != version_id for version in policy.versions):
        return _gone(f"{arn} {version_id}")
    return None


def _no_group(facts: AccountFacts, name: str) -> Refusal | None:
    return None if name in facts.groups else _gone(f"group {name}")


def _no_user(facts: AccountFacts, ref: UserRef) -> Refusal | None:
    return None if effects.has_user(facts, ref.id) else _gone(f"user {ref.name}")


def _full(present: tuple[str, ...], wanted: str, limit: int) -> Refusal | None:
    if wanted in present or len(present) < limit:
        return None
    return Refusal(f"LimitExceeded: {limit} already")


def _policy_in_use(facts: AccountFacts, arn: str) -> Refusal | None:
    by_group = any(arn in group.attached for group in facts.groups.values())
    if by_group or effects.carriers_of(facts, arn):
        return Refusal("DeleteConflict: the policy is attached")
    if len(facts.policies[arn].versions) > 1:
        return Refusal("DeleteConflict: the policy has more than one version")
    return None


def _group_in_use(facts: AccountFacts, name: str) -> Refusal | None:
    if effects.members_of(facts, name) or facts.groups[name].attached or facts.groups[name].inline:
        return Refusal("DeleteConflict: the group has members or policies")
    return None


class FakeDoor:
    """The way into accounts that are given; an account without one, or with a reason, cannot be entered."""

    def __init__(
        self, accounts: Iterable[FakeAccount], closed: Mapping[str, CannotEnter] | None = None
    ) -> None:
        """Take the accounts, and the reasons why others cannot be entered."""
        self.accounts = {fake.account.id: fake for fake in accounts}
        self.closed = dict(closed or {})
        self.entered: list[str] = []

    def enter(self, account: Account, made: Made | None = None) -> OpenAccount:
        """Open the account, or raise its reason."""
        self.entered.append(account.id)
        if account.id in self.closed:
            raise self.closed[account.id]
        if account.id not in self.accounts:
            raise CannotEnter("AccessDenied for roles OrganizationAccountAccessRole", "create the role")
        return self.accounts[account.id]


class FakeOrganization:
    """An organization that answers with what it was given; an exception in place of a value is raised."""

    def __init__(
        self,
        organization: Organization | Exception,
        caller: Caller | Exception,
        accounts: Sequence[Account] | Exception,
        levels: PolicyLevels | Unread | None = None,
    ) -> None:
        """Take the answers; without `levels`, no account has a service control policy."""
        self.answers = (organization, caller, accounts)
        self.levels = levels

    def caller(self) -> Caller:
        """Who runs this."""
        return _or_raise(self.answers[1])

    def organization(self) -> Organization:
        """Which organization this is."""
        return _or_raise(self.answers[0])

    def accounts(self) -> Sequence[Account]:
        """Every account."""
        return _or_raise(self.answers[2])

    def policy_levels(self, accounts: Sequence[Account]) -> PolicyLevels | Unread:
        """The service control policies."""
        return self.levels or PolicyLevels({account.id: () for account in accounts})


def _or_raise(answer: Item | Exception) -> Item:
    if isinstance(answer, Exception):
        raise answer
    return answer


class FakeEngine:
    """Runs tasks one after the other, in order; begins none once it is asked to stop."""

    def __init__(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Ask `stopping` before each task."""
        self._stopping = stopping

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its answer."""
        for item in items:
            if self._stopping():
                return
            yield item, task(item)


@dataclass
class FakeNotifier(Notifier):
    """A channel that delivers everything, but to the addresses that fail."""

    delivery: Delivery = Delivery.DELIVERED
    counts: Delivery = Delivery.DELIVERED
    failing: frozenset[str] = frozenset()
    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> Receipt:
        """Keep the notice and say how far it got."""
        if notice.address in self.failing:
            return Receipt(Delivery.REFUSED, detail="550 no such mailbox")
        self.sent.append(notice)
        return Receipt(self.delivery, message_id=f"message-{len(self.sent)}")


class FakeRehearsal(RehearsingNotifier):
    """The channel of a rehearsal, which keeps what it would have sent."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.noted: list[Notice] = []

    def send(self, notice: Notice) -> Receipt:
        """Keep the notice."""
        self.noted.append(notice)
        return super().send(notice)


@dataclass
class FakeLock:
    """A lock that somebody else may hold."""

    holder: str = ""
    held: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def hold(self, organization_id: str, purpose: str) -> Iterator[None]:
        """Hold the lock, or say who has it."""
        if self.holder:
            message = f"{self.holder} holds the lock of {organization_id}"
            raise LockHeld(message)
        self.holder = "this run"
        self.held.append((organization_id, purpose))
        try:
            yield
        finally:
            if self.still_held():
                self.holder = ""

    def still_held(self) -> bool:
        """Tell whether it is this run that holds it; a test lets somebody take it over by naming another holder."""
        return self.holder == "this run"


class FakeMarker:
    """What releases say to runs that have begun already."""

    def __init__(self) -> None:
        """Start empty."""
        self.kept: list[Released | ReleaseEnded] = []

    def add(self, record: Released | ReleaseEnded) -> None:
        """Keep the record."""
        self.kept.append(record)

    def records(self) -> Sequence[Released | ReleaseEnded]:
        """Return the records so far."""
        return tuple(self.kept)

    def check(self) -> None:
        """Find nothing wrong."""


@dataclass
class FakeProgress:
    """Keeps what was said."""

    said: list[str] = field(default_factory=list)
    counted: int = 0
    details: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Keep the line."""
        self.said.append(text)

    def begin(self, what: str, total: int) -> None:
        """Keep what is counted."""
        self.said.append(f"{what}: {total}")

    def advance(self, detail: str = "", by: int = 1) -> None:
        """Count one, or so many, and keep the detail."""
        self.counted += by
        self.details.append(detail)

    def finish(self) -> None:
        """Keep nothing."""


class FakeJournal:
    """A journal that is a list."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        """Start with what earlier runs wrote."""
        self.kept: list[Record] = list(records)

    def append(self, *records: Record) -> None:
        """Keep the records."""
        self.kept += records

    def records(self) -> Iterator[Record]:
        """Read as far as was written when the reading began."""
        yield from list(self.kept)

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        """Take all of them in."""
        return replay([*self.records(), *more], organization_id)


@dataclass(frozen=True)
class FakeStoredPlan:
    """A plan as it was saved."""

    header: Header
    parts: tuple[AccountPlan, ...]
    renewed: datetime | None = None

    def renew(self, at: datetime) -> FakeStoredPlan:
        """Give the plan back with the new time; whoever keeps it decides."""
        return replace(self, renewed=at)

    @property
    def stem(self) -> str:
        """Date and id, as the file would be called."""
        return f"{self.header.created:%Y-%m-%d}-{self.header.id}"

    @property
    def location(self) -> str:
        """Where it would be."""
        return f"plans/{self.stem}.yaml"

    def outlines(self) -> Iterator[AccountOutline]:
        """Sum up one account after the other."""
        yield from map(outline_of, self.parts)

    def accounts(self, only: frozenset[str] | None = None) -> Iterator[AccountPlan]:
        """Hand out one account after the other."""
        yield from (part for part in self.parts if only is None or part.account_id in only)


class FakeDraft:
    """A plan in the making, in memory; what is written out is handed back for what it is."""

    def __init__(self, plans: FakePlans | None = None) -> None:
        """Start empty."""
        self.plans = plans or FakePlans()
        self._written: dict[str, AccountPlan] = {}
        self._kept: set[str] = set()

    def write(self, account: AccountPlan) -> WrittenPart:
        """Remember it."""
        self._written[account.account_id] = account
        return WrittenPart(account.account_id, "", b"")

    def keep(self, part: WrittenPart) -> WrittenPart:
        """Take it into the plan."""
        self._kept.add(part.account_id)
        return part

    def accounts(self, only: frozenset[str] | None = None) -> Iterator[AccountPlan]:
        """Hand out one account after the other."""
        chosen = self._kept if only is None else only & self._kept
        return (self._written[account_id] for account_id in sorted(chosen))

    def save(self, header: Header) -> FakeStoredPlan:
        """Put it among the plans."""
        return self.plans.save(header, self.accounts())


class FakePlans:
    """Plans in memory; `damage` is raised in place of any plan."""

    def __init__(self) -> None:
        """Start empty."""
        self.kept: list[FakeStoredPlan] = []
        self.damage: Exception | None = None

    def save(self, header: Header, accounts: Iterable[AccountPlan]) -> FakeStoredPlan:
        """Keep the plan, its checksum a digest of all that it says."""
        parts = tuple(accounts)
        digest = sha256(repr((header, parts)).encode()).hexdigest()
        stored = FakeStoredPlan(replace(header, checksum=f"sha256:{digest}"), parts)
        self.kept.append(stored)
        return stored

    def load(
        self, reference: str | None, organization_id: str | None = None, *, whole: bool = True
    ) -> FakeStoredPlan:
        """Find a plan by id or stem, or the newest, of the organization where there is one."""
        if self.damage:
            raise self.damage
        fit = [
            plan
            for plan in self.kept
            if reference in (plan.header.id, plan.stem)
            or (reference is None and organization_id in (None, plan.header.organization_id))
        ]
        if not fit and reference is None:
            fit = self.kept
        if not fit:
            raise NoPlan("no plan here")
        return max(fit, key=lambda plan: plan.header.created)
