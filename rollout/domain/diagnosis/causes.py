"""Finds the cause of a refused entry, and the cure.

See aws-facts.md#errors-and-retries, aws-facts.md#roles-and-least-privilege.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.diagnosis.facts import Denial, DeniedBy, EntrySettings, NoAnswer


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of a refusal, in a few words, and its cure."""

    name: str
    cure: str


_KINDS = {
    DeniedBy.SCP: Cause(
        "a service control policy",
        "in the management account, check the service control policies that apply to this account",
    ),
    DeniedBy.RCP: Cause(
        "a resource control policy",
        "in the management account, check the resource control policies that apply to this account",
    ),
    DeniedBy.BOUNDARY: Cause(
        "the caller's permissions boundary", "allow the action in the caller's permissions boundary"
    ),
    DeniedBy.SESSION_POLICY: Cause(
        "the caller's own session policy", "use a session that is less restricted"
    ),
    DeniedBy.ENDPOINT_POLICY: Cause(
        "the policy of a VPC endpoint", "allow the action in the policy of the endpoint for STS"
    ),
    DeniedBy.IDENTITY_POLICY: Cause(
        "the caller's own policies", "allow the caller sts:AssumeRole on the role"
    ),
    DeniedBy.TRUST_POLICY: Cause("the role's trust policy", "name the caller in the role's trust policy"),
    DeniedBy.RESOURCE_POLICY: Cause("the role's trust policy", "name the caller in the role's trust policy"),
}
_SESSION_ACTIONS = {
    "sts:TagSession": Cause(
        "session tags", "allow sts:TagSession in the role's trust policy, or empty access.session_tags"
    ),
    "sts:SetSourceIdentity": Cause(
        "the source identity",
        "allow sts:SetSourceIdentity in the role's trust policy, or set access.source_identity to null",
    ),
}


def causes_of(trouble: NoAnswer) -> tuple[Cause, ...]:
    """List the causes that AWS named, each once."""
    found = (_cause_of(denial) for denial in trouble.denials)
    return tuple(dict.fromkeys(cause for cause in found if cause))


def _cause_of(denial: Denial) -> Cause | None:
    return _SESSION_ACTIONS.get(denial.action) or _KINDS.get(denial.by)


def suspicions(entry: EntrySettings) -> tuple[Cause, ...]:
    """List possible causes of a refusal that names none, likeliest first: STS does not tell them apart."""
    mismatch = (
        "other than the one in access.external_id" if entry.external_id else "but access.external_id is null"
    )
    found = [
        Cause(
            "the role does not exist",
            "accounts that joined by invitation have no OrganizationAccountAccessRole: create it (StackSets can do it "
            "for a whole organization), or name an existing one in access.roles or access.overrides",
        ),
        Cause("its trust policy does not name the caller", "add the caller's ARN to the role's trust policy"),
        Cause(
            f"its trust policy requires an external id {mismatch}", "set access.external_id, or an override"
        ),
    ]
    found += [_SESSION_ACTIONS["sts:SetSourceIdentity"]] * entry.source_identity
    found += [_SESSION_ACTIONS["sts:TagSession"]] * entry.session_tags
    return (*found, Cause("a service control policy denies it", _KINDS[DeniedBy.SCP].cure))
