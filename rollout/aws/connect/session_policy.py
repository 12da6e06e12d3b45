"""Writes the inline session policy that limits every role session to the table of operations.

With it, `rollout` can do nothing else even through an administrator role (design.md#accounts,
aws-facts.md#roles-and-least-privilege).
"""

from __future__ import annotations

import json
from typing import Any

from rollout.awsapi.operations import OPERATIONS, On, Operation, OurNames, Use, names_of
from rollout.errors import BadSettings

Statement = dict[str, Any]

LONGEST = 2048
"""The most characters that STS accepts (aws-facts.md#quotas-and-rates)."""


def session_policy(partition: str, ours: OurNames, *, writing: bool) -> str:
    """Return the policy for reading, or for reading and writing, as JSON text.

    The account field of its ARNs is `*`, since a session can only act in its own account. Raises BadSettings when the
    names are too long for the policy to fit.
    """
    if not writing:
        return _text([_reads(Use.READ, Use.PROBE)])
    text = _text([_reads(Use.READ), *_writes(partition, ours)])
    if len(text) > LONGEST:
        text = _text([_in_short(_reads(Use.READ)), _writes_in_one(partition, ours)])
    if len(text) > LONGEST:
        raise BadSettings(
            f"the session policy for these names has {len(text)} characters; AWS allows {LONGEST}",
            cure="choose shorter names for policy.name and policy.group",
        )
    return text


def _reads(*uses: Use) -> Statement:
    return _allow([action for use in uses for action in _actions(use, On.ANYTHING)], "*")


def _in_short(reads: Statement) -> Statement:
    # For names of 128 characters: IAM has GetUser and GetUserPolicy, and nothing else that `GetUser*` would allow; so
    # with GetPolicy and GetPolicyVersion, and with ListSSHPublicKeys, the only one that begins with ListSSH. The guard
    # refuses what is not in the table in any case.
    actions: list[str] = []
    for action in reads["Action"]:  # sorted: the shortest of those that begin alike is the first
        if actions and action.startswith(actions[-1].rstrip("*")):
            actions[-1] = f"{actions[-1].rstrip('*')}*"
        else:
            actions.append("iam:ListSSH*" if action == "iam:ListSSHPublicKeys" else action)
    return reads | {"Action": actions}


def _writes(partition: str, ours: OurNames) -> tuple[Statement, Statement]:
    # Two statements instead of four, since each repeats ARNs of up to 200 characters. An action only applies to its own
    # kind of resource, so this allows nothing more.
    hanging = _allow(_attaching(), [*_groups(partition, ours), _users(partition)])
    return (
        _allow(_creating(), [*_policies(partition, ours), *_groups(partition, ours)]),
        hanging | {"Condition": {"ArnLike": _attachable(partition, ours)}},
    )


def _writes_in_one(partition: str, ours: OurNames) -> Statement:
    # For names of 128 characters: attaching a policy always sets iam:PolicyARN and the other actions never do, so one
    # statement means the same as two.
    resources = [*_policies(partition, ours), *_groups(partition, ours), _users(partition)]
    condition = {"ArnLikeIfExists": _attachable(partition, ours)}
    return _allow(_creating() + _attaching(), resources) | {"Condition": condition}


def _creating() -> list[str]:
    return _actions(Use.WRITE, On.OUR_POLICIES) + _actions(Use.WRITE, On.OUR_GROUPS)


def _attaching() -> list[str]:
    return _actions(Use.WRITE, On.GROUP_BY_POLICY) + _actions(Use.WRITE, On.USER_BY_POLICY)


def _policies(partition: str, ours: OurNames) -> list[str]:
    return [f"arn:{partition}:iam::*:policy{policy}" for policy in ours.policies]


def _groups(partition: str, ours: OurNames) -> list[str]:
    return [f"arn:{partition}:iam::*:group{group}" for group in ours.groups]


def _users(partition: str) -> str:
    return f"arn:{partition}:iam::*:user/*"


def _attachable(partition: str, ours: OurNames) -> dict[str, list[str]]:
    # Somebody else's policy of our name may be attached to our group, whatever its path, when it was found to have the
    # same content (design.md#policy-documents). Only its owner changes it.
    return {"iam:PolicyARN": [f"arn:{partition}:iam::*:policy*/{name}" for name in names_of(ours.policies)]}


def hop_policy(*, identified: bool = False, tagged: bool = False) -> str:
    """Return the policy of a hop session, as JSON text: it may only assume roles.

    `identified` also allows setting a source identity, `tagged` also allows session tags.
    """
    passing = ["sts:SetSourceIdentity"] * identified + ["sts:TagSession"] * tagged
    return _text([_allow(["sts:AssumeRole", *passing], "*")])


def _text(statements: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _actions(use: Use, on: On) -> list[str]:
    wanted = [operation for operation in OPERATIONS if _is(operation, use, on)]
    return sorted({action for operation in wanted for action in operation.actions})


def _is(operation: Operation, use: Use, on: On) -> bool:
    return operation.use is use and operation.on is on


def _allow(actions: list[str], resource: str | list[str]) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
