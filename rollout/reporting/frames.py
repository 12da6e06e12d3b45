"""Tables as typed data frames, and the counts and cross tables made from them: the only place that knows pandas."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from rollout.domain.progress.messages import Delivery
from rollout.domain.verdicts.verdict import Code, Kind
from rollout.reporting.account_columns import ACCOUNTS, ListedState, percent
from rollout.reporting.change_columns import ChangeLine
from rollout.reporting.report_data import ReportData
from rollout.reporting.tables import Table
from rollout.reporting.user_columns import USERS

T = TypeVar("T")


_COUNTED = frozenset(
    ("account_id", "ou_path", "verdict", "reasons", "mfa_active", "enforced", "delivery", "cure")
)
"""What of the users is counted: of the other columns, no frame is made."""


def frame(table: Table[T], things: Iterable[T], only: Container[str] | None = None) -> pd.DataFrame:
    """Lay things out in the columns of a table, each with its type: ids stay text, the unknown stays missing.

    `only`: the columns that are wanted.
    """
    things = list(things)
    return pd.DataFrame(
        {
            column.name: pd.Series(
                [column.type.plain(column.of(thing)) for thing in things], dtype=column.type.dtype
            )
            for column in table.columns
            if only is None or column.name in only
        }
    )


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many users have a verdict for a reason, in how many accounts, and the cure most of them share."""

    verdict: str
    reason: str
    users: int
    accounts: int
    cure: str


@dataclass(frozen=True, slots=True)
class OuShare:
    """How much of one OU is under MFA enforcement, and how many of its accounts were not entered."""

    ou: str
    entered: int
    left_out: int
    users: int
    under_mfa: int

    @property
    def percent(self) -> float | None:
        """The share under enforcement, rounded down."""
        return percent(self.under_mfa, self.users)


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of the page: users, but for `listed` (accounts by state) and `outcomes` (changes).

    `unprotected` are users by verdict who are not under MFA enforcement. `queued` are notices to users who are not
    enforced.
    """

    users: int
    verdicts: Mapping[str, int]
    unprotected: Mapping[str, int]
    under_mfa: int
    enforced_by_us: int
    no_mfa: int
    unknown: int
    queued: int
    reasons: tuple[ReasonCount, ...]
    ous: tuple[OuShare, ...]
    listed: Mapping[str, int]
    outcomes: tuple[tuple[str, Mapping[str, int]], ...]


def count(report: ReportData) -> Counts:
    """Count users, verdicts, reasons, OUs and outcomes."""
    users, accounts = frame(USERS, report.users, _COUNTED), frame(ACCOUNTS, report.accounts)
    is_kind = {kind: users["verdict"] == kind.value for kind in Kind}
    users["under_mfa"] = users["enforced"] | is_kind[Kind.COVERED]
    return Counts(
        users=len(users),
        verdicts={kind.value: int(chosen.sum()) for kind, chosen in is_kind.items()},
        unprotected={
            kind.value: int((chosen & ~users["under_mfa"]).sum()) for kind, chosen in is_kind.items()
        },
        under_mfa=int(users["under_mfa"].sum()),
        enforced_by_us=int((users["enforced"] & ~is_kind[Kind.COVERED]).sum()),
        no_mfa=int((~users["mfa_active"]).sum()),
        unknown=int(users["reasons"].map(lambda reasons: Code.UNKNOWN in reasons).sum()),
        queued=int(((users["delivery"] == Delivery.QUEUED.value) & ~users["enforced"]).sum()),
        reasons=_reasons(users),
        ous=_ous(accounts, users),
        listed={str(state): int(number) for state, number in accounts["state"].value_counts().items()},
        outcomes=_outcomes(report.changes),
    )


def _reasons(users: pd.DataFrame) -> tuple[ReasonCount, ...]:
    lines = users[["verdict", "reasons", "account_id", "cure"]].explode("reasons")
    lines = lines[lines["reasons"].notna()]
    if lines.empty:
        return ()
    order = {
        kind.value: number for number, kind in enumerate((Kind.HOLD, Kind.EXEMPT, Kind.COVERED, Kind.ENFORCE))
    }
    found = [
        ReasonCount(
            str(verdict),
            str(reason),
            len(group),
            int(group["account_id"].nunique()),
            _commonest(group["cure"]),
        )
        for (verdict, reason), group in lines.groupby(["verdict", "reasons"])
    ]
    return tuple(sorted(found, key=lambda line: (order[line.verdict], -line.users, line.reason)))


def _commonest(texts: pd.Series) -> str:
    """Find the text that most share, the first by name among equals; empty ones do not count."""
    counts = texts[texts != ""].value_counts()
    return min((str(text) for text in counts.index[counts == counts.max()]), default="")


def _ous(accounts: pd.DataFrame, users: pd.DataFrame) -> tuple[OuShare, ...]:
    entered = accounts["state"] == ListedState.ENTERED.value
    table = pd.DataFrame(
        {
            "entered": entered.groupby(accounts["ou_path"]).sum(),
            "left_out": (~entered).groupby(accounts["ou_path"]).sum(),
            "users": users.groupby("ou_path").size(),
            "under_mfa": users.groupby("ou_path")["under_mfa"].sum(),
        }
    )
    table = table.fillna(0).astype("int64").sort_index()
    return tuple(OuShare(str(ou), *map(int, row)) for ou, *row in table.itertuples())


def _outcomes(lines: Sequence[ChangeLine]) -> tuple[tuple[str, Mapping[str, int]], ...]:
    if not lines:
        return ()
    table = pd.crosstab(
        pd.Series([line.change for line in lines], name="change"),
        pd.Series([line.outcome.value for line in lines], name="outcome"),
    )
    return tuple(
        (str(change), {str(outcome): int(number) for outcome, number in row.items() if number})
        for change, row in table.iterrows()
    )
