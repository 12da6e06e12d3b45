"""What the workflows need from outside, in domain words; adapters fill these, `wiring` chooses which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from rollout.domain.diagnosis.facts import EnvironmentFacts, QuotaUsage, Right
from rollout.domain.people.inventory import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account, Caller, Organization
from rollout.domain.people.selectors import Selectable
from rollout.domain.people.users import NamedPolicy, Unread, User
from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.policy.changes import Change
from rollout.domain.progress.messages import Notice, Receipt
from rollout.domain.progress.records import Record, Released, ReleaseEnded

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class CannotEnter(Exception):
    """One account cannot be entered or read: why, and the cure. Carried as `Unreachable`, never fatal."""

    def __init__(self, why: str, cure: str = "", said: tuple[str, ...] = ()) -> None:
        """Keep the reason for the report, and AWS's own sentences for a doctor."""
        super().__init__(why)
        self.why = why
        self.cure = cure
        self.said = said

    @property
    def sentence(self) -> str:
        """Say the reason, and its cure where there is one."""
        return f"{self.why}. {self.cure}" if self.cure else self.why


class AnswerLost(Exception):
    """A write may or may not have happened; read its effect before repeating it (aws-facts.md#errors-and-retries)."""


class Refusal(Exception):
    """AWS refuses a write for good; `gone` when the user, group or policy is not there any more."""

    def __init__(
        self,
        why: str,
        *,
        gone: bool = False,
        attempts: int = 1,
        code: str = "",
        request_id: str = "",
        cure: str = "",
    ) -> None:
        """Keep AWS's sentence, error code and request id, how often the call was tried, and what to do about it."""
        super().__init__(why)
        self.why = why
        self.gone = gone
        self.attempts = attempts
        self.code = code
        self.request_id = request_id
        self.cure = cure


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """AWS's request id of a write that was answered, and how many attempts it took."""

    request_id: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class PolicyLevels:
    """The service control policies on the way from the root to one account, a tuple a level, root first."""

    by_account: dict[str, tuple[tuple[NamedPolicy, ...], ...]]


class OrganizationPort(Protocol):
    """The organization as the caller may see it."""

    def caller(self) -> Caller:
        """Ask `GetCallerIdentity`. Raises NoCredentials, ExpiredCredentials."""

    def organization(self) -> Organization:
        """Ask `DescribeOrganization`. Raises OrganizationNotListable."""

    def accounts(self) -> Sequence[Account]:
        """List every account, to the last page. Raises OrganizationNotListable."""

    def policy_levels(self, accounts: Sequence[Account]) -> PolicyLevels | Unread:
        """Read the SCPs of every account, by policy and not by account; Unread says why they cannot be had."""


class OpenAccount(Protocol):
    """One account, entered: read it, ask one user's credentials now, make one change."""

    @property
    def role(self) -> str:
        """The role that let us in, or "own credentials"."""

    def read(self) -> AccountFacts:
        """Read the account by the bulk calls of design.md#accounts. Raises CannotEnter."""

    def credentials_now(self, user: User) -> User:
        """Ask password, devices and keys of one user live. Raises Refusal(gone=True) when the user is no more."""

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        """Tell by a live read whether the effect of this change stands. Raises CannotEnter when access is lost.

        `patiently`: it may have been made moments ago, and show late.
        """

    def make(self, change: Change) -> WriteReceipt:
        """Make the change: one write. Raises AnswerLost, Refusal."""

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> frozenset[str]:
        """UserIds of the group's members by `GetGroup`; empty when there is no such group. Raises CannotEnter.

        Who is expected is waited for, for a bounded time: IAM shows a change a little late
        (aws-facts.md#eventual-consistency).
        """

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> frozenset[str]:
        """UserIds that carry the policy directly, by `ListEntitiesForPolicy`; empty if none. Raises CannotEnter.

        Who is expected is waited for, as in `members`.
        """

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        """Read one managed policy with all its versions, and nothing else; None when there is none."""


class AccountAccess(Protocol):
    """The way into accounts."""

    def enter(self, account: Account) -> OpenAccount:
        """Enter by the first role that lets us in, and check where we landed. Raises CannotEnter."""


