"""Works in one account, the same for every command that writes.

Enter, settle open intents, read, judge, guard, write, read back (design.md#apply-journal-store). A command says only
what it wants of the account; stop, lock, releases, failure budget, journal and progress are minded here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from rollout.domain.actions.context import AccountContext
from rollout.domain.actions.guard import enforces, lets_go, unfit
from rollout.domain.actions.release_state import account_release, describe_release, user_release
from rollout.domain.actions.writes import Left, Write
from rollout.domain.people.inventory import Observed
from rollout.domain.people.organization import Account
from rollout.domain.people.users import User, UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    Failed,
    Outcome,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.policy.our_resources import Brake
from rollout.domain.progress.records import AccountFailed, RunEnding, UserSkipped
from rollout.domain.progress.replay import Progress
from rollout.workflows.failure_budgets import Budgets
from rollout.workflows.journalled_writes import note_in_place, settle_account, write
from rollout.workflows.ports import CannotEnter, OpenAccount, Refusal
from rollout.workflows.run_context import JudgementBasis, RunContext

NOT_SEEN = "not seen when read back"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command wants in an account.

    `writes` are made in order: those about the policy and the group one by one, those about users a few at a time.
    `people`: for whom the former are made, each with their wave. `fit`: the UserIds that the policy may reach; None: no
    guard applies, for the command lets people out.
    """

    writes: tuple[Write, ...] = ()
    people: Mapping[UserRef, str] = field(default_factory=dict)
    fit: frozenset[str] | None = None


@dataclass(slots=True)
class AccountResult:
    """What came of one account: what was written, who or what was left as it is, and what failed, each in a sentence.

    `already`: writes that turned out not to be needed. `brake_was`: how the brake stood, where a release looked.
    `begun`: it was looked at, or an earlier run left it in the middle of a change. `counted` users have been counted
    as progress already.
    """

    account: Account
    written: list[Change] = field(default_factory=list)
    already: int = 0
    brake_was: Brake | None = None
    left: list[Left] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unreachable: bool = False
    interrupted: bool = False
    begun: bool = False
    counted: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a run, account by account. `unbegun`: accounts that a stop left for later."""

    accounts: tuple[AccountResult, ...]
    unbegun: int = 0

    @property
    def writes(self) -> int:
        """How many writes were made."""
        return sum(len(one.written) for one in self.accounts)

    @property
    def failed(self) -> tuple[AccountResult, ...]:
        """The accounts in which something could not be done."""
        return tuple(one for one in self.accounts if one.failed)

    @property
    def in_part(self) -> bool:
        """Tell whether something that should have been done was not (exit code 4)."""
        return bool(self.failed)

    @property
    def interrupted(self) -> bool:
        """Tell whether it was asked to stop, or lost its lock."""
        return self.unbegun > 0 or any(one.interrupted for one in self.accounts)

    @property
    def ending(self) -> RunEnding:
        """How the run ended."""
        if self.interrupted:
            return RunEnding.INTERRUPTED
        return RunEnding.IN_PART if self.in_part else RunEnding.DONE


class AccountCommand:
    """What one command wants of one account; each command has its own subclass."""

    counts_people = False
    """Progress counts users, not accounts."""
    unread = False
    """The account is neither settled, read nor judged, so that nothing can keep the first write waiting."""
    independent = False
    """No write is held back because one before it failed."""

    def __init__(self, account: Account) -> None:
        """Take the account."""
        self.account = account

    @property
    def size(self) -> int:
        """How much progress the account counts for."""
        return 1

    def wants(self, at: AccountRun) -> Wanted:
        """Say which writes are wanted, by `at.context`, and leave others alone by `at.leave`."""
        raise NotImplementedError

    def wave_of(self, at: AccountRun, user: User) -> str:
        """Name the wave that a user belongs to."""
        return at.known().wave_of(user)

    def wrote(self, change: Change, user: UserRef | None) -> None:
        """Take in that a write was made, or that its effect stood there."""

    def leaves(self, user: UserRef, wave: str, why: Skipped) -> None:
        """Take in that a user was left as they are."""

    def held_back(self, at: AccountRun, why: str) -> None:
        """Take in that the guard let no write through that enforces."""

    def finish(self, at: AccountRun) -> None:
        """Do what comes after the writes, unless the run has to end."""


Command = TypeVar("Command", bound=AccountCommand)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRunner:
    """Carries commands through accounts, side by side. `progress`: what the journal said when the run began."""

    run: RunContext
    progress: Progress
    basis: JudgementBasis | None = None
    budgets: Budgets = field(default_factory=Budgets)

    def carry(
        self, commands: Sequence[Command], doing: str, so_far: Callable[[], str] = str
    ) -> Iterator[tuple[Command, AccountResult]]:
        """Yield each account's result as it comes; accounts that a stop left unbegun are not among them."""
        display = self.run.progress
        display.begin(doing, sum(command.size for command in commands))
        for command, result in self.run.engine.map(self._one, commands):
            yield command, result
            account, left = command.account, max(command.size - result.counted, 0)
            display.advance(f"{account.id} {account.name}{so_far()}", left)
        display.finish()

    def carry_all(self, commands: Sequence[AccountCommand], doing: str) -> RunResult:
        """Carry all of them, and gather what came of it."""
        results = sorted(
            (result for _, result in self.carry(commands, doing)), key=lambda one: one.account.id
        )
        return RunResult(tuple(results), len(commands) - len(results))

    def _one(self, command: AccountCommand) -> AccountResult:
        """Work in one account. One that cannot be entered is journalled and answered, never raised."""
        at = AccountRun(self, command, AccountResult(command.account))
        if self.run.ends():
            at.result.interrupted = True
            return at.result
        try:
            at.carry()
        except CannotEnter as refusal:
            self.run.journal.append(
                AccountFailed(self.run.id, self.run.now(), command.account.id, refusal.why, refusal.cure)
            )
            at.result.unreachable = True
            at.result.failed.append(refusal.sentence)
        return at.result


