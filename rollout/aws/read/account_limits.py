"""Reads an account's quotas and password policy, which limit what can be attached and who can change a password.

See aws-facts.md#inventory-calls, aws-facts.md#quotas-and-rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.awsapi.calls import Calls
from rollout.domain.people.observations import PasswordPolicy, Quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_iam import IAMClient


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """What `GetAccountSummary` returns: quotas, and whether the root user has MFA."""

    quotas: Quotas
    root_mfa_active: bool | None


def read_summary(calls: Calls, client: IAMClient) -> AccountSummary:
    """Call `GetAccountSummary`; AWS's defaults replace missing quotas. Raises CallFailed."""
    numbers: Mapping[str, int] = calls.read(client.get_account_summary)["SummaryMap"]  # type: ignore[assignment]  # the stub types the keys as literals
    default = Quotas()

    def left(quota: str, used: str, otherwise: int) -> int:
        if quota not in numbers or used not in numbers:
            return otherwise
        return max(0, numbers[quota] - numbers[used])

    quotas = Quotas(
        groups_per_user=numbers.get("GroupsPerUserQuota", default.groups_per_user),
        policies_per_user=numbers.get("AttachedPoliciesPerUserQuota", default.policies_per_user),
        policies_per_group=numbers.get("AttachedPoliciesPerGroupQuota", default.policies_per_group),
        versions_per_policy=numbers.get("VersionsPerPolicyQuota", default.versions_per_policy),
        groups_left=left("GroupsQuota", "Groups", default.groups_left),
        policies_left=left("PoliciesQuota", "Policies", default.policies_left),
    )
    root = numbers.get("AccountMFAEnabled")
    return AccountSummary(quotas, None if root is None else root == 1)


def read_password_policy(calls: Calls, client: IAMClient) -> PasswordPolicy | None:
    """Call `GetAccountPasswordPolicy`; None when the account has no password policy. Raises CallFailed."""
    answer = calls.maybe(client.get_account_password_policy)
    if answer is None:
        return None
    found = answer["PasswordPolicy"]
    expires = found.get("ExpirePasswords", False)
    return PasswordPolicy(
        max_age_days=found.get("MaxPasswordAge") if expires else None,
        hard_expiry=found.get("HardExpiry", False),
        users_may_change=found.get("AllowUsersToChangePassword", False),
    )
