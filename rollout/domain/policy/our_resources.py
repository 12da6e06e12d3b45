"""Tells what stands in an account under our names: nothing, ours, what another store made, or somebody else's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import AccountFacts, Group, ManagedPolicy
from rollout.domain.people.organization import is_policy_at, policy_arn
from rollout.domain.policy.made import Made, is_tagged, maker_of

PATH = "/rollout/"
MOST_BEFORE_SUFFIX = 128 - len("-rolloutEnrolment")
OTHER_STORE_CURE = (
    "work in the folder, or with the store: in rollout.yaml, that holds this plan and its journal; if nobody has them "
    "any more, let everybody out by rollout release --all, then delete policy and group by hand"
)
NOT_KNOWN = "was not made by rollout: neither the journal of this store nor its tags know of it"
UNTAGGED = "has none of rollout's tags: somebody made it anew"
MADE_ANEW = "was deleted, and made anew by somebody else"


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

    @property
    def substitute(self) -> Names:
        """The names of our policies in an account where somebody else's has ours, and was adopted.

        Names are unique in an account whatever the path (aws-facts.md#names-paths-arns-tags).
        """
        return Names(f"{self.policy[:MOST_BEFORE_SUFFIX]}-rollout", self.group, self.path)


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
    OTHER_STORE = "other-store"
    """Made by this tool, as the policy's tags say, but this store's journal does not know it."""
    CLASH = "clash"


@dataclass(frozen=True, slots=True)
class OurPolicy:
    """Our policy in one account. `arn` is always the one of ours, there or to be made; `found` is what stands there.

    `why` says why it is not ours to use, where something else has its name; `found` is then None.
    """

    state: State
    arn: str
    found: ManagedPolicy | None = None
    current: bool = False
    why: str = ""

    @property
    def unknown(self) -> bool:
        """Tell whether a policy stands at our path that the journal does not know, whoever made it."""
        return self.why.startswith(self.arn)


@dataclass(frozen=True, slots=True)
class OurGroup:
    """A group of our name, and the ARNs of the policies that are attached to it."""

    name: str
    state: State
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OurResources:
    """Everything under our names in one account.

    `adopted` has the ARNs of policies of others that an earlier version of this tool attached in place of ours.
    """

    policy: OurPolicy
    enrolment: OurPolicy
    group: OurGroup
    enrolment_group: OurGroup
    adopted: frozenset[str] = frozenset()

    @property
    def clash(self) -> str:
        """What keeps our policy out of this account altogether; empty when nothing does."""
        return self.policy.why if self.policy.state is State.CLASH else ""

    @property
    def other_store(self) -> str:
        """Which policy of this tool another store made here, and by what; empty when there is none."""
        both = (self.policy, self.enrolment)
        return next((policy.why for policy in both if policy.state is State.OTHER_STORE), "")

    @property
    def unknown(self) -> str:
        """Which policy at our path the journal does not know, whoever made it; empty when there is none."""
        return next((policy.why for policy in (self.policy, self.enrolment) if policy.unknown), "")

    @property
    def names(self) -> frozenset[str]:
        """The ARNs of policies and the names of groups of this tool, to be thought away when a user is judged.

        What is attached to our group is our doing. So are policies that this tool made from another store.
        """
        mine = (State.OURS, State.OTHER_STORE)
        policies = (policy.arn for policy in (self.policy, self.enrolment) if policy.state in mine)
        groups = (group.name for group in (self.group, self.enrolment_group) if group.state in mine)
        return frozenset((*policies, *groups))


def our_resources(
    facts: AccountFacts,
    account_id: str,
    partition: str,
    names: Names,
    documents: Documents,
    made: Made,
) -> OurResources:
    """Look at one account's groups and policies; `made` is what the journal says about this account."""
    here = _Here(facts, account_id, partition, names, made)
    policy_name, enrolment_name = policy_names(made, account_id, names)
    policy = here.policy(policy_name, documents.full)
    enrolment = here.policy(enrolment_name, documents.enrolment)
    return OurResources(
        policy,
        enrolment,
        here.group(names.group, policy),
        here.group(names.enrolment_group, enrolment),
        adopted(made, account_id, names),
    )


def adopted(made: Made, account_id: str, names: Names) -> frozenset[str]:
    """Find the policies of others that an earlier version attached, since they had our name and said the same."""
    return _foreign(made.attached.values(), made, account_id, names)


def policy_names(made: Made, account_id: str, names: Names) -> tuple[str, str]:
    """Return the names of our policy and of the enrolment policy in one account.

    Where somebody else's policy had ours, and an earlier version adopted it, ours has the substitute.
    """
    once = {_name(arn).casefold() for arn in _foreign(made.ever_attached, made, account_id, names)}
    own = {_name(arn) for arn in made.policies}
    both = (
        (names.policy, names.substitute.policy),
        (names.enrolment_policy, names.substitute.enrolment_policy),
    )
    policy, enrolment = (
        substitute if substitute in own or (name.casefold() in once and name not in own) else name
        for name, substitute in both
    )
    return policy, enrolment


def _foreign(arns: Iterable[str], made: Made, account_id: str, names: Names) -> frozenset[str]:
    """Choose the ARNs of policies of others; a journal that claims that we attached any other is not believed."""
    known = {names.policy, names.enrolment_policy, *(_name(arn) for arn in made.policies)}
    ours = {name.casefold() for name in known}
    return frozenset(
        arn
        for arn in arns
        if arn.split(":")[4:5] == [account_id]
        and not is_policy_at(arn, account_id, names.path)
        and _name(arn).casefold() in ours
    )


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def in_doubt(facts: AccountFacts, names: Names, made: Made) -> tuple[str, ...]:
    """List the policies of our names at our path that only their tags can tell the maker of."""
    ours = {policy for all_ in (names, names.substitute) for policy in (all_.policy, all_.enrolment_policy)}
    return tuple(
        policy.arn
        for policy in facts.policies.values()
        if policy.path == names.path
        and policy.name in ours
        and not (policy.id and made.policies.get(policy.arn))
    )


@dataclass(frozen=True, slots=True)
class _Here:
    """One account, and what the journal says about it."""

    facts: AccountFacts
    account_id: str
    partition: str
    names: Names
    made: Made

    def policy(self, name: str, document: Mapping[str, Any]) -> OurPolicy:
        arn = policy_arn(self.partition, self.account_id, self.names.path, name)
        own = self.facts.policies.get(arn)
        if own is not None:
            return _at_our_path(own, self.made, document)
        foreign = self._namesake(name, arn)
        if foreign is None:
            return OurPolicy(State.ABSENT, arn)
        return OurPolicy(
            State.CLASH, arn, why=f"a policy that rollout did not make has our name: {foreign.arn}"
        )

    def _namesake(self, name: str, arn: str) -> ManagedPolicy | None:
        # Names are unique in an account whatever the path, and not case-distinguished
        # (aws-facts.md#names-paths-arns-tags).
        namesakes = (
            policy
            for policy in self.facts.policies.values()
            if policy.name.casefold() == name.casefold()
            and policy.arn != arn
            and ":aws:policy/" not in policy.arn
        )
        return next(namesakes, None)

    def group(self, name: str, policy: OurPolicy) -> OurGroup:
        group = self.facts.groups.get(name)
        if group is None:
            # As with policies: a group whose name differs in case alone keeps ours from being made.
            namesake = any(other.casefold() == name.casefold() for other in self.facts.groups)
            return OurGroup(name, State.CLASH if namesake else State.ABSENT)
        return OurGroup(name, self._state(group, policy), group.attached)

    def _state(self, group: Group, policy: OurPolicy) -> State:
        """Tell whose a group is: groups have no tags, so by path, journal and the policy that hangs on it."""
        mine = {policy.arn} if policy.state is not State.CLASH else set()
        if group.path != self.names.path or group.inline or set(group.attached) - mine:
            return State.CLASH
        known_id = self.made.groups.get(group.name)
        if known_id is not None:
            return State.CLASH if known_id and group.id and known_id != group.id else State.OURS
        # Whoever is in a group that the journal does not know would come under the policy unjudged.
        occupied = bool(group.attached) or any(group.name in user.groups for user in self.facts.users)
        if not occupied and self.made.tried_groups.get(group.name):
            return State.OURS
        return State.OTHER_STORE if policy.state is State.OTHER_STORE else State.CLASH


def whose_of_ours(policies: Iterable[ManagedPolicy], made: Made) -> tuple[OurPolicy, ...]:
    """Tell of each policy at our path whether this store's journal knows it, whatever its document says."""
    return tuple(_at_our_path(policy, made, {}) for policy in policies)


def whose(policy: ManagedPolicy, made: Made) -> str:
    """Say why a policy at our path may not even be let go of; empty where it is this tool's, from whichever store.

    What the journal made is known by its PolicyId, else its tags have to be ours, whatever the journal says.
    """
    known_id, tags = made.policies.get(policy.arn), policy.tags
    if known_id and policy.id:
        return "" if known_id == policy.id else f"{policy.arn} {MADE_ANEW}"
    if tags is None and known_id is not None:
        return ""
    return "" if tags and is_tagged(tags) else f"{policy.arn} {NOT_KNOWN if known_id is None else UNTAGGED}"


def _at_our_path(policy: ManagedPolicy, made: Made, document: Mapping[str, Any]) -> OurPolicy:
    """Tell whose a policy at our path is; to be used, it has to be known to this store's journal."""
    arn, tags = policy.arn, policy.tags or {}
    if stranger := whose(policy, made):
        return OurPolicy(State.CLASH, arn, why=stranger)
    tried = made.tried.get(arn, {}).values()
    if arn in made.policies or any(given and given.items() <= tags.items() for given in tried):
        default = policy.default
        current = equal_documents(default.document if default else {}, document)
        return OurPolicy(State.OURS, arn, policy, current)
    return OurPolicy(State.OTHER_STORE, arn, why=f"{arn} was made by {maker_of(tags)} from another store")
