"""Sums up one judged account for the plan as a whole, so that nobody has to hold the users of all accounts at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from rollout.domain.people.observations import Finding
from rollout.domain.plan.content import account_digest
from rollout.domain.plan.entries import AccountPlan
from rollout.domain.plan.impact_counts import Affected, ImpactCounts, impact_of
from rollout.domain.verdicts.verdict import Code, Impact, Kind

NAMED = 4


@dataclass(frozen=True, slots=True)
class SomeOf:
    """The first few of many names, and how many there are."""

    first: tuple[str, ...] = ()
    number: int = 0

    @classmethod
    def of(cls, names: Sequence[str]) -> Self:
        """Keep the first names, and count all."""
        return cls(tuple(names[:NAMED]), len(names))

    def __add__(self, other: SomeOf) -> SomeOf:
        """Join two lists of names."""
        return SomeOf((*self.first, *other.first)[:NAMED], self.number + other.number)


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """What the plan as a whole has to know of one account.

    `held` counts the reasons of users on hold, and `affected` the users still to be enforced: by wave, impact, whether
    they have a device, and whether they need a notice. `to_come` names them, where names are wanted. `due` counts the
    users to enforce who are not. `content` digests what the plan decides. `matched` are the keys and texts of the
    selectors that match a user.
    """

    account_id: str
    name: str
    users: int
    verdicts: Counter[Kind]
    waves: Counter[str]
    held: Counter[Code]
    affected: Counter[tuple[str, Impact, bool, bool]]
    due: int
    without_wave: SomeOf
    unreached: SomeOf
    findings: tuple[Finding, ...]
    content: str
    to_come: tuple[Affected, ...] = ()
    matched: frozenset[tuple[str, str]] = frozenset()


def summary_of(
    part: AccountPlan,
    to_come: Iterable[Affected],
    *,
    names: bool,
    matched: Collection[tuple[str, str]] = (),
) -> AccountTotals:
    """Sum up an account; `names`: keep who is `to_come`, and not only how many."""
    entries = part.entries
    coming = tuple(to_come)
    enforced = [entry for entry in entries if entry.verdict is Kind.ENFORCE]
    held = [entry for entry in entries if entry.verdict is Kind.HOLD]
    return AccountTotals(
        part.account_id,
        part.name,
        len(entries),
        Counter(entry.verdict for entry in entries),
        Counter(entry.wave for entry in entries if entry.wave),
        Counter(reason.code for entry in held for reason in entry.reasons),
        Counter((one.wave, one.impact, one.has_device, one.needs_notice) for one in coming),
        sum(not entry.enforced_by for entry in enforced),
        SomeOf.of([entry.user.arn for entry in enforced if not entry.wave]),
        SomeOf.of([entry.user.name for entry in held if entry.is_unreached]),
        part.findings,
        account_digest(part),
        coming if names else (),
        frozenset(matched),
    )


def count_waves(accounts: Iterable[AccountTotals], names: Iterable[str]) -> dict[str, int]:
    """Count the users per wave, in the order of `rollout.yaml`, including empty waves."""
    found = sum((account.waves for account in accounts), Counter[str]())
    return {name: found[name] for name in names}


def count_verdicts(accounts: Iterable[AccountTotals]) -> dict[str, int]:
    """Count the users per verdict, including verdicts without users."""
    found = sum((account.verdicts for account in accounts), Counter[Kind]())
    return {str(kind): found[kind] for kind in Kind}


def count_impact_by_wave(accounts: Iterable[AccountTotals], waves: Iterable[str]) -> dict[str, ImpactCounts]:
    """Count what enforcement means for the users still to be enforced, by wave, including waves without users."""
    found = sum((account.affected for account in accounts), Counter[tuple[str, Impact, bool, bool]]())
    return {
        wave: impact_of({key[1:]: users for key, users in found.items() if key[0] == wave}) for wave in waves
    }
