"""Defines what the workflows need from outside, in domain terms; `wiring` chooses the adapters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol, TypeVar

from rollout.domain.diagnosis.facts import Denial, EnvironmentFacts, QuotaUsage, Right
from rollout.domain.people.key_activity import KeyActivity
from rollout.domain.people.observations import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account, Caller, Organization
from rollout.domain.people.selectors import Selectable
from rollout.domain.people.users import Credential, NamedPolicy, Unread, User, UserRef
from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.plan.outline import AccountOutline
from rollout.domain.policy.changes import Change
from rollout.domain.policy.made import Made
from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Record, Released, ReleaseEnded
from rollout.domain.proof.comparing import HowAnswered, ProofAnswer
from rollout.domain.proof.proof_questions import ProofQuestion
from rollout.domain.proof.proof_record import ProofRecord
from rollout.domain.proof.proof_steps import ProofDocuments, ProofWrite, Remains
from rollout.domain.proof.proof_users import ProofUser

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class CannotEnter(Exception):
    """One account cannot be entered or read. Becomes an `Unreachable`; never ends the run."""

    def __init__(self, why: str, cure: str = "", denials: tuple[Denial, ...] = ()) -> None:
        """Take the reason and cure for the report, and for `doctor` the denials, one per role that was tried."""
        super().__init__(why)
        self.why = why
        self.cure = cure
        self.denials = denials

    @property
    def sentence(self) -> str:
        """The reason, followed by the cure if there is one."""
        return f"{self.why}. {self.cure}" if self.cure else self.why


class AnswerLost(Exception):
    """A write may or may not have happened; read its effect before repeating it (aws-facts.md#errors-and-retries)."""


class Refusal(Exception):
    """AWS refuses a write permanently. `gone`: the user, group or policy no longer exists."""

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
        """Take AWS's message, error code and request id, the number of attempts, and the cure."""
        super().__init__(why)
        self.why = why
        self.gone = gone
        self.attempts = attempts
        self.code = code
        self.request_id = request_id
        self.cure = cure


@dataclass(frozen=True, slots=True)
class WriteReceipt:
    """AWS's request id for a write that was answered, the number of attempts, and the id of a new policy or group."""

    request_id: str
    attempts: int = 1
    made: str = ""


@dataclass(frozen=True, slots=True)
class PolicyLevels:
    """The service control policies on the way from the root to one account, one tuple per level, root first."""

    by_account: dict[str, tuple[tuple[NamedPolicy, ...], ...]]


class OrganizationPort(Protocol):
    """The organization as the caller is allowed to see it."""

    def caller(self) -> Caller:
        """Ask `GetCallerIdentity`. Raises NoCredentials, ExpiredCredentials."""

    def organization(self) -> Organization:
        """Ask `DescribeOrganization`. Raises OrganizationNotListable."""

    def accounts(self) -> Sequence[Account]:
        """List every account, to the last page. Raises OrganizationNotListable."""

    def policy_levels(self, accounts: Sequence[Account]) -> PolicyLevels | Unread:
        """Read the SCPs of every account, policy by policy. Return Unread with the reason if they cannot be read."""


@dataclass(frozen=True, slots=True)
class LivePage:
    """Users with what binds them now, by `GetAccountAuthorizationDetails`; `rights_at` is from before the call.

    `devices` are current or None: virtual ones, by `ListVirtualMFADevices`. The other credentials are as old as they
    were. `following` is where to go on, empty at the end.
    """

    users: tuple[User, ...]
    following: str = ""


class OpenAccount(Protocol):
    """An entered account: reads it, reads one user's credentials live, makes one change."""

    @property
    def role(self) -> str:
        """The name of the assumed role, or "own credentials"."""

    def read(self) -> AccountFacts:
        """Read the account by the bulk calls of design.md#accounts. Raises CannotEnter."""

    def credentials_now(self, user: User, only: Collection[Credential] = ()) -> User:
        """Ask one user live: password, devices, keys; boundary, inline and attached policies, groups, tags.

        `facts_at` and `rights_at` are from before the first call. With `only`, nothing but these credentials is asked:
        everything else stays as it is given, and `facts_at` becomes `rights_at`. Raises Refusal(gone=True) when the
        user is no more, or the name belongs to another UserId (with `only`, this may go unnoticed).
        """

    def page_now(self, users: Mapping[str, User], after: str, size: int, *, devices: bool = True) -> LivePage:
        """Read anew about `size` of the account's users, by one call, from `after` on, which is empty at first.

        Returned are those of `users` (by UserId) who are among them, under the name by which they are known. With
        `devices`, virtual devices are listed where that takes fewer calls than to ask for them. Raises CannotEnter.
        """

    def user_named(self, name: str) -> UserRef | None:
        """Find who has this name now; None when nobody has. Raises CannotEnter."""

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        """Tell by a live read whether this change is in effect. Raises CannotEnter if access is lost.

        `patiently`: wait for a change made moments ago, which AWS may show late.
        """

    def make(self, change: Change) -> WriteReceipt:
        """Make the change by one write. Raises AnswerLost, Refusal."""

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """The group's members by `GetGroup`: UserId and today's name; empty without a group. Raises CannotEnter.

        Waits a limited time for the `expecting` UserIds: IAM shows changes with a delay
        (aws-facts.md#eventual-consistency).
        """

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Who carries the policy directly, by `ListEntitiesForPolicy`, as UserId and name. Raises CannotEnter.

        Waits for the `expecting` UserIds, as `members` does.
        """

    def dependents(self, policy_arn: str) -> tuple[str, ...]:
        """Name who has the policy other than as a user or group to whom it is attached: roles, and by boundaries.

        By `ListEntitiesForPolicy`; empty where there is no such policy. Raises CannotEnter.
        """

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        """Read one managed policy with all its versions and its tags; None if it does not exist. Raises CannotEnter."""

    def policies_at(self, path: str) -> tuple[str, ...]:
        """ARNs of the account's own policies right at a path, by `ListPolicies`. Raises CannotEnter."""

    def groups_with(self, policy_arn: str) -> tuple[str, ...]:
        """Names of the groups that a policy is attached to, by `ListEntitiesForPolicy`. Raises CannotEnter."""


class AccountAccess(Protocol):
    """Enters accounts."""

    def enter(self, account: Account, made: Made | None = None) -> OpenAccount:
        """Enter through the first role that can be assumed, and check that it is this account. Raises CannotEnter.

        Besides what has our names of today, only what was `made` by the journal can be written to.
        """


class Capabilities(Protocol):
    """An account entered to find out what the caller may do in it. Writes nothing."""

    @property
    def role(self) -> str:
        """The name of the assumed role, or "own credentials"."""

    def rights(self) -> tuple[Right, ...]:
        """Return, for every action that the tool needs, whether it is allowed. Raises CannotEnter."""

    def proof_rights(self) -> tuple[Right, ...]:
        """Return the same for every action that only `rollout prove` needs."""

    def quota_usage(self) -> QuotaUsage:
        """Return the use of the AWS quotas. Raises CannotEnter."""

    def our_policies(self) -> tuple[ManagedPolicy, ...]:
        """List the policies of our names at our path, with their tags. Raises CannotEnter."""

    def users(self) -> tuple[Selectable, ...]:
        """List the users with every attribute that selects users. Raises CannotEnter."""


class KeptActivity(Protocol):
    """What was found today of access keys, so that CloudTrail is asked about each of them once a day."""

    def of(self, key_id: str, source: str, day: date) -> KeyActivity | None:
        """Return what was found of a key on this day (UTC), from this source; None if nothing was kept."""

    def keep(self, key_id: str, activity: KeyActivity) -> None:
        """Keep what was found of a key, where that is possible."""


class ProbingAccess(Protocol):
    """Enters accounts for `doctor`."""

    def probe(self, account: Account) -> Capabilities:
        """Enter as `AccountAccess.enter` does. Raises CannotEnter."""


class RunEnvironment(Protocol):
    """The environment of the calls: this machine, its Region, its clock, and its sessions."""

    def environment_facts(self, caller: Caller | None) -> EnvironmentFacts:
        """Return the facts. Call it last, after each service was called once; without a caller there are fewer."""


class StoredPlan(Protocol):
    """A stored plan whose checksum and evidence were verified."""

    @property
    def header(self) -> Header:
        """Document 1, with checksum and digests."""

    @property
    def stem(self) -> str:
        """The file's stem, `2026-11-24-k3f9`, which also names the report folder."""

    @property
    def location(self) -> str:
        """The path or URL of the file, for a person."""

    @property
    def renewed(self) -> datetime | None:
        """When planning again last changed nothing; None if it never did."""

    def renew(self, at: datetime) -> StoredPlan:
        """Record beside the plan that planning again changed nothing; its bytes stay the same. Raises Unwritable."""

    def outlines(self) -> Iterator[AccountOutline]:
        """Yield what is known of each account without reading it, sorted by id."""

    def accounts(self, only: frozenset[str] | None = None) -> Iterator[AccountPlan]:
        """Yield the accounts, sorted by id, each joined with its evidence; or only those with these ids."""


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """What is known of one account's part once it is written: the SHA-256 of its bytes, and their layout.

    It is small, and can be pickled. Only the store reads the `layout`. A part that was written elsewhere has its bytes
    with it until it is kept (`carried`).
    """

    account_id: str
    digest: str
    layout: bytes
    carried: bytes = b""


class PlanParts(Protocol):
    """The accounts of a plan in the making, each written down as soon as it is judged: nobody holds all of them."""

    def write(self, account: AccountPlan) -> WrittenPart:
        """Write an account's part; thread-safe, and possible in another process. Raises Unwritable."""

    def keep(self, part: WrittenPart) -> WrittenPart:
        """Take a part that was written into the plan; return it without its bytes. Raises Unwritable."""

    def accounts(self, only: frozenset[str] | None = None) -> Iterator[AccountPlan]:
        """Yield the parts that were kept, sorted by account id, one at a time; or only those with these ids."""


class PlanDraft(PlanParts, Protocol):
    """The same, to become a stored plan."""

    def save(self, header: Header) -> StoredPlan:
        """Put the plan and its evidence together, and fill in the checksum and the digests. Raises Unwritable."""


class PlanStore(Protocol):
    """Finds plans."""

    def load(
        self, reference: str | None, organization_id: str | None = None, *, whole: bool = True
    ) -> StoredPlan:
        """Open a plan by path, stem or id. None opens the newest by `created`, of this organization if it has one.

        `whole`: verify all of the evidence at once; otherwise what is read of it is verified as it is read.
        Raises NoPlan, PlanRefused (altered, or its evidence missing or altered).
        """


@dataclass(frozen=True, slots=True)
class UnsealedRun:
    """A run whose records the store's key does not cover, and why. `damage`: why they cannot be sealed, if so.

    `digest` is that of its bytes; `records` are those that can be read.
    """

    run: str
    where: str
    why: str
    digest: str
    records: tuple[Record, ...]
    damage: str = ""


class SealablePlan(Protocol):
    """A whole plan that the store's key has not sealed."""

    @property
    def header(self) -> Header:
        """Document 1."""

    @property
    def location(self) -> str:
        """The path or URL of the file, for a person."""

    def seal(self) -> None:
        """Seal it; its content and its checksum stay. Raises Unwritable, KeyUnusable."""


class Journal(Protocol):
    """The append-only record of a store."""

    def append(self, *records: Record) -> None:
        """Write records, which are durable when this returns. Thread-safe. Raises Unwritable, KeyUnusable."""

    def records(self) -> Iterator[Record]:
        """Yield the records of all segments, oldest run first; an incomplete last line of a segment is skipped.

        Raises JournalDamaged; in a store that has a key, RecordAltered and KeyUnusable.
        """

    def progress(self, organization_id: str, more: Iterable[Record] = ()) -> Progress:
        """Derive where an organization stands from all records, and then from some more. Raises as `records` does."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a person signs in to the console as a throw-away user; `code` gives a code of the user's device, if any.

    Never recorded: it is for the terminal only.
    """

    address: str
    user: str
    password: str = field(repr=False)
    code: Callable[[], str] | None = None


class Guide(Protocol):
    """Somebody who tries what needs a browser."""

    def walk(self, question: ProofQuestion, sign_in: SignIn) -> HowAnswered:
        """Say what to do, wait, and return what the person saw; NOT_TRIED where it is skipped, or nobody is there.

        OTHER: it was tried, and AWS itself shows what came of it.
        """


class ProofMaker(Protocol):
    """An account entered to make what one proof needs, and to ask AWS as the users that it makes."""

    def make(self, write: ProofWrite) -> WriteReceipt:
        """Make one write of the proof. Raises AnswerLost, Refusal."""

    def ask(self, question: ProofQuestion, until: HowAnswered | None = None) -> ProofAnswer:
        """Ask one question as its user. With `until`, ask again until that is the answer, for a limited time."""

    def sign_in(self, user: ProofUser) -> SignIn:
        """Return how a person signs in as one of the users."""


@dataclass(frozen=True, slots=True)
class SignInSeen:
    """What AWS shows of a user's sign-ins: when the password was last used, and the serial numbers of the devices."""

    password_used: datetime | None
    devices: tuple[str, ...] = ()

    @property
    def has_passkey(self) -> bool:
        """Whether one of the devices is a passkey or a security key (aws-facts.md#inventory-calls)."""
        return any(":u2f/" in serial for serial in self.devices)


class ProofRemover(Protocol):
    """An account entered to find and remove what proofs have left, and nothing else."""

    def remains(self, expecting: frozenset[str] = frozenset()) -> Remains:
        """Find what proofs have left; wait a limited time until what is expected shows, by name. Raises CannotEnter."""

    def console_authorization(self) -> str:
        """Say whether console authorization is on for the account."""

    def seen(self, user: str) -> SignInSeen:
        """Read when a user's password was last used, and the user's devices. Raises CannotEnter."""

    def remove(self, write: ProofWrite) -> WriteReceipt:
        """Make one write that removes something; what is gone counts as removed. Raises AnswerLost, Refusal."""


class ProofAccess(Protocol):
    """Enters accounts for proofs."""

    def for_proof(self, account: Account, documents: ProofDocuments) -> ProofMaker:
        """Enter to make what one proof needs. Raises CannotEnter."""

    def after_proofs(self, account: Account) -> ProofRemover:
        """Enter to find and remove what proofs have left. Raises CannotEnter."""


class ProofStore(Protocol):
    """Keeps the records of proofs."""

    def save(self, record: ProofRecord) -> tuple[str, str]:
        """Write the record; return its name in the store, and the SHA-256 of its bytes. Raises Unwritable."""


class RecordsAside(Protocol):
    """Keeps the records of one run on this machine, until a later command can put them into the store."""

    @property
    def where(self) -> str:
        """The folder that they are in."""

    def append(self, *records: Record) -> None:
        """Keep records, which are durable when this returns. Raises Unwritable."""

    def discard(self) -> None:
        """Delete them."""


@dataclass(frozen=True, slots=True)
class UnrecordedRun:
    """Records of a run that its store did not take. `problems`: what of them cannot be read, or why none is trusted."""

    run: str
    where: str
    records: tuple[Record, ...]
    problems: tuple[str, ...]
    discard: Callable[[], None]


class StopMarker(Protocol):
    """Tells runs that have already begun about releases: each run reads it before every change.

    See design.md#apply-journal-store.
    """

    def add(self, record: Released | ReleaseEnded) -> None:
        """Publish a record to every run on this store. Raises Unwritable, KeyUnusable."""

    def records(self) -> Sequence[Released | ReleaseEnded]:
        """Return every published record, oldest first. Cheap enough to call before each change."""

    def check(self) -> None:
        """Look for records that were not published with the store's key. Raises RecordAltered, KeyUnusable."""


class Clock(Protocol):
    """The time by which gates, exemptions and notices are decided; never the session's time."""

    def now(self) -> datetime:
        """Return an aware instant, UTC."""


class Engine(Protocol):
    """Runs one task per account, several in parallel."""

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its answer as they complete, in any order."""


class Notifier(Protocol):
    """A channel that delivers messages to people. An adapter inherits what it does not define.

    `counts`: how far a message has to get to count. `at_once`: how many messages are handed over together.
    `repeatable`: whether handing over the same message again does nothing more, so that nothing is in doubt after a
    crash. `waits`: after how many seconds messages that were not taken for now are handed over again.
    """

    counts: Delivery = Delivery.DELIVERED
    at_once: int = 1
    repeatable: bool = False
    waits: tuple[float, ...] = ()

    def open(self) -> None:
        """Make sure that messages can be sent; called before each is announced in the journal.

        Raises ChannelUnusable with what is wrong for everybody, so that nobody's notice fails for it.
        """
        return

    @abstractmethod
    def send(self, notice: Notice) -> Receipt:
        """Send one message. Reports a failure in the receipt, never as an exception."""

    def close(self) -> None:
        """Let go of connections; `open` makes them anew."""
        return

    def send_all(self, notices: Sequence[Notice]) -> Sequence[Receipt]:
        """Send some messages, `at_once` at most; the receipts are in their order."""
        return [self.send(notice) for notice in notices]


class Lock(Protocol):
    """One operator at a time in an organization (design.md#apply-journal-store)."""

    def hold(self, organization_id: str, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock while the block runs. Raises LockHeld."""

    def still_held(self) -> bool:
        """Tell whether this run still holds the lock; asked before every account, because others can take it over.

        Raises a RolloutError if the store cannot be read.
        """


class ProgressDisplay(Protocol):
    """Shows on stderr the progress of a run."""

    def say(self, text: str) -> None:
        """Print one line."""

    def begin(self, what: str, total: int) -> None:
        """Start counting."""

    def advance(self, detail: str = "", by: int = 1) -> None:
        """Advance the count by `by`; thread-safe. `detail` names the current item."""

    def finish(self) -> None:
        """Stop counting."""
