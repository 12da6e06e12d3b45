"""Writes the inline session policy that narrows every role session to what the table of operations holds.

Even through an administrator role, `rollout` can do nothing else (DESIGN §9, AWS-FACTS §11).
"""

from __future__ import annotations

import json

from rollout.adapters.aws.operations import OPERATIONS, On, Operation, Ours, Use
from rollout.errors import BadSettings

LONGEST = 2048
"""STS takes no more characters (AWS-FACTS §3)."""

FAMILIES = {
    "iam:*CredentialReport": ("iam:GenerateCredentialReport", "iam:GetCredentialReport"),
    "iam:GetPolicy*": ("iam:GetPolicy", "iam:GetPolicyVersion"),
    "iam:List*MFADevices": ("iam:ListMFADevices", "iam:ListVirtualMFADevices"),
}
"""Shorter spellings that match no other IAM action; used only where names of 128 characters leave no room."""


def session_policy(partition: str, ours: Ours, *, writing: bool) -> str:
    """Return the JSON text of the policy for reading, or for reading and writing.

    The account field of its ARNs is `*`: the session lives in one account and reaches no other. Raises BadSettings
    when the names are so long that it does not fit.
    """
    reads = _actions(Use.READ, On.ANYTHING)
    writes = _writes(partition, ours) if writing else []
    short_writes = _writes_in_one(partition, ours) if writing else []
    text = ""
    for statements in (
        [_allow(reads, "*"), *writes],
        [_allow(_shortened(reads), "*"), *writes],
        [_allow(_shortened(reads), "*"), *short_writes],
    ):
        text = _text(statements)
        if len(text) <= LONGEST:
            return text
    raise BadSettings(
        f"the session policy for these names takes {len(text)} characters, and AWS allows {LONGEST}",
        cure="choose shorter names for policy.name and policy.group",
    )


def _writes(partition: str, ours: Ours) -> list[dict[str, object]]:
    # Two statements, not four: each repeats ARNs of up to 200 characters. An action meets only the kind of resource
    # that it works on, so nothing more is allowed.
    policies, groups, users = _arns(partition, ours)
    making = _actions(Use.WRITE, On.OUR_POLICIES) + _actions(Use.WRITE, On.OUR_GROUPS)
    hanging = _actions(Use.WRITE, On.GROUP_BY_POLICY) + _actions(Use.WRITE, On.USER_BY_POLICY)
    only_ours = {"ArnEquals": {"iam:PolicyARN": policies}}
    return [
        _allow(making, [*policies, *groups]),
        _allow(hanging, [*groups, users]) | {"Condition": only_ours},
    ]


def _writes_in_one(partition: str, ours: Ours) -> list[dict[str, object]]:
    # The same in one statement: attaching always tells iam:PolicyARN, the other actions never do.
    policies, groups, users = _arns(partition, ours)
    only_ours = {"ArnEqualsIfExists": {"iam:PolicyARN": policies}}
    everything = sorted({action for on in On for action in _actions(Use.WRITE, on)})
    return [_allow(everything, [*policies, *groups, users]) | {"Condition": only_ours}]


def _arns(partition: str, ours: Ours) -> tuple[list[str], list[str], str]:
    iam = f"arn:{partition}:iam::*"
    policies = [f"{iam}:policy{policy}" for policy in ours.policies]
    return policies, [f"{iam}:group{group}" for group in ours.groups], f"{iam}:user/*"


def _shortened(actions: list[str]) -> list[str]:
    for short, family in FAMILIES.items():
        if set(family) <= set(actions):
            actions = [action for action in actions if action not in family] + [short]
    return sorted(actions)


def hop_policy() -> str:
    """Return the policy of a session that only serves to enter further accounts."""
    return _text([_allow(["sts:AssumeRole"], "*")])


def _text(statements: list[dict[str, object]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _actions(use: Use, on: On) -> list[str]:
    wanted = [operation for operation in OPERATIONS if _is(operation, use, on)]
    return sorted({action for operation in wanted for action in operation.actions})


def _is(operation: Operation, use: Use, on: On) -> bool:
    return operation.use is use and operation.on is on


def _allow(actions: list[str], resource: str | list[str]) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
