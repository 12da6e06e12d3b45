"""The columns of accounts.csv: one row here is one column everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.plan.entries import AccountPlan, LeftOut
from rollout.domain.verdicts.verdict import Code, Kind
from rollout.reporting.cells import CODE, COUNT, MINUTE, SHARE, TEXT
from rollout.reporting.tables import Column, OnPage, Table
from rollout.reporting.user_columns import UserLine


class ListedState(StrEnum):
    """Whether a listed account was read, and if not, why not."""

    ENTERED = "entered"
    CLOSED = "closed"
    CLOSING = "closing"
    SUSPENDED = "suspended"
    NOT_ACTIVATED = "not activated yet"
    EXCLUDED = "excluded"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One listed account: `part` is its part of the plan, or says why it has none."""

    part: AccountPlan | LeftOut
    users: tuple[UserLine, ...] = ()

    @property
    def read(self) -> AccountPlan | None:
        """What was read of it; None for an account that was not entered."""
        return self.part if isinstance(self.part, AccountPlan) else None

    @property
    def left_out(self) -> LeftOut | None:
        """Why it was not entered; None for an account that was."""
        return self.part if isinstance(self.part, LeftOut) else None

    @property
    def state(self) -> str:
        """A ListedState."""
        return self.left_out.state if self.left_out else ListedState.ENTERED

    @property
    def findings(self) -> str:
        """What was found in it, in one line."""
        found = self.read.findings if self.read else ()
        return " | ".join(f"{finding.code}: {finding.text}" for finding in found)

    def count(self, chosen: Callable[[UserLine], bool]) -> int | None:
        """Count the users chosen; None, never 0, for an account that was not entered."""
        return sum(map(chosen, self.users)) if self.read else None


def percent(part: int, whole: int) -> float | None:
    """Give a share with one decimal, rounded down: 100 means everybody. None of nothing."""
    return part * 1000 // whole / 10 if whole else None


def _verdict(kind: Kind) -> Callable[[AccountLine], int | None]:
    return lambda account: account.count(lambda user: user.entry.verdict is kind)


# One column is one row of this table.
# fmt: off
ACCOUNTS: Table[AccountLine] = Table("accounts.csv", (
    Column("account_id", TEXT, "The account: twelve digits.", lambda account: account.part.account_id,
           OnPage("Account ID", 2, width=130)),
    Column("account_name", TEXT, "Its name.", lambda account: account.part.name, OnPage("Account", 1, width=180)),
    Column("ou_path", TEXT, "Its organizational unit; empty for the root of the organization.",
           lambda account: account.part.ou, OnPage("OU", 5, width=180, filter=True)),
    Column("state", CODE,
           "Whether the account was entered, and if not, why not: `entered`, `closed`, `unreachable` …",
           lambda account: account.state, OnPage("State", 3, width=130, filter=True)),
    Column("reason", TEXT, "For accounts that were not entered: the reason.",
           lambda account: account.left_out.reason if account.left_out else "",
           OnPage("Reason", 18, width=240)),
    Column("cure", TEXT, "For accounts that were not entered: what to do about it.",
           lambda account: account.left_out.cure if account.left_out else "",
           OnPage("Cure", 19, width=240)),
    Column("role", TEXT, "The role through which the account was entered.",
           lambda account: account.read.role if account.read else "", OnPage("Role", 20, width=240)),
    Column("users", COUNT, "The number of IAM users.",
           lambda account: len(account.users) if account.read else None, OnPage("Users", 6, width=85)),
    Column("exempt", COUNT, "Users with the verdict `exempt`.", _verdict(Kind.EXEMPT), OnPage("Exempt", 9, width=95)),
    Column("covered", COUNT, "Users with the verdict `covered`.", _verdict(Kind.COVERED),
           OnPage("Covered", 8, width=100)),
    Column("hold", COUNT, "Users with the verdict `hold`.", _verdict(Kind.HOLD), OnPage("Hold", 10, width=80)),
    Column("enforce", COUNT, "Users with the verdict `enforce`. The four verdicts add up to `users`.",
           _verdict(Kind.ENFORCE), OnPage("To enforce", 11, width=115)),
    Column("enforced", COUNT, "Users on whom MFA is enforced.",
           lambda account: account.count(lambda user: user.enforced), OnPage("Enforced", 7, width=105)),
    Column("mfa_active_users", COUNT, "Users with an MFA device, whether or not MFA is enforced on them.",
           lambda account: account.count(lambda user: user.entry.facts.mfa_active), OnPage("With MFA", 12, width=110)),
    Column("coverage_percent", SHARE,
           "The share of users under MFA enforcement, rounded down; empty for an account without users.",
           lambda account: percent(account.count(lambda user: user.under_mfa) or 0, len(account.users)),
           OnPage("Coverage", 4, width=105)),
    Column("report_at", MINUTE, "When AWS generated the credential report.",
           lambda account: account.read.report_at if account.read else None,
           OnPage("Credential report", 15, width=170)),
    Column("read_at", MINUTE, "When the account was read.",
           lambda account: account.read.read_at if account.read else None, OnPage("Read", 14, width=160)),
    Column("findings", TEXT, "What was found in the account and needs a person's attention, joined by ` | `.",
           lambda account: account.findings, OnPage("Findings")),
    Column("calls", COUNT, "The number of requests to AWS that reading the account took.",
           lambda account: account.part.calls or None, OnPage("Requests", 21, width=110)),
    Column("retries", COUNT, "How many of them repeated a request that was throttled, failed or lost.",
           lambda account: account.part.retries if account.part.calls else None, OnPage("Retries", 22, width=100)),
    Column("unreached", COUNT, "Users who cannot be notified, because no address is known.",
           lambda account: account.count(lambda user: Code.UNREACHED in user.entry.because),
           OnPage("Without address", 13, width=150)),
))
# fmt: on
