"""Defines what a command decides about one account, and what it can ask while it works there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, reduce

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.guard import enforces
from rollout.domain.actions.writes import Left, Write
from rollout.domain.gates.left_alone import Witness
from rollout.domain.people.observations import AccountFacts, Observed
from rollout.domain.people.organization import Account
from rollout.domain.people.users import Credential, User, UserRef
from rollout.domain.policy.changes import Change, SkipCode, Skipped
from rollout.domain.policy.effects import after
from rollout.domain.policy.our_arns import OurArns, our_arns
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import UserSkipped
from rollout.domain.progress.release_state import account_release, describe_release, user_release
from rollout.workflows.account_run.account_results import AccountResult
from rollout.workflows.account_run.journalled_writes import settle_account
from rollout.workflows.account_run.wave_gates import WaveGates
from rollout.workflows.inventory import read_account
from rollout.workflows.ports import OpenAccount, Refusal
from rollout.workflows.run_context import JudgementBasis, RunContext


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command wants in an account.

    `writes` are made in order: those about the policy and the group one by one, those about users a few at a time.
    `people`: for whom the former are made, each with their wave. `fit`: the UserIds that the policy may reach; None: no
    guard applies, for the command lets people out. `stay`: the UserIds of those whom nothing may move, for somebody let
    them out by hand.
    """

    writes: tuple[Write, ...] = ()
    people: Mapping[UserRef, str] = field(default_factory=dict)
    fit: frozenset[str] | None = None
    stay: frozenset[str] = frozenset()

    def waiting(self, at: AccountWork) -> Mapping[UserRef, str]:
        """Those of the `people` whom nothing has kept back so far."""
        return {user: wave for user, wave in self.people.items() if not at.is_left(user)}


class AccountCommand(ABC):
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

    @abstractmethod
    def wants(self, at: AccountWork) -> Wanted:
        """Say which writes are wanted, by `at.context`, and leave others alone by `at.leave`."""

    def ours(self, at: AccountWork) -> OurArns:
        """List what may be written to in the account."""
        rules = at.context.rules
        return our_arns(rules.partition, self.account.id, rules.names, at.progress.made_in(self.account.id))

    def wave_of(self, at: AccountWork, user: User) -> str:
        """Name the wave that a user belongs to."""
        return at.context.wave_of(user)

    def wrote(self, write: Write) -> None:
        """Note that a write was made, or that its effect was already in place."""

    def kept_released(self, at: AccountWork, users: Collection[User], *, by_brake: bool) -> None:
        """Note who was released again because a release lasts, or that the whole account was, by its brake."""
        for user in users:
            release = at.context.release_of(user)
            why = Skipped(SkipCode.RELEASED, describe_release(release) if release else "")
            at.leave(user.ref, at.context.wave_of(user), why)

    def leaves(self, user: UserRef, wave: str, why: Skipped) -> None:
        """Note that a user was left unchanged."""

    def why_not(self, at: AccountWork, user: User) -> Skipped | None:
        """Say why somebody who was asked live just now is not to be placed; None when they are.

        A command that only lets people out places nobody. Several threads ask at a time; nothing is to be noted here.
        """
        return Skipped(SkipCode.FAILED, "this command puts nobody under the policy")

    def held_back(self, at: AccountWork, why: str) -> None:
        """Note that the guard refused every write that enforces."""

    def finish(self, at: AccountWork) -> None:
        """Do what comes after the writes, unless the run has to end."""