class Capabilities(Protocol):
    """One account, entered to find out what may be done in it. Nothing is written."""

    @property
    def role(self) -> str:
        """The role that let us in, or "own credentials"."""

    def rights(self) -> tuple[Right, ...]:
        """Say of every action that the tool needs whether it may be taken. Raises CannotEnter."""

    def quota_usage(self) -> QuotaUsage:
        """Count what AWS limits. Raises CannotEnter."""

    def users(self) -> tuple[Selectable, ...]:
        """List the users, with all that they can be selected by. Raises CannotEnter."""


class ProbingAccess(Protocol):
    """The way into accounts for a doctor."""

    def probe(self, account: Account) -> Capabilities:
        """Enter as `AccountAccess.enter` does. Raises CannotEnter."""


class RunEnvironment(Protocol):
    """Where calls are made from: this machine, its Region, its clock, and the sessions that it asks for."""

    def environment_facts(self, caller: Caller | None) -> EnvironmentFacts:
        """Say it all; best at the end, when every service was asked once. Without a caller, less is known."""


class StoredPlan(Protocol):
    """A plan that lies in the store, its checksum and evidence already found to be right."""

    @property
    def header(self) -> Header:
        """Document 1, with checksum and digests."""

    @property
    def stem(self) -> str:
        """The file's stem, `2026-11-24-k3f9`: it names the report folder too."""

    @property
    def location(self) -> str:
        """Where a person finds the file."""

    @property
    def renewed(self) -> datetime | None:
        """When planning again last made no difference; None where that never was."""

    def renew(self, at: datetime) -> StoredPlan:
        """Note beside the plan, whose own bytes stay, that planning again made no difference. Raises Unwritable."""

    def accounts(self) -> Iterator[AccountPlan]:
        """Read one account at a time, sorted by account id, joined with its evidence."""


class PlanStore(Protocol):
    """Where plans are kept."""

    def save(self, header: Header, accounts: Iterable[AccountPlan]) -> StoredPlan:
        """Write plan and evidence, fill checksum and evidence digest. Raises Unwritable."""

    def load(self, reference: str | None, organization_id: str | None = None) -> StoredPlan:
        """Open a plan by path, stem or id; None: the newest by `created`, of that organization if there is one.

        Raises NoPlan, PlanRefused (altered, or its evidence missing or altered).
        """


class Journal(Protocol):
    """The append-only record of a store."""

    def append(self, *records: Record) -> None:
        """Write records; they are on disk when this returns. Safe from several threads. Raises Unwritable."""

    def records(self) -> Iterator[Record]:
        """Read all segments, oldest run first; a torn last line of a segment is passed over."""


class StopMarker(Protocol):
    """How a release reaches runs that have begun already: each looks at it before every change.

    See design.md#apply-journal-store.
    """

    def add(self, record: Released | ReleaseEnded) -> None:
        """Make a word seen by every run on this store. Raises Unwritable."""

    def records(self) -> Sequence[Released | ReleaseEnded]:
        """Everything that was ever put here, oldest first. Cheap enough to ask before each change."""


class Clock(Protocol):
    """Decision time: what gates, exemptions and notices go by. Never the session's time."""

    def now(self) -> datetime:
        """Return an aware instant, UTC."""


class Engine(Protocol):
    """Runs one task per account, several side by side."""

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its answer as it comes, in any order."""


class Notifier(Protocol):
    """A channel that carries a message to a person."""

    def send(self, notice: Notice) -> Receipt:
        """Send one message; a failure is a receipt, not an exception."""


class Lock(Protocol):
    """One operator at a time in an organization (design.md#apply-journal-store)."""

    def hold(self, organization_id: str, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock while the block runs. Raises LockHeld."""

    def still_held(self) -> bool:
        """Tell whether this run still has the lock: asked before every account, for somebody may have taken it over.

        Raises a RolloutError where the store cannot be asked.
        """


class ProgressDisplay(Protocol):
    """Says on stderr how far a run is."""

    def say(self, text: str) -> None:
        """Say one line."""

    def begin(self, what: str, total: int) -> None:
        """Start counting."""

    def advance(self, detail: str = "", by: int = 1) -> None:
        """Count one, or so many; also from several threads. `detail` says where it is."""

    def finish(self) -> None:
        """Stop counting."""