class AccountRun:
    """One account being worked on by one command. Only `write` calls of one block run in several threads."""

    def __init__(self, runner: AccountRunner, command: AccountCommand, result: AccountResult) -> None:
        """Begin nothing yet."""
        self.runner, self.command, self.result = runner, command, result
        self.run, self.budgets = runner.run, runner.budgets
        self.progress = runner.progress
        self.entered: OpenAccount
        self.context: AccountContext | None = None
        self._people: Mapping[UserRef, str] = {}
        self._left: set[str] = set()
        self._broken = False
        self._placed: list[tuple[Change, str]] = []

    def carry(self) -> None:
        """Go through the steps. Raises CannotEnter, also when access is lost half-way."""
        account_id = self.command.account.id
        self.result.begun = any(done.intent.change.account_id == account_id for done in self.progress.open)
        self.entered = self.run.access.enter(self.command.account)
        if not self.command.unread:
            self.progress = settle_account(account_id, self.entered, self.progress, self.run)
            self.context = self._read()
        self.result.begun = True
        wanted = self.command.wants(self)
        if self.result.interrupted:
            return
        self._people = wanted.people
        self._make(self._guarded(wanted))
        self._read_back()
        if not self.result.interrupted:
            self.command.finish(self)

    # --- What a command may ask, and say ---

    def known(self) -> AccountContext:
        """Give the account as it was read."""
        if self.context is None:
            raise RuntimeError("this command reads no accounts")
        return self.context

    def ends(self) -> bool:
        """Tell whether nothing more may begin, and keep it in mind."""
        self.result.interrupted = self.result.interrupted or self.run.ends()
        return self.result.interrupted

    def ask_live(self, users: Iterable[User]) -> None:
        """Ask the credentials of users now, and go by them; who is gone is left alone, on record.

        Ends early when the run has to.
        """
        fresh: dict[str, User] = {}
        for user in users:
            if self.run.stopped:
                self.result.interrupted = True
                break
            try:
                fresh[user.id] = self.entered.credentials_now(user)
            except Refusal as refusal:
                wave = self.command.wave_of(self, user)
                self.leave(user.ref, wave, Skipped(SkipCode.GONE, refusal.why))
        self.context = self.known().with_users(fresh)

    def release_of(self, user: UserRef | None, wave: str = "") -> str:
        """Say by which release a user, or the whole account, is let out now; empty when by none."""
        releases, account_id, now = self.run.releases(self.progress), self.command.account.id, self.run.now()
        if user is None:
            found = account_release(releases, account_id, now)
        else:
            found = user_release(releases, account_id, user.id, wave, now)
        return describe_release(found) if found else ""

    def leave(self, user: UserRef, wave: str, why: Skipped, *, journalled: bool = False) -> None:
        """Leave a user as they are in this run, on record unless a write of their own says so already."""
        self._left.add(user.id)
        if not journalled:
            self.run.journal.append(
                UserSkipped(self.run.id, self.run.now(), user, wave, why.code, why.detail)
            )
        self.result.left.append(Left(user.arn, why.detail))
        self.command.leaves(user, wave, why)

    def is_left(self, user: User) -> bool:
        """Tell whether a user was left as they are."""
        return user.id in self._left

    # --- Read and guard ---

    def _read(self) -> AccountContext | None:
        basis, facts, account = self.runner.basis, self.entered.read(), self.command.account
        if basis is None:
            raise RuntimeError("an account that is read needs something to be judged by")
        scps = None if basis.scps is None else basis.scps.get(account.id)
        observed = Observed(account, self.entered.role, facts, scps)
        return basis.context(observed, self.progress, self.run.releases(self.progress), self.run.now())

    def _guarded(self, wanted: Wanted) -> tuple[Write, ...]:
        """Drop what enforces where it would reach somebody who is not to be enforced now."""
        if wanted.fit is None:
            return wanted.writes
        names = unfit(self.known(), (one.change for one in wanted.writes), wanted.fit)
        if not names:
            return wanted.writes
        why = f"the policy would also reach {', '.join(names)}, who are not to be enforced now: let them out first"
        kept = tuple(one for one in wanted.writes if one.user and (lets_go(one.change) or one.in_place))
        for one in wanted.writes:
            if one.user and one not in kept:
                self._fail(one.user, self._wave_of(one), why)
        self.result.failed.append(why)
        self.command.held_back(self, why)
        return kept

    # --- Write ---

    def _make(self, writes: Sequence[Write]) -> None:
        for shared, block in groupby(writes, key=lambda one: one.user is None):
            if shared:
                for one in block:
                    self._make_shared(one)
            else:
                self._make_for_users(list(block))

    def _make_shared(self, wanted: Write) -> None:
        """Make one change that all of them need; what comes after it is held back where it fails."""
        if self.result.interrupted:
            return
        if self._broken and not self.command.independent:
            return
        while True:
            wave = self._wave_of(wanted)
            with self.budgets.change(wave) as may_begin:
                if not may_begin:
                    self._leave_all(Skipped(SkipCode.BUDGET, self.budgets.said(wave)), wave)
                    if self._waiting:
                        continue
                    self._broken = True
                    return
                if self.ends():
                    return
                if self._enforces(wanted.change) and (release := self.release_of(None)):
                    self._leave_all(Skipped(SkipCode.RELEASED, release))
                    self._broken = True
                    return
                self._take_shared(wanted, self._write(wanted, wave), wave)
                return

    def _take_shared(self, wanted: Write, outcome: Outcome, wave: str) -> None:
        change = wanted.change
        match outcome:
            case Applied() | AlreadyInPlace():
                self._made(wanted, wave)
            case Skipped() if not self._enforces(change):
                self.result.already += 1  # gone already
            case Failed() | Skipped():
                self._broken = True
                why = _why(outcome)
                self.result.failed.append(f"{type(change).__name__}: {why}")
                for user, its_wave in self._waiting.items():
                    self._fail(user, its_wave, f"{type(change).__name__} did not succeed: {why}")

    def _make_for_users(self, writes: Sequence[Write]) -> None:
        """Make the changes of users, several at a time; what comes of them is counted here, in one thread."""
        work = [one for one in writes if lets_go(one.change) or not (self._broken or self._is_out(one))]
        if self.result.interrupted or not work:
            return
        tried = [(work[0], self._try(work[0]))] if len(work) == 1 else self.run.within.map(self._try, work)
        finished = 0
        for wanted, outcome in tried:
            finished += 1
            self._take(wanted, outcome)
        if finished < len(work):
            self.result.interrupted = True

    def _try(self, wanted: Write) -> Outcome | None:
        """Make one user's change, in whichever thread; None: not begun, for the run has to end."""
        change, user, wave = wanted.change, wanted.user, self._wave_of(wanted)
        if lets_go(change) or wanted.in_place:
            return None if self.run.ends() else self._write(wanted, wave)
        with self.budgets.change(wave) as may_begin:
            if not may_begin:
                return Skipped(SkipCode.BUDGET, self.budgets.said(wave))
            if self.run.ends():
                return None
            if self._enforces(change) and (release := self.release_of(user, wave)):
                return Skipped(SkipCode.RELEASED, release)
            outcome = self._write(wanted, wave)
            if user is not None:
                # Before the change counts as ended: who comes next has to know.
                match outcome:
                    case Failed():
                        self.budgets.fail(wave, user.id)
                    case Applied() | AlreadyInPlace():
                        self.budgets.mend(wave, user.id)
                    case Skipped():
                        pass
            return outcome

    def _take(self, wanted: Write, outcome: Outcome | None) -> None:
        """Count what came of one user's change."""
        change, user, wave = wanted.change, wanted.user, self._wave_of(wanted)
        if user is None:
            return
        match outcome:
            case None:
                self.result.interrupted = True
                return
            case Applied() | AlreadyInPlace():
                self._made(wanted, wave)
            case Failed():
                if lets_go(change):
                    self._broken = True
                why = _why(outcome)
                self.result.failed.append(f"{type(change).__name__}: {why}")
                self.leave(user, wave, Skipped(SkipCode.FAILED, why), journalled=True)
            case Skipped() if lets_go(change):
                self.result.already += 1
            case Skipped(code=code, detail=detail):
                if code is SkipCode.BUDGET:
                    self.result.failed.append(f"{user.name}: {detail}")
                self.leave(user, wave, outcome)
        if (
            self.command.counts_people
            and isinstance(change, AddMember | AttachToUser)
            and not wanted.in_place
        ):
            self.result.counted += 1
            self.run.progress.advance()

    def _write(self, wanted: Write, wave: str) -> Outcome:
        if wanted.in_place:
            note_in_place(wanted.change, wave, self.run)
            return AlreadyInPlace()
        about = None
        if isinstance(wanted.change, AddMember | AttachToUser) and self.context is not None:
            ref = wanted.change.user
            about = next((user for user in self.context.facts.users if user.id == ref.id), None)
        return write(wanted.change, self.entered, wave, self.run, about)

    def _made(self, wanted: Write, wave: str) -> None:
        if wanted.in_place:
            return
        self.result.written.append(wanted.change)
        if self._enforces(wanted.change):
            self._placed.append((wanted.change, wave))
        self.command.wrote(wanted.change, wanted.user)

    def _enforces(self, change: Change) -> bool:
        if self.command.unread:
            return False  # it only ever lets people out
        return enforces(change, self.known().facts)

    def _is_out(self, wanted: Write) -> bool:
        return wanted.user is not None and wanted.user.id in self._left

    def _wave_of(self, wanted: Write) -> str:
        """Name the wave that a write is made for: its own, its user's, or that of the first who waits for it."""
        if wanted.wave:
            return wanted.wave
        if wanted.user is not None:
            return self._people.get(wanted.user, "")
        return next(iter(self._waiting.values()), "")

    @property
    def _waiting(self) -> Mapping[UserRef, str]:
        """Those whom nothing has kept back so far."""
        return {user: wave for user, wave in self._people.items() if user.id not in self._left}

    def _leave_all(self, why: Skipped, wave: str | None = None) -> None:
        if why.code is SkipCode.BUDGET:
            self.result.failed.append(why.detail)
        elif not self._people:
            self.result.left.append(Left("policy and group", why.detail))
        for user, its_wave in self._waiting.items():
            if wave in (None, its_wave):
                self.leave(user, its_wave, why)

    def _fail(self, user: UserRef, wave: str, why: str) -> None:
        """Note that a user failed without a write of their own, on record and against the budget."""
        self.budgets.fail(wave, user.id)
        self.leave(user, wave, Skipped(SkipCode.FAILED, why))

    # --- Read back ---

    def _read_back(self) -> None:
        """Look whether what enforces is seen there (aws-facts.md#eventual-consistency)."""
        seen: dict[str, frozenset[str]] = {}
        for change, wave in self._placed:
            match change:
                case AddMember(group=place, user=user):
                    if place not in seen:
                        seen[place] = self.entered.members(place, self._added(place))
                    self._check_seen(user, wave, seen=user.id in seen[place])
                case AttachToUser(policy_arn=place, user=user):
                    if place not in seen:
                        seen[place] = self.entered.attached_users(place, self._added(place))
                    self._check_seen(user, wave, seen=user.id in seen[place])
                case _:
                    pass
        versions = [
            change for change, _ in self._placed if isinstance(change, CreateVersion | SetDefaultVersion)
        ]
        attached = [change for change, _ in self._placed if isinstance(change, AttachToGroup)]
        for change in (*versions[-1:], *attached):
            if not self.entered.holds(change, patiently=True):
                self._not_seen(change)

    def _added(self, place: str) -> frozenset[str]:
        """Name the UserIds that were added in one place."""
        return frozenset(
            change.user.id
            for change, _ in self._placed
            if (isinstance(change, AddMember) and change.group == place)
            or (isinstance(change, AttachToUser) and change.policy_arn == place)
        )

    def _check_seen(self, user: UserRef, wave: str, *, seen: bool) -> None:
        if seen:
            return
        if release := self.release_of(user, wave):
            self.leave(user, wave, Skipped(SkipCode.RELEASED, release))
        else:
            self.result.failed.append(f"{user.name}: {NOT_SEEN}")
            self._fail(user, wave, NOT_SEEN)

    def _not_seen(self, change: Change) -> None:
        release = self.release_of(None)
        if not release:
            self.result.failed.append(f"{type(change).__name__}: {NOT_SEEN}")
        for user, wave in self._waiting.items():
            if release:
                self.leave(user, wave, Skipped(SkipCode.RELEASED, release))
            else:
                self._fail(user, wave, f"{type(change).__name__}: {NOT_SEEN}")


def _why(outcome: Failed | Skipped) -> str:
    return outcome.sentence if isinstance(outcome, Failed) else outcome.detail
