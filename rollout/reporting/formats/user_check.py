"""Answers one question about each user, in the words of tools that collect findings: can they work without MFA?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.verdicts.verdict import Code, Kind
from rollout.reporting.report_data import ReportData
from rollout.reporting.user_columns import UserLine
from rollout.visible_text import visible

CHECK = "iam-user-mfa-enforced"
TITLE = "MFA is enforced on the IAM user"
RISK = "A stolen password or access key of an IAM user on whom MFA is not enforced opens the account."


class MfaAnswer(StrEnum):
    """The answer. `exempt`: not enforced, by a decision with an owner and an end; `unknown`: could not be judged."""

    PASSED = "passed"
    FAILED = "failed"
    EXEMPT = "exempt"
    UNKNOWN = "unknown"


class Weight(StrEnum):
    """How bad it is that MFA is not enforced."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class UserCheck:
    """The answer about one user. Texts have no hidden characters."""

    user: UserLine
    result: MfaAnswer
    weight: Weight
    text: str
    cure: str

    @property
    def uid(self) -> str:
        """Names the finding, and stays the same from report to report."""
        return f"rollout/{self.user.account.account_id}/{self.user.entry.user.id}/{CHECK}"


def checks(report: ReportData) -> Iterator[UserCheck]:
    """Check every user, in the order of the report."""
    return map(check_of, report.users)


def check_of(user: UserLine) -> UserCheck:
    """Check one user."""
    entry = user.entry
    result = _result(user)
    if result is MfaAnswer.PASSED:
        return UserCheck(user, result, Weight.NONE, visible(f"Enforced by {user.enforced_by}"), "")
    said = "; ".join(filter(None, (user.why, user.status.waits_for and f"waits for {user.status.waits_for}")))
    text = f"{entry.verdict} ({', '.join(entry.because)}), state {user.status.state_code}"
    cure = (
        entry.cure or (user.status.waits_for and f"wait for {user.status.waits_for}") or "run `rollout apply`"
    )
    return UserCheck(
        user, result, _weight(user, result), visible(f"{text}: {said}" if said else text), visible(cure)
    )


def _result(user: UserLine) -> MfaAnswer:
    if user.under_mfa:
        return MfaAnswer.PASSED
    if user.entry.verdict is Kind.EXEMPT:
        return MfaAnswer.EXEMPT
    return MfaAnswer.UNKNOWN if Code.UNKNOWN in user.entry.because else MfaAnswer.FAILED


def _weight(user: UserLine, result: MfaAnswer) -> Weight:
    if result is MfaAnswer.EXEMPT:
        return Weight.LOW
    facts = user.entry.facts
    return Weight.HIGH if not facts.mfa_active and (facts.active_keys or facts.console) else Weight.MEDIUM
