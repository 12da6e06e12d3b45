"""Finds the cause of a refusal in AWS's sentence about it, and the cure.

See aws-facts.md#errors-and-retries, aws-facts.md#roles-and-least-privilege.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.diagnosis.facts import EntrySettings, NoAnswer


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of a refusal, in a few words, and its cure."""

    name: str
    cure: str


# AWS may name the kind of policy that refused (IAM User Guide, "Troubleshoot access denied error messages").
_KINDS = (
    (
        "service control polic",
        Cause(
            "a service control policy",
            "in the management account, check the service control policies that apply to this account",
        ),
    ),
    (
        "resource control polic",
        Cause(
            "a resource control policy",
            "in the management account, check the resource control policies that apply to this account",
        ),
    ),
    (
        "permissions boundar",
        Cause("the caller's permissions boundary", "allow the action in the caller's permissions boundary"),
    ),
    (
        "session polic",
        Cause("the caller's own session policy", "use a session that is less restricted"),
    ),
    (
        "vpc endpoint polic",
        Cause("the policy of a VPC endpoint", "allow the action in the policy of the endpoint for STS"),
    ),
    (
        "identity-based polic",
        Cause("the caller's own policies", "allow the caller sts:AssumeRole on the role"),
    ),
    (
        "trust polic",
        Cause("the role's trust policy", "name the caller in the role's trust policy"),
    ),
    (
        "resource-based polic",
        Cause("the role's trust policy", "name the caller in the role's trust policy"),
    ),
)
_SESSION_ACTIONS = {
    "sts:TagSession": Cause(
        "session tags", "allow sts:TagSession in the role's trust policy, or empty access.session_tags"
    ),
    "sts:SetSourceIdentity": Cause(
        "the source identity",
        "allow sts:SetSourceIdentity in the role's trust policy, or set access.source_identity to null",
    ),
}
_CLOCK = Cause(
    "the clock",
    "synchronise this machine's clock with a time server; AWS refuses requests that are more than five minutes off",
)


def causes_of(trouble: NoAnswer) -> tuple[Cause, ...]:
    """List the causes that AWS's sentences name, each once."""
    return tuple(
        dict.fromkeys(cause for sentence in (*trouble.said, trouble.why) for cause in _causes(sentence))
    )


def _causes(sentence: str) -> tuple[Cause, ...]:
    lower = sentence.casefold()
    if "signature expired" in lower or "signature not yet current" in lower:
        return (_CLOCK,)
    if "not authorized" not in lower and "accessdenied" not in lower:
        return ()  # other errors name policies, too: for example, a policy that is too large
    session = next((cause for action, cause in _SESSION_ACTIONS.items() if action.casefold() in lower), None)
    if session:
        return (session,)
    return next(((cause,) for words, cause in _KINDS if words in lower), ())


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
    return (*found, Cause("a service control policy denies it", _KINDS[0][1].cure))
