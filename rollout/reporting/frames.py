"""Rows as typed data frames, and the counts and cross tables made from them: the only place that knows pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from rollout.domain.verdicts.verdict import Kind
from rollout.reporting.change_history import ChangeRow
from rollout.reporting.rows import AccountRow, Flat, UserRow, percent

_TYPES: Mapping[str, Callable[[Sequence[Any]], pd.Series]] = {
    "str": lambda values: pd.Series(values, dtype="str"),
    "bool": lambda values: pd.Series(values, dtype="bool"),
    "int": lambda values: pd.Series(values, dtype="int64"),
    "int | None": lambda values: pd.Series(values, dtype="Int64"),
    "float | None": lambda values: pd.Series(values, dtype="Float64"),
    "datetime": lambda values: pd.Series(pd.to_datetime(values, utc=True)),
    "datetime | None": lambda values: pd.Series(pd.to_datetime(values, utc=True)),
    "date | None": lambda values: pd.Series(pd.to_datetime(values)),
    "tuple[str, ...]": lambda values: pd.Series(values, dtype="object"),
}


def frame(kind: type[Any], rows: Iterable[Any]) -> pd.DataFrame:
    """Lay rows of one class out as columns, each with the type its field has: ids stay text, unknown stays missing."""
    rows = list(rows)
    return pd.DataFrame(
        {
            field.name: _TYPES[str(field.type)]([getattr(row, field.name) for row in rows])
            for field in fields(kind)
        }
    )


def users_frame(rows: Iterable[UserRow]) -> pd.DataFrame:
    return frame(UserRow, rows)


def accounts_frame(rows: Iterable[AccountRow]) -> pd.DataFrame:
    return frame(AccountRow, rows)


def changes_frame(rows: Iterable[ChangeRow]) -> pd.DataFrame:
    return frame(ChangeRow, rows)


@dataclass(frozen=True, slots=True)
class Because:
    """How many users have a verdict for a reason, in how many accounts, and the cure most of them share."""

    verdict: str
    reason: str
    users: int
    accounts: int
    cure: str


@dataclass(frozen=True, slots=True)
class OuShare:
    """How much of one OU is under MFA enforcement, and how many of its accounts nobody looked into."""

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
    """The numbers of the page."""

    users: int
    verdicts: Mapping[str, int]
    under_mfa: int
    enforced_by_us: int
    covered: int
    waiting: int
    no_mfa: int
    unknown: int
    held_enforced: int
    because: tuple[Because, ...]
    ous: tuple[OuShare, ...]
    states: Mapping[str, int]
    outcomes: tuple[tuple[str, Mapping[str, int]], ...]


def count(flat: Flat) -> Counts:
    """Count users, verdicts, reasons, OUs, states and outcomes."""
    users = users_frame(flat.users)
    covered = users["verdict"] == Kind.COVERED.value
    users["covered"] = covered
    users["under_mfa"] = users["enforced"] | covered
    verdicts = users["verdict"].value_counts()
    states = users["state"].value_counts()
    return Counts(
        users=len(users),
        verdicts={kind.value: int(verdicts.get(kind.value, 0)) for kind in Kind},
        under_mfa=int(users["under_mfa"].sum()),
        enforced_by_us=int((users["enforced"] & ~covered).sum()),
        covered=int(covered.sum()),
        waiting=int(((users["verdict"] == Kind.ENFORCE.value) & ~users["enforced"]).sum()),
        no_mfa=int((~users["mfa_active"]).sum()),
        unknown=sum("unknown" in row.reasons for row in flat.users),
        held_enforced=int(((users["verdict"] == Kind.HOLD.value) & users["enforced"]).sum()),
        because=_because(users),
        ous=_ous(accounts_frame(flat.accounts), users),
        states={str(state): int(states[state]) for state in sorted(states.index)},
        outcomes=_outcomes(flat.changes),
    )


def _because(users: pd.DataFrame) -> tuple[Because, ...]:
    lines = users[["verdict", "reasons", "account_id", "cure"]].explode("reasons")
    lines = lines[lines["reasons"].notna()]
    if lines.empty:
        return ()
    order = {
        kind.value: number for number, kind in enumerate((Kind.HOLD, Kind.EXEMPT, Kind.COVERED, Kind.ENFORCE))
    }
    found = [
        Because(
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
    entered = accounts["state"] == "entered"
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


def _outcomes(rows: Sequence[ChangeRow]) -> tuple[tuple[str, Mapping[str, int]], ...]:
    if not rows:
        return ()
    table = pd.crosstab(
        pd.Series([row.change for row in rows], name="change"),
        pd.Series([row.outcome for row in rows], name="outcome"),
    )
    return tuple(
        (str(change), {str(outcome): int(number) for outcome, number in row.items() if number})
        for change, row in table.iterrows()
    )
