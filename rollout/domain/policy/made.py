"""Holds what the journal vouches for in one account: what this tool made, tried to make, or attached."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

TOOL_TAG = "rollout:tool"
PLAN_TAG = "rollout:plan"
"""The tag of a policy that names the plan by which it was made."""
RUN_TAG = "rollout:run"
"""The tag that names the run. Nobody can know it before the policy exists."""

HUNG = "hung"
"""The first part of the key of a policy's attachment to a group; the account and the group's name follow."""
Attempt = tuple[str, int]
"""The run and the number of an intent."""


@dataclass(slots=True)
class Made:
    """What the journal says about one account.

    `policies` has, by ARN, the PolicyId of each policy that this tool made, `groups` the GroupId of each group by name;
    both are empty where AWS's answer was lost, and in journals of earlier versions. `tried` has, by ARN, the tags of
    policies that runs tried to make without learning whether they did, by run and number of the intent; `tried_groups`
    has the same of groups by name. `attached` has the ARN of each policy that this tool attached and has not detached
    for good, by the attachment; `ever_attached` has those that it has detached, too.
    """

    policies: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    tried: dict[str, dict[Attempt, Mapping[str, str]]] = field(default_factory=dict)
    tried_groups: dict[str, set[Attempt]] = field(default_factory=dict)
    attached: dict[tuple[str, ...], str] = field(default_factory=dict)
    ever_attached: set[str] = field(default_factory=set)


def attached_to_groups(made: Made, arns: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the group and the ARN of each of these policies that this tool attached to a group."""
    for key, arn in made.attached.items():
        if key[0] == HUNG and arn in arns:
            yield key[2], arn


def tags_of(tool_version: str, run: str, plan: str = "") -> Mapping[str, str]:
    """Return the tags of a policy that is made now; by them it is recognised where no journal knows it."""
    tags = {TOOL_TAG: "rollout", "rollout:version": tool_version, RUN_TAG: run}
    return tags | ({PLAN_TAG: plan} if plan else {})


def is_tagged(tags: Mapping[str, str]) -> bool:
    """Tell whether these tags are of a policy that this tool made, in whichever store."""
    return tags.get(TOOL_TAG) == "rollout"


def maker_of(tags: Mapping[str, str]) -> str:
    """Name the plan, or else the run, that a policy was made by."""
    plan, run = tags.get(PLAN_TAG, ""), tags.get(RUN_TAG, "")
    return f"plan {plan}" if plan else f"run {run}" if run else "an earlier version"
