"""Tells what stands in an account under our names: nothing, ours, the same by somebody else, or a clash."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rollout.domain.iam import equal_documents, parse_document
from rollout.domain.people.observations import AccountFacts, ManagedPolicy, PolicyVersion
from rollout.domain.people.organization import policy_arn

PATH = "/rollout/"
PLAN_TAG = "rollout:plan"
"""The tag of a policy that names the plan by which it was made."""


@dataclass(frozen=True, slots=True)
class Names:
    """Our names, the same in every account; path `/rollout/` marks what is ours (design.md#policy-documents)."""

    policy: str = "ForceMFA"
    group: str = "ForceMFA"
    path: str = PATH

    @property
    def enrolment_policy(self) -> str:
        """The policy that lets a user enrol, and no more."""
        return f"{self.policy}Enrolment"

    @property
    def enrolment_group(self) -> str:
        """The group that carries the enrolment policy."""
        return f"{self.group}Enrolment"


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of this rollout in one partition: in force, its Allow half, and enrolment alone."""

    full: Mapping[str, Any]
    brake: Mapping[str, Any]
    enrolment: Mapping[str, Any]


class State(StrEnum):
    """What a managed policy or group of our name is."""

    ABSENT = "absent"
    OURS = "ours"
    FOREIGN_SAME = "foreign-same"
    CLASH = "clash"


@dataclass(frozen=True, slots=True)
class OurPolicy:
    """A policy of our name. `arn` is the one to attach: ours to be made, ours, or a foreign one that means the same."""

    state: State
    arn: str
    found: ManagedPolicy | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class OurGroup:
    """A group of our name, and the ARNs of the policies that are attached to it."""

    name: str
    state: State
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OurResources:
    """Everything under our names in one account."""

    policy: OurPolicy
    enrolment: OurPolicy
    group: OurGroup
    enrolment_group: OurGroup

    @property
    def clash(self) -> str:
        """What keeps our policy out of this account altogether; empty when nothing does."""
        if self.policy.state is State.CLASH:
            return f"a policy of another meaning has our name: {self.policy.arn}"
        return ""

    @property
    def names(self) -> frozenset[str]:
        """The ARNs of policies and the names of groups that are ours, to be thought away when a user is judged.

        What is attached to our group is our doing, even where it is a foreign policy that means the same.
        """
        policies = (policy.arn for policy in (self.policy, self.enrolment) if policy.state is State.OURS)
        groups = (group.name for group in (self.group, self.enrolment_group) if group.state is State.OURS)
        return frozenset((*policies, *groups))


class Brake(StrEnum):
    """What the policy of an account does to those who are attached to it."""

    ABSENT = "absent"
    OFF = "off"
    PULLED = "pulled"


def brake_of(policy: ManagedPolicy | None) -> Brake:
    """Tell how the brake of a policy stands: pulled when the version in force denies nothing."""
    if policy is None:
        return Brake.ABSENT
    default = policy.default
    return Brake.PULLED if default is not None and denies_nothing(default.document) else Brake.OFF


def our_resources(
    facts: AccountFacts,
    account_id: str,
    partition: str,
    names: Names,
    documents: Documents,
    known: Collection[str],
) -> OurResources:
    """Look at one account's groups and policies. `known`: names of groups that the journal knows to be ours."""
    main_arn = policy_arn(partition, account_id, names.path, names.policy)
    enrolment_arn = policy_arn(partition, account_id, names.path, names.enrolment_policy)
    policy = _policy(facts, main_arn, documents.full)
    enrolment = _policy(facts, enrolment_arn, documents.enrolment)
    return OurResources(
        policy,
        enrolment,
        _group(facts, names.group, names.path, policy.arn, known),
        _group(facts, names.enrolment_group, names.path, enrolment.arn, known),
    )


def denies_nothing(document: object) -> bool:
    """Tell whether a document can be read and has no Deny: an Allow half, ours of today or of an earlier text."""
    if not isinstance(document, str | Mapping):
        return False
    parsed = parse_document(document, "")
    return parsed.problem is None and all(statement.effect == "Allow" for statement in parsed.statements)


def number_of(version: PolicyVersion) -> int:
    """Read the number of a version: 3 of `v3`."""
    digits = version.id.removeprefix("v")
    return int(digits) if digits.isdigit() else 0


def _policy(facts: AccountFacts, arn: str, full: Mapping[str, Any]) -> OurPolicy:
    name = arn.rsplit("/", 1)[-1]
    own = facts.policies.get(arn)
    if own is not None:
        default = own.default
        return OurPolicy(State.OURS, arn, own, equal_documents(default.document if default else {}, full))
    # Names are unique in an account whatever the path, and not case-distinguished (aws-facts.md#names-paths-arns-tags).
    namesakes = (
        p
        for p in facts.policies.values()
        if p.name.casefold() == name.casefold() and ":aws:policy/" not in p.arn
    )
    foreign = next(namesakes, None)
    if foreign is None:
        return OurPolicy(State.ABSENT, arn)
    default = foreign.default
    if default is not None and equal_documents(default.document, full):
        return OurPolicy(State.FOREIGN_SAME, foreign.arn, foreign, current=True)
    return OurPolicy(State.CLASH, foreign.arn, foreign)


def _group(facts: AccountFacts, name: str, path: str, policy: str, known: Collection[str]) -> OurGroup:
    group = facts.groups.get(name)
    if group is None:
        # As with policies: a group whose name differs in case alone keeps ours from being made.
        namesake = any(other.casefold() == name.casefold() for other in facts.groups)
        return OurGroup(name, State.CLASH if namesake else State.ABSENT)
    if group.path != path or group.inline or set(group.attached) - {policy}:
        return OurGroup(name, State.CLASH, group.attached)
    # Whoever is in a group that the journal does not know would come under the policy unjudged.
    occupied = bool(group.attached) or any(group.name in user.groups for user in facts.users)
    state = State.CLASH if occupied and group.name not in known else State.OURS
    return OurGroup(name, state, group.attached)
