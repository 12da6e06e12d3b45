"""Puts one user into an account with rules around it, and judges; name what matters, the rest is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rollout.domain.people.addresses import AddressTag
from rollout.domain.people.observations import AccountFacts, Group, ManagedPolicy, Observed, PolicyVersion
from rollout.domain.people.organization import is_policy_at, policy_arn
from rollout.domain.people.users import NamedPolicy, User
from rollout.domain.policy.force_mfa import SEED, PolicyAmendments, allow_half, enrolment, force_mfa
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_resources import PATH, Documents, Names
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.judged_account import JudgedAccount, judged_account
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import DecisionRules
from rollout.domain.verdicts.verdict import Verdict
from rollout.wiring.seed_policy import seed
from tests.builders import ACCOUNT, MANAGEMENT, NOW, ORGANIZATION, a_user, an_account, an_id, an_observed

Json = dict[str, Any]
Level = tuple[NamedPolicy, ...]

OURS_ARN = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
ENROLMENT_GROUP = "ForceMFAEnrolment"
ENROLMENT_POLICY = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFAEnrolment"

NO_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
SELF = ["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}"]


# --- Documents ---


def a_document(*statements: Mapping[str, Any], version: str | None = "2012-10-17") -> Json:
    return {**({"Version": version} if version else {}), "Statement": [dict(one) for one in statements]}


def allow(*actions: str, on: str | list[str] = "*", when: Mapping[str, Any] | None = None) -> Json:
    return _statement("Allow", actions, on, when)


def deny(*actions: str, on: str | list[str] = "*", when: Mapping[str, Any] | None = None) -> Json:
    return _statement("Deny", actions, on, when)


def deny_all_but(*actions: str, on: str | list[str] = "*", when: Mapping[str, Any] | None = None) -> Json:
    return _statement("Deny", actions, on, when, "NotAction")


def _statement(
    effect: str,
    actions: tuple[str, ...],
    on: str | list[str],
    when: Mapping[str, Any] | None,
    element: str = "Action",
) -> Json:
    statement: Json = {"Effect": effect, element: list(actions), "Resource": on}
    return statement | ({"Condition": dict(when)} if when else {})


# What ForceMFA leaves open, and so does every policy that enforces MFA and lets people enrol.
LEFT_OPEN = (
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
)
DENY_WITHOUT_MFA = deny_all_but(*LEFT_OPEN, when=NO_MFA)
EVERYTHING = a_document(allow("*"))


def a_managed(name: str, *statements: Mapping[str, Any], path: str = "/", raw: Any = None) -> ManagedPolicy:
    """A customer managed policy with one version; `raw` in place of statements is taken as it is."""
    document = raw if raw is not None else a_document(*statements)
    arn = policy_arn("aws", ACCOUNT, path, name)
    return ManagedPolicy(arn, name, path, (PolicyVersion("v1", document, is_default=True),))


def a_versioned(name: str, *documents: Any, default: int, path: str = PATH) -> ManagedPolicy:
    """A managed policy whose versions v1, v2, … have these documents; `default` is the number in force."""
    versions = tuple(
        PolicyVersion(f"v{number}", document, is_default=number == default)
        for number, document in enumerate(documents, start=1)
    )
    return ManagedPolicy(policy_arn("aws", ACCOUNT, path, name), name, path, versions)


def a_group(
    name: str, *attached: str, path: str = "/", inline: Iterable[NamedPolicy] = (), account: str = ACCOUNT
) -> Group:
    return Group(name, path, an_id(account, name, prefix="AGPA"), attached, tuple(inline))


def inline(name: str, *statements: Mapping[str, Any]) -> NamedPolicy:
    return NamedPolicy(name, a_document(*statements))


def a_level(*statements: Mapping[str, Any], name: str = "Guardrails") -> Level:
    """One level of SCPs: AWS's full access, and what these statements say."""
    full = NamedPolicy("FullAWSAccess", EVERYTHING)
    return (full, NamedPolicy(name, a_document(*statements))) if statements else (full,)


# --- Rules and accounts ---


def the_documents(amendments: PolicyAmendments | None = None, partition: str = "aws") -> Documents:
    full = force_mfa(seed(), partition, amendments or PolicyAmendments())
    return Documents(full, allow_half(full), enrolment(partition))


DOCUMENTS = the_documents()
SEED_DOCUMENTS = the_documents(SEED)


def the_rules(**more: Any) -> DecisionRules:
    """The default rules, with addresses in the tag `email`."""
    fields: Json = {
        "partition": "aws",
        "names": Names(),
        "documents": DOCUMENTS,
        "find": (AddressTag("email"),),
        "organization_id": ORGANIZATION,
        "management_account_id": MANAGEMENT,
    }
    return DecisionRules(**(fields | more))


# Rights to enrol a device, as people have them in accounts that thought of it.
SELF_SERVICE = NamedPolicy("SelfService", DOCUMENTS.brake)


def a_person(name: str = "alice", **more: Any) -> User:
    """Somebody with a password, a TOTP device, no keys, an address, and rights to enrol a device."""
    more.setdefault("tags", {"email": f"{name}@example.com"})
    more.setdefault("inline", (SELF_SERVICE,))
    return a_user(name, **more)


def made_by_us(facts: AccountFacts, groups: Iterable[str], account_id: str = ACCOUNT) -> Made:
    """What the journal knows where every policy at our path is ours, and these groups."""
    policies = {arn: "" for arn in facts.policies if is_policy_at(arn, account_id, PATH)}
    return Made(policies=policies, groups=dict.fromkeys(groups, ""))


def around(
    *users: User,
    rules: DecisionRules | None = None,
    scps: tuple[Level, ...] | None = (),
    now: datetime = NOW,
    ours: Iterable[str] = (),
    account_id: str = ACCOUNT,
    made: Made | None = None,
    **facts: Any,
) -> JudgedAccount:
    """The account that these users are in; `facts` go to `account_facts`. `made`: what the journal knows."""
    seen = an_observed(*users, account=an_account(account_id), **facts)
    seen = Observed(seen.account, seen.role, seen.facts, scps)
    return judged_account(
        seen, rules or the_rules(), Library(), now, made or made_by_us(seen.facts, ours, account_id)
    )


def judged(
    user: User,
    *,
    rules: DecisionRules | None = None,
    now: datetime = NOW,
    **account: Any,
) -> Verdict:
    """Judge one user; `account` goes to `around`."""
    rules = rules or the_rules()
    account.setdefault("account_id", user.account_id)
    return judge(user, around(user, rules=rules, now=now, **account))


def ours_in_place(default: int = 2) -> Json:
    """What an account holds once we have been there: policy with its brake, group, both known to the journal."""
    policy = a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=default)
    return {
        "policies": (policy,),
        "groups": (a_group("ForceMFA", policy.arn, path=PATH),),
        "ours": {"ForceMFA"},
    }
