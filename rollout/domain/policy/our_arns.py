"""Lists what this tool may write to in one account, by whole ARNs: they hold account, path and name."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.people.organization import is_policy_at, policy_arn
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_resources import Names, adopted, policy_names


@dataclass(frozen=True, slots=True)
class OurArns:
    """The policies and groups that may be made, changed and deleted in one account.

    `adopted` are policies of others that an earlier version attached: they may be detached, and nothing else.
    """

    partition: str
    account_id: str
    policies: tuple[str, ...]
    groups: tuple[str, ...]
    adopted: tuple[str, ...] = ()

    def arn(self, resource: str) -> str:
        """Return the ARN of an IAM resource of this account, such as `user/*`."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"


def our_arns(partition: str, account_id: str, names: Names, made: Made) -> OurArns:
    """List what is ours by the names of rollout.yaml, and what the journal says that was made under others.

    What the journal names outside of our path is not believed to be ours.
    """
    own = policy_names(made, account_id, names)
    policies = [policy_arn(partition, account_id, names.path, name) for name in own]
    policies += sorted(arn for arn in made.policies if is_policy_at(arn, account_id, names.path))
    groups = [names.group, names.enrolment_group, *sorted(made.groups)]
    prefix = f"arn:{partition}:iam::{account_id}:group{names.path}"
    return OurArns(
        partition,
        account_id,
        tuple(dict.fromkeys(policies)),
        tuple(dict.fromkeys(f"{prefix}{group}" for group in groups if "/" not in group)),
        tuple(sorted(adopted(made, account_id, names))),
    )


def name_of(arn: str) -> str:
    """Return the name at the end of an ARN, without its path."""
    return arn.rpartition("/")[2]
