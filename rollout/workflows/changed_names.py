"""Refuses to bring people under a policy of a new name while others are still under the old one."""

from __future__ import annotations

from rollout.counted import number_of
from rollout.domain.policy.changes import AddMember, AttachToGroup, AttachToUser
from rollout.domain.policy.our_resources import Names
from rollout.domain.progress.projection import Progress
from rollout.errors import Refused


def check_names(names: Names, progress: Progress) -> None:
    """Refuse changed names while the journal knows people under the old ones. Raises Refused."""
    owned = (*progress.owned.things.values(), *progress.owned.released.values())
    changes = [done.intent.change for done in owned]
    people = [change for change in changes if isinstance(change, AddMember | AttachToUser)]
    accounts = {change.account_id for change in people}
    groups = {names.group, names.enrolment_group}
    own = (names, names.substitute)
    policies = {name.casefold() for one in own for name in (one.policy, one.enrolment_policy)}
    former: set[str] = set()
    for change in changes:
        if change.account_id not in accounts:
            continue
        if isinstance(change, AddMember | AttachToGroup) and change.group not in groups:
            former.add(f"policy.group: {change.group}")
        if isinstance(change, AttachToGroup | AttachToUser):
            name = change.policy_arn.rpartition("/")[2]
            if name.casefold() not in policies:
                former.add(f"policy.name: {name}")
    if former:
        enforced = len({change.user.id for change in people})
        raise Refused(
            f"{number_of(enforced, 'user is', 'users are')} enforced through policies or groups that have "
            f"other names than in rollout.yaml: {', '.join(sorted(former))}",
            cure="set the former names again; to migrate: `rollout rollback --all`, then plan, notify and enforce "
            "under the new names",
        )
