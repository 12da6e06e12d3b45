"""Reads AWS's sentence about a refusal for its cause, and says the cure that goes with it.

See aws-facts.md#errors-and-retries, aws-facts.md#roles-and-least-privilege.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.diagnosis.facts import EntrySettings, NoAnswer


@dataclass(frozen=True, slots=True)
class Cause:
    """What a refusal comes from, in a few words, and its cure."""

    name: str
    cure: str


# AWS names the kind of policy that refused, where it tells (UG: Troubleshoot access denied error messages).
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
        Cause("the role's trust policy", "let the role's trust policy name the caller"),
    ),
    (
        "resource-based polic",
        Cause("the role's trust policy", "let the role's trust policy name the caller"),
    ),
)
_PASSING = {
    "sts:TagSession": Cause(
        "session tags", "allow sts:TagSession in the role's trust policy, or empty access.session_tags"
    ),
    "sts:SetSourceIdentity": Cause(
        "the source identity",
        "allow sts:SetSourceIdentity in the role's trust policy, or set access.source_identity to null",
    ),
}
_CLOCK = Cause(
    "the clock", "set this machine's clock by a time server; AWS refuses requests that are five minutes off"
)


def causes_of(trouble: NoAnswer) -> tuple[Cause, ...]:
    """Name the causes that AWS's sentences tell, each once; none where they tell none."""
    return tuple(dict.fromkeys(cause for said in (*trouble.said, trouble.why) for cause in _in(said)))


def _in(said: str) -> tuple[Cause, ...]:
    lower = said.casefold()
    if "signature expired" in lower or "signature not yet current" in lower:
        return (_CLOCK,)
    if "not authorized" not in lower and "accessdenied" not in lower:
        return ()  # policies are named in other errors too: one that is too large, say
    passing = next((cause for action, cause in _PASSING.items() if action.casefold() in lower), None)
    if passing:
        return (passing,)
    return next(((cause,) for words, cause in _KINDS if words in lower), ())


def suspicions(way: EntrySettings) -> tuple[Cause, ...]:
    """What a refusal that tells no cause may come from, the likeliest first: STS answers all of them alike."""
    given = (
        "is another than the one in access.external_id"
        if way.external_id
        else "and access.external_id is null"
    )
    found = [
        Cause(
            "the role is not there",
            "accounts that joined by invitation have no OrganizationAccountAccessRole: make the role (StackSets do it "
            "for a whole organization), or name one that is there under access.roles or access.overrides",
        ),
        Cause("its trust policy does not name the caller", "add the caller's ARN to the role's trust policy"),
        Cause(f"its trust policy asks for an external id {given}", "set access.external_id, or an override"),
    ]
    found += [_PASSING["sts:SetSourceIdentity"]] * way.source_identity
    found += [_PASSING["sts:TagSession"]] * way.session_tags
    return (*found, Cause("a service control policy denies it", _KINDS[0][1].cure))
