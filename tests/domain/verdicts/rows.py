"""One row of the tables that `judge` is held to: a sentence, a user, what stands around, and what must come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollout.domain.people.users import User
from rollout.domain.verdicts.verdict import Verdict
from tests.builders import NOW
from tests.domain.judging import judged, the_rules


@dataclass(frozen=True)
class Row:
    """`because` are all the reasons, in order; `detail` has to stand in one of them, `cure` in the cure."""

    says: str
    user: User
    verdict: str
    because: tuple[str, ...]
    detail: str = ""
    impact: str | None = None
    attachment: str | None = None
    cure: str = ""
    covered_by: str = ""
    enforced_by: str = ""
    account: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    now: datetime = NOW

    def judged(self) -> Verdict:
        return judged(self.user, rules=the_rules(**self.rules), now=self.now, **self.account)


def enforce(says: str, user: User, impact: str, *because: str, attachment: str = "group", **more: Any) -> Row:
    return Row(says, user, "enforce", because, impact=impact, attachment=attachment, **more)


def hold(says: str, user: User, *because: str, **more: Any) -> Row:
    return Row(says, user, "hold", because, **more)


def covered(says: str, user: User, covered_by: str, *more_reasons: str, **more: Any) -> Row:
    more.setdefault("enforced_by", covered_by)
    return Row(says, user, "covered", ("other-deny", *more_reasons), covered_by=covered_by, **more)


def exempt(says: str, user: User, *more_reasons: str, **more: Any) -> Row:
    return Row(says, user, "exempt", ("exemption", *more_reasons), **more)


def check(row: Row) -> None:
    """Hold a verdict to its row: everything that is named, and what follows for each kind."""
    verdict = row.judged()
    said = tuple(f"{reason.code}: {reason.detail}" for reason in verdict.reasons)
    assert row.verdict == verdict.kind, said
    assert row.because == verdict.codes, said
    assert any(row.detail in detail for detail in said)
    assert row.impact == verdict.impact
    assert row.attachment == verdict.attachment
    assert row.covered_by == verdict.covered_by
    assert row.enforced_by == verdict.enforced_by
    assert row.cure in verdict.cure
    assert bool(verdict.cure) == (row.verdict == "hold")
    assert bool(verdict.forecast) == (row.verdict == "enforce")
