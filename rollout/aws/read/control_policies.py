"""Reads service control policies policy by policy, so that the number of calls does not grow with the accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rollout.aws.read.policy_text import document_of
from rollout.awsapi.calls import Calls
from rollout.awsapi.side_by_side import side_by_side
from rollout.domain.people.users import NamedPolicy

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import (
        PolicySummaryTypeDef,
        PolicyTargetSummaryTypeDef,
        RootTypeDef,
    )

SCP: Literal["SERVICE_CONTROL_POLICY"] = "SERVICE_CONTROL_POLICY"
RCP: Literal["RESOURCE_CONTROL_POLICY"] = "RESOURCE_CONTROL_POLICY"


@dataclass(frozen=True, slots=True)
class AttachedPolicies:
    """The policies attached to each root, OU and account, by its ID."""

    by_target: dict[str, tuple[NamedPolicy, ...]]

    def levels(self, path: Sequence[str]) -> tuple[tuple[NamedPolicy, ...], ...]:
        """Return the policies along the path from the root to an account, one tuple per level."""
        return tuple(self.by_target.get(target, ()) for target in path)


class ControlPolicies:
    """Reads the SCPs (aws-facts.md#organizations)."""

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
        for summary, document, targets in policies_of_kind(self._calls, self._client, SCP):
            policy = NamedPolicy(summary.get("Name", summary["Id"]), document, summary.get("Arn"))
            for target in targets:
                by_target[target["TargetId"]].append(policy)
        return AttachedPolicies({target: tuple(policies) for target, policies in by_target.items()})


def policies_of_kind(
    calls: Calls,
    client: OrganizationsClient,
    kind: Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
) -> Iterator[tuple[PolicySummaryTypeDef, Mapping[str, Any] | str, Sequence[PolicyTargetSummaryTypeDef]]]:
    """Yield each policy that is attached somewhere, with its document and its targets, by ID. Raises CallFailed.

    It calls `ListPolicies`, then `ListTargetsForPolicy` and `DescribePolicy` for each.
    """
    pages = calls.pages(client.list_policies, "NextToken", Filter=kind)
    summaries = [summary for page in pages for summary in page["Policies"]]

    def targets_of(policy: str) -> list[PolicyTargetSummaryTypeDef]:
        found = calls.pages(client.list_targets_for_policy, "NextToken", PolicyId=policy)
        return [target for page in found for target in page["Targets"]]

    def text_of(policy: str) -> Mapping[str, Any] | str:
        return document_of(calls.read(client.describe_policy, PolicyId=policy)["Policy"]["Content"])

    by_id = {summary["Id"]: summary for summary in sorted(summaries, key=lambda summary: summary["Id"])}
    targets = dict(zip(by_id, side_by_side(targets_of, by_id), strict=True))
    attached = [policy for policy, found in targets.items() if found]
    for policy, text in zip(attached, side_by_side(text_of, attached), strict=True):
        yield by_id[policy], text, targets[policy]