class AccountWork:
    """One account in which a command works: entered, settled and read, with the users left unchanged."""

    def __init__(
        self,
        command: AccountCommand,
        run: RunContext,
        progress: Progress,
        basis: JudgementBasis | None,
        gates: WaveGates | None = None,
    ) -> None:
        """Begin nothing yet. `progress`: what the journal said when the run began."""
        self.command, self.run, self.progress, self.basis = command, run, progress, basis
        self._gates = gates
        self.result = AccountResult(command.account)
        self.entered: OpenAccount
        self._context: AccountContext | None = None
        self._left: set[str] = set()
        self._aside: dict[str, User] = {}

    def enter(self) -> None:
        """Enter, settle what runs that died left open, and read. Raises CannotEnter."""
        account_id = self.command.account.id
        self.result.begun = any(done.intent.change.account_id == account_id for done in self.progress.open)
        self.entered = self.run.access.enter(self.command.account, self.progress.made_in(account_id))
        if not self.command.unread:
            self.progress = settle_account(account_id, self.entered, self.progress, self.run)
            self._context = self._read()
            self._remember_left_alone()
        self.result.begun = True

    def _remember_left_alone(self) -> None:
        run, context = self.run, self.context
        witness = Witness(context.rules, self.progress, run.id, run.organization_id, context.now)
        if records := tuple(witness.saw(context.facts.users)):
            run.journal.append(*records)

    def _read(self) -> AccountContext:
        names, account_id = self._basis.rules.names, self.command.account.id
        made = partial(self.progress.made_in, account_id)
        return self._context_of(read_account(self.entered, names, made))

    @property
    def _basis(self) -> JudgementBasis:
        if self.basis is None:
            raise RuntimeError("an account that is read needs something to be judged by")
        return self.basis

    def _context_of(self, facts: AccountFacts) -> AccountContext:
        basis, account = self._basis, self.command.account
        scps = None if basis.scps is None else basis.scps.get(account.id)
        observed = Observed(account, self.entered.role, facts, scps)
        return basis.context(observed, self.progress, self.run.releases(self.progress), self.run.now())

    # --- What a command may ask, and say ---

    @property
    def context(self) -> AccountContext:
        """The account as it was read, with what was asked live since."""
        if self._context is None:
            raise RuntimeError("this command reads no accounts")
        return self._context

    def keep_in_mind(self, changes: Iterable[Change]) -> None:
        """Go by the account as it is after these changes of this run."""
        self._context = self._context_of(reduce(after, changes, self.context.facts))

    def ends(self) -> bool:
        """Tell whether nothing more may begin, and keep it in mind."""
        self.result.interrupted = self.result.interrupted or self.run.ends()
        return self.result.interrupted

    def ask_live(self, users: Iterable[User]) -> None:
        """Ask users live, several at a time, and go by that; who is gone is left alone, on record.

        Ends early when the run has to.
        """
        fresh: dict[str, User] = {}
        wanted = tuple(users)
        answered = 0
        for user, answer in self.run.within.map(self._unless_stopped, wanted):
            match answer:
                case User():
                    fresh[user.id] = answer
                case Skipped():
                    self.leave(user.ref, self.command.wave_of(self, user), answer)
                case None:
                    break
            answered += 1
        self.result.interrupted = self.result.interrupted or answered < len(wanted)
        self._context = self.context.with_users(fresh)

    def _unless_stopped(self, user: User) -> User | Skipped | None:
        return None if self.run.stopped else self.asked(user)

    def asked(self, user: User, only: Collection[Credential] = ()) -> User | Skipped:
        """Ask one user live; Skipped when they are gone. Notes nothing, so that several threads may ask.

        With `only`, just these credentials. Who was taken aside by this run is given as they were before.
        """
        try:
            answer = self.entered.credentials_now(user, only)
        except Refusal as refusal:
            return Skipped(SkipCode.GONE, refusal.why)
        before, ours = self._aside.get(user.id), self.context.ours
        if before is None:
            return answer
        groups = (group for group in before.groups if group == ours.group.name)
        attached = (arn for arn in before.attached if arn == ours.policy.arn)
        return replace(
            answer,
            groups=tuple(dict.fromkeys((*answer.groups, *groups))),
            attached=tuple(dict.fromkeys((*answer.attached, *attached))),
        )

    def take_aside(self, users: Iterable[User]) -> None:
        """Keep in mind as what they were read whom this run takes out, to put them back."""
        self._aside = {user.id: user for user in users}

    def context_now(self) -> AccountContext:
        """The account as it was read, to be judged by the time that it is now."""
        return replace(self.context, now=self.run.now())

    def enforces(self, change: Change) -> bool:
        """Tell whether a change helps to bring people under the policy; a command that reads nothing lets them out."""
        return not self.command.unread and enforces(change, self.context.facts)

    def gate_stop(self, wave: str) -> Skipped | None:
        """Say which gates keep users of a wave from coming under the policy now; None if none does."""
        return self._gates.stop(wave) if self._gates else None

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
        if why.code not in (SkipCode.FAILED, SkipCode.BUDGET):  # those are said once, as failures
            self.result.left.append(Left(user.arn, why.detail))
        self.command.leaves(user, wave, why)

    def is_left(self, user: User | UserRef) -> bool:
        """Tell whether a user was left unchanged."""
        return user.id in self._left
