"""Holds the results of one account, and of a run through several."""

from __future__ import annotations

from dataclasses import dataclass, field

from rollout.domain.actions.writes import Left
from rollout.domain.people.organization import Account
from rollout.domain.policy.brake import Brake
from rollout.domain.policy.changes import Change
from rollout.domain.progress.records import RunEnding
from rollout.errors import Refused


@dataclass(slots=True)
class AccountResult:
    """The result of one account: what was written, what was left unchanged, and what failed, each in a sentence.

    `brake_was`: how the brake stood, where a release looked. `begun`: it was looked at, or an earlier run left it in
    the middle of a change. `counted` users have been counted as progress already.
    """

    account: Account
    written: list[Change] = field(default_factory=list)
    brake_was: Brake | None = None
    left: list[Left] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unreachable: bool = False
    interrupted: bool = False
    begun: bool = False
    counted: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run, by account. `unbegun`: the number of accounts not started before a stop.

    `refused`: the error to end with, where gates kept somebody out.
    """

    accounts: tuple[AccountResult, ...]
    unbegun: int = 0
    refused: Refused | None = None

    def and_then(self, later: RunResult) -> RunResult:
        """Add what came of carrying other commands through the same accounts."""
        accounts = {one.account.id: one for one in self.accounts}
        for one in later.accounts:
            before = accounts.setdefault(one.account.id, one)
            if before is not one:
                before.written += one.written
                before.left += one.left
                before.failed += one.failed
                before.unreachable = before.unreachable or one.unreachable
                before.interrupted = before.interrupted or one.interrupted
        return RunResult(
            tuple(accounts[account_id] for account_id in sorted(accounts)), self.unbegun + later.unbegun
        )

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
        if self.refused is not None:
            return RunEnding.REFUSED
        return RunEnding.IN_PART if self.in_part else RunEnding.DONE
