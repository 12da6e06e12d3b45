"""Carries a command through accounts, side by side: each is entered, judged, written to and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rollout.domain.actions.writes import keeping_released
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import AccountFailed
from rollout.errors import Refused
from rollout.workflows.account_run.account_command import AccountCommand, AccountWork, Wanted
from rollout.workflows.account_run.account_results import AccountResult, RunResult
from rollout.workflows.account_run.account_writer import AccountWriter
from rollout.workflows.account_run.failure_budgets import Budgets
from rollout.workflows.account_run.wave_gates import WaveGates
from rollout.workflows.ports import CannotEnter
from rollout.workflows.run_context import JudgementBasis, RunContext

Command = TypeVar("Command", bound=AccountCommand)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRunner:
    """Carries commands through accounts, side by side. `progress`: what the journal said when the run began.

    Without `gates`, as in a rehearsal or where people are only let out, none is asked.
    """

    run: RunContext
    progress: Progress
    basis: JudgementBasis | None = None
    budgets: Budgets = field(default_factory=Budgets)
    gates: WaveGates | None = None

    @property
    def refused(self) -> Refused | None:
        """The error to end with, where gates have kept somebody out."""
        return self.gates.refused if self.gates else None

    def carry(
        self, commands: Iterable[Command], doing: str, so_far: Callable[[], str] = str, *, total: int
    ) -> Iterator[tuple[Command, AccountResult]]:
        """Yield each account's result as it comes; accounts that a stop left unbegun are not among them.

        `total` is the sum of the commands' sizes.
        """
        display = self.run.progress
        display.begin(doing, total)
        for command, result in self.run.engine.map(self._one, commands):
            yield command, result
            account, left = command.account, max(command.size - result.counted, 0)
            display.advance(f"{account.id} {account.name}{so_far()}", left)
        display.finish()

    def carry_all(self, commands: Sequence[AccountCommand], doing: str) -> RunResult:
        """Carry all of them, and collect the results."""
        total = sum(command.size for command in commands)
        results = sorted(
            (result for _, result in self.carry(commands, doing, total=total)), key=lambda one: one.account.id
        )
        return RunResult(tuple(results), len(commands) - len(results))

    def _one(self, command: AccountCommand) -> AccountResult:
        """Work in one account. One that cannot be entered is journalled and answered, never raised."""
        at = AccountWork(command, self.run, self.progress, self.basis, self.gates)
        if at.ends():
            return at.result
        try:
            at.enter()
            if not command.unread:
                self._keep_released(at)
            wanted = Wanted() if at.result.interrupted else command.wants(at)
            if not at.result.interrupted:
                AccountWriter(at, wanted, self.budgets).make()
            if not at.result.interrupted:
                command.finish(at)
        except CannotEnter as refusal:
            self.run.journal.append(
                AccountFailed(self.run.id, self.run.now(), command.account.id, refusal.why, refusal.cure)
            )
            at.result.unreachable = True
            at.result.failed.append(refusal.sentence)
        return at.result

    def _keep_released(self, at: AccountWork) -> None:
        """Let those out who are under the policy in spite of a release: it only lets go, so no gate is asked."""
        before, writes = at.context, keeping_released(at.context)
        if not writes:
            return
        AccountWriter(at, Wanted(writes), self.budgets).make()
        at.keep_in_mind(at.result.written)
        still = {user.id for user in at.context.released_yet_enforced}
        out = [
            user
            for user in before.facts.users
            if before.disregarded_release(user) and user.id not in still and not at.is_left(user)
        ]
        by_brake = before.brake_let_go and not at.context.brake_let_go
        at.command.kept_released(at, out, by_brake=by_brake)
