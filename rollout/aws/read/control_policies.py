"""Reads service control policies policy by policy, so that the number of calls does not grow with the accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.aws.read.policy_text import document_of
from rollout.awsapi.calls import Calls
from rollout.domain.people.users import NamedPolicy

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import PolicySummaryTypeDef, RootTypeDef

SCP = "SERVICE_CONTROL_POLICY"


@dataclass(frozen=True, slots=True)
class AttachedPolicies:
    """The policies attached to each root, OU and account, by its ID."""

    by_target: dict[str, tuple[NamedPolicy, ...]]

    def levels(self, path: Sequence[str]) -> tuple[tuple[NamedPolicy, ...], ...]:
        """Return the policies along the path from the root to an account, one tuple per level."""
        return tuple(self.by_target.get(target, ()) for target in path)


class ControlPolicies:
    """Calls `ListPolicies`, then `ListTargetsForPolicy` and `DescribePolicy` for each (aws-facts.md#organizations)."""

    def __init__(self, calls: Calls, client: OrganizationsClient) -> None:
        """Keep the arguments; make no call yet."""
        self._calls = calls
        self._client = client

    def read(self, roots: Sequence[RootTypeDef]) -> AttachedPolicies | None:
        """Read all SCPs; None when the organization has SCPs disabled. Raises CallFailed."""
        # AvailablePolicyTypes of DescribeOrganization is deprecated; the roots have it (aws-facts.md#organizations).
        types = [kind for root in roots for kind in root.get("PolicyTypes", [])]
        if not any(kind.get("Type") == SCP and kind.get("Status") == "ENABLED" for kind in types):
            return None
        by_target: defaultdict[str, list[NamedPolicy]] = defaultdict(list)
        for summary in sorted(self._summaries(), key=lambda summary: summary["Id"]):
            targets = self._targets(summary["Id"])
            if not targets:
                continue
            answer = self._calls.read(self._client.describe_policy, PolicyId=summary["Id"])
            policy = NamedPolicy(
                summary.get("Name", summary["Id"]),
                document_of(answer["Policy"]["Content"]),
                summary.get("Arn"),
            )
            for target in targets:
                by_target[target].append(policy)
        return AttachedPolicies({target: tuple(policies) for target, policies in by_target.items()})

    def _summaries(self) -> list[PolicySummaryTypeDef]:
        pages = self._calls.pages(self._client.list_policies, "NextToken", Filter=SCP)
        return [summary for page in pages for summary in page["Policies"]]

    def _targets(self, policy_id: str) -> list[str]:
        pages = self._calls.pages(self._client.list_targets_for_policy, "NextToken", PolicyId=policy_id)
        return [target["TargetId"] for page in pages for target in page["Targets"]]
