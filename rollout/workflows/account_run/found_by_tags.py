"""Finds what is ours in an account that is let out, by journal, path and tags (design.md#policy-documents)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.policy.changes import CreateGroup
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_arns import OurArns, name_of
from rollout.domain.policy.our_resources import Names, whose
from rollout.workflows.ports import CannotEnter, OpenAccount


@dataclass(frozen=True, slots=True)
class FoundByTags:
    """What is ours in an account that is let out: its policies but for enrolment, and where they are attached.

    `strangers` says which policies at our path are left alone, since neither the journal nor their tags are ours.
    """

    policies: tuple[ManagedPolicy, ...] = ()
    groups: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()

    def added_to(self, made: Made) -> Made:
        """Return what the journal knows, with what was found besides."""
        policies = {policy.arn: policy.id for policy in self.policies} | made.policies
        return replace(made, policies=policies, groups=dict.fromkeys(self.groups, "") | made.groups)


def find_ours(
    entered: OpenAccount, known: OurArns, names: Names, made: Made, *, groups_too: bool
) -> FoundByTags:
    """Find what is to be let go: by the names that are `known`, and by path and tags, for the journal may be lost.

    Groups carry no tags: one is ours at our path where our policy is attached to it. Raises CannotEnter.
    """
    try:
        listed = entered.policies_at(names.path)
    except CannotEnter:
        listed = ()  # not allowed, maybe: the names that are known have to do
    arns = [arn for arn in dict.fromkeys((*known.policies, *listed)) if not arn.endswith("Enrolment")]
    there = [policy for arn in arns if (policy := entered.policy(arn)) is not None]
    why_not = {policy.arn: why for policy in there if (why := whose(policy, made))}
    policies = tuple(policy for policy in there if policy.arn not in why_not)
    groups: tuple[str, ...] = ()
    if groups_too:
        named = [name_of(arn) for arn in known.groups if not arn.endswith("Enrolment")]
        attached = [group for policy in policies for group in entered.groups_with(policy.arn)]
        candidates = dict.fromkeys((*named, *attached))
        groups = tuple(
            group for group in candidates if entered.holds(CreateGroup(known.account_id, group, names.path))
        )
    return FoundByTags(
        policies, groups, tuple(f"left alone: {why}" for arn, why in why_not.items() if arn in known.policies)
    )
