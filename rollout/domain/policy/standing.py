"""Tells what stands in an account under our names: nothing, ours, the same by somebody else, or a clash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rollout.domain.iam import equal_documents, parse_document
from rollout.domain.people.inventory import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import policy_arn

PATH = "/rollout/"


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
class PolicyStanding:
    """A policy of our name. `arn` is the one to attach: ours to be made, ours, or a foreign one that means the same."""

    state: State
    arn: str
    found: ManagedPolicy | None = None
    current: bool = False
    braked: bool = False

    @property
    def unfinished(self) -> bool:
        """The Allow half is the only version: creation was cut short, nobody pulled the brake."""
        return self.braked and self.found is not None and len(self.found.versions) == 1


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything under our names in one account."""

    policy: PolicyStanding
    enrolment: PolicyStanding
    group_name: str
    enrolment_group_name: str
    group: State
    enrolment_group: State
    group_has: tuple[str, ...] = ()
    enrolment_group_has: tuple[str, ...] = ()

    @property
    def clash(self) -> str:
        """What keeps our policy out of this account altogether; empty when nothing does."""
        if self.policy.state is State.CLASH:
            return f"a policy of another meaning has our name: {self.policy.arn}"
        return ""

    @property
    def ours(self) -> frozenset[str]:
        """The ARNs of policies and the names of groups that are ours, to be thought away when a user is judged.

        What hangs on our group is our doing, even where it is a foreign policy that means the same.
        """
        states = (
            (self.policy.arn, self.policy.state),
            (self.enrolment.arn, self.enrolment.state),
            (self.group_name, self.group),
            (self.enrolment_group_name, self.enrolment_group),
        )
        return frozenset(what for what, state in states if state is State.OURS)


def stand(
    facts: AccountFacts,
    account_id: str,
    partition: str,
    names: Names,
    documents: Documents,
    ours: frozenset[str],
) -> Standing:
    """Look at one account's groups and policies. `ours`: groups that the journal knows to be ours."""
    policy = _policy(
        facts, policy_arn(partition, account_id, names.path, names.policy), documents.full, documents.brake
    )
    enrolment_arn = policy_arn(partition, account_id, names.path, names.enrolment_policy)
    enrolment = _policy(facts, enrolment_arn, documents.enrolment, None)
    group, enrolment_group = facts.groups.get(names.group), facts.groups.get(names.enrolment_group)
    return Standing(
        policy,
        enrolment,
        names.group,
        names.enrolment_group,
        _group(facts, names.group, names.path, policy.arn, ours),
        _group(facts, names.enrolment_group, names.path, enrolment.arn, ours),
        group.attached if group else (),
        enrolment_group.attached if enrolment_group else (),
    )


def denies_nothing(document: object) -> bool:
    """Tell whether a document can be read and has no Deny: an Allow half, ours of today or of an earlier text."""
    if not isinstance(document, str | Mapping):
        return False
    parsed = parse_document(document, "")
    return parsed.problem is None and all(statement.effect == "Allow" for statement in parsed.statements)


def _policy(
    facts: AccountFacts, arn: str, full: Mapping[str, Any], brake: Mapping[str, Any] | None
) -> PolicyStanding:
    name = arn.rsplit("/", 1)[-1]
    own = facts.policies.get(arn)
    if own is not None:
        default = own.default
        document = default.document if default else {}
        braked = brake is not None and denies_nothing(document)
        return PolicyStanding(State.OURS, arn, own, equal_documents(document, full), braked)
    # Names are unique in an account whatever the path, and not case-distinguished (aws-facts.md#names-paths-arns-tags).
    namesakes = (
        p
        for p in facts.policies.values()
        if p.name.casefold() == name.casefold() and ":aws:policy/" not in p.arn
    )
    foreign = next(namesakes, None)
    if foreign is None:
        return PolicyStanding(State.ABSENT, arn)
    default = foreign.default
    if default is not None and equal_documents(default.document, full):
        return PolicyStanding(State.FOREIGN_SAME, foreign.arn, foreign, current=True)
    return PolicyStanding(State.CLASH, foreign.arn, foreign)


def _group(facts: AccountFacts, name: str, path: str, policy: str, ours: frozenset[str]) -> State:
    group = facts.groups.get(name)
    if group is None:
        # As with policies: a group whose name differs in case alone keeps ours from being made.
        namesake = any(other.casefold() == name.casefold() for other in facts.groups)
        return State.CLASH if namesake else State.ABSENT
    if group.path != path or group.inline or set(group.attached) - {policy}:
        return State.CLASH
    # Whoever is in a group that the journal does not know would come under the policy unjudged.
    occupied = bool(group.attached) or any(group.name in user.groups for user in facts.users)
    return State.CLASH if occupied and group.name not in ours else State.OURS
