"""What a gate answers: three-valued, and always with numbers (design.md#stages-and-gates)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

GATES = ("dry_run_done", "soak", "failure_tolerance", "approval", "window", "enrolment", "cli_moved")
"""Every gate of a wave, in the order in which they are asked."""


class Result(StrEnum):
    """What a gate answers; only `pass` lets a wave through."""

    PASS = "pass"  # noqa: S105 - a gate's answer
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One gate's answer. `opens_at` is when time alone will open it, `since` from when on it has answered so.

    Both are None where that cannot be told.
    """

    gate: str
    result: Result
    detail: str
    opens_at: datetime | None = None
    since: datetime | None = None

    @property
    def passes(self) -> bool:
        """Tell whether the wave may go through."""
        return self.result is Result.PASS


def passed(gate: str, detail: str, since: datetime | None = None) -> GateAnswer:
    """Answer that the wave may go through."""
    return GateAnswer(gate, Result.PASS, detail, since=since)


def failed(
    gate: str, detail: str, opens_at: datetime | None = None, since: datetime | None = None
) -> GateAnswer:
    """Answer that the wave has to stay."""
    return GateAnswer(gate, Result.FAIL, detail, opens_at, since)


def inconclusive(gate: str, detail: str) -> GateAnswer:
    """Answer that nobody knows; the wave stays."""
    return GateAnswer(gate, Result.INCONCLUSIVE, detail)


def days(span: timedelta) -> str:
    """Say a span in days."""
    count = span / timedelta(days=1)
    return f"{count:.0f} days" if count == int(count) else f"{count:.1f} days"
