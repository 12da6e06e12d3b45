"""Checks how close an account's quotas are to their end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rollout.domain.diagnosis.check import Check, CheckAnswer, failure, ok, shortly, warning
from rollout.domain.diagnosis.facts import AccountProbe, NoAnswer, QuotaUsage

CLOSE = 90
"""Per cent of a quota from which on it is reported."""


@dataclass(frozen=True, slots=True)
class _Close:
    text: str
    cure: str
    blocks: bool = False


def _quotas(probe: AccountProbe) -> Iterator[CheckAnswer]:
    usage = probe.quota_usage
    if probe.left_alone or probe.refused:
        return
    if isinstance(usage, NoAnswer):
        yield failure(usage.why, usage.cure)
        return
    if not usage.numbers:
        yield warning("not known: this endpoint offers no GetAccountSummary")
        return
    close = [*_of_account(usage), *_of_ours(usage), *_of_users(usage)]
    if not close:
        yield ok(f"none is used to {CLOSE} % or more")
    for one in close:
        yield (failure if one.blocks else warning)(one.text, one.cure)


def _of_account(usage: QuotaUsage) -> Iterator[_Close]:
    numbers = usage.numbers
    for used, what, ours in (
        ("Groups", "groups", usage.attached),
        ("Policies", "policies", usage.versions),
    ):
        limit = numbers.get(f"{used}Quota", 0)
        count = numbers.get(used, 0)
        if _is_close(count, limit):
            blocks = count >= limit and not ours
            needed = f"; there is no room for the {what} of this tool" if blocks else ""
            cure = f"have the quota for {what} raised (Service Quotas in us-east-1), or delete {what} that nobody needs"
            yield _Close(f"{count} of {limit} {what}{needed}", cure, blocks)
    count, limit = numbers.get("PolicyVersionsInUse", 0), numbers.get("PolicyVersionsInUseQuota", 0)
    if _is_close(count, limit):
        yield _Close(f"{count} of {limit} policy versions in use", "delete policy versions that nobody needs")


def _of_ours(usage: QuotaUsage) -> Iterator[_Close]:
    limit = usage.numbers.get("VersionsPerPolicyQuota", 0)
    for arn, count in sorted(usage.versions.items()):
        if _is_close(count, limit):
            cure = "nothing to do: rollout deletes its oldest version, not the brake, before it makes another"
            yield _Close(f"{count} of {limit} versions of {arn}", cure)
    limit = usage.numbers.get("AttachedPoliciesPerGroupQuota", 0)
    for name, count in sorted(usage.attached.items()):
        if _is_close(count, limit):
            yield _Close(
                f"{count} of {limit} policies attached to group {name}",
                f"detach what is not ours from group {name}",
            )


def _of_users(usage: QuotaUsage) -> Iterator[_Close]:
    numbers = usage.numbers
    yield from _crowded(
        usage.groups,
        numbers.get("GroupsPerUserQuota", 0),
        "groups",
        "remove them from groups that they do not need; otherwise the policy is attached to the user, or cannot be",
    )
    yield from _crowded(
        usage.policies,
        numbers.get("AttachedPoliciesPerUserQuota", 0),
        "policies attached to them",
        "matters only where the policy must be attached to the user: move policies to groups",
    )


def _crowded(counts: Mapping[str, int], limit: int, what: str, cure: str) -> Iterator[_Close]:
    names = sorted(name for name, count in counts.items() if _is_close(count, limit))
    if names:
        least = min(counts[name] for name in names)
        users = f"{len(names)} user{'s' if len(names) > 1 else ''} with {least} or more of {limit} {what}"
        yield _Close(f"{users}: {shortly(names)}", cure)


def _is_close(count: int, limit: int) -> bool:
    return limit > 0 and count * 100 >= limit * CLOSE


QUOTAS = Check(
    "quotas",
    "groups, policies, policy versions, versions of our policies, policies on our groups, groups and policies of users;"
    " a warning from 90 % on",
    "there is no room for a group or policy of ours",
    _quotas,
)
