"""Writes the inline session policy that narrows every role session to what the table of operations holds.

Even through an administrator role, `rollout` can do nothing else (design.md#accounts,
aws-facts.md#roles-and-least-privilege).
"""

from __future__ import annotations

import json
from typing import Any

from rollout.awsapi.operations import OPERATIONS, On, Operation, OurNames, Use, names_of
from rollout.errors import BadSettings

Statement = dict[str, Any]

LONGEST = 2048
"""STS takes no more characters (aws-facts.md#quotas-and-rates)."""


def session_policy(partition: str, ours: OurNames, *, writing: bool) -> str:
    """Return the JSON text of the policy for reading, or for reading and writing.

    The account field of its ARNs is `*`: the session lives in one account and reaches no other. Raises BadSettings
    when the names are so long that it does not fit.
    """
    if not writing:
        return _text([_reads(Use.READ, Use.PROBE)])
    text = _text([_reads(Use.READ), *_writes(partition, ours)])
    if len(text) > LONGEST:
        text = _text([_reads(Use.READ), _writes_in_one(partition, ours)])
    if len(text) > LONGEST:
        raise BadSettings(
            f"the session policy for these names takes {len(text)} characters, and AWS allows {LONGEST}",
            cure="choose shorter names for policy.name and policy.group",
        )
    return text


def _reads(*uses: Use) -> Statement:
    return _allow([action for use in uses for action in _actions(use, On.ANYTHING)], "*")


def _writes(partition: str, ours: OurNames) -> tuple[Statement, Statement]:
    # Two statements, not four: each repeats ARNs of up to 200 characters. An action meets only the kind of resource
    # that it works on, so nothing more is allowed.
    hanging = _allow(_hanging(), [*_groups(partition, ours), _users(partition)])
    return (
        _allow(_making(), [*_policies(partition, ours), *_groups(partition, ours)]),
        hanging | {"Condition": {"ArnLike": _may_hang(partition, ours)}},
    )


def _writes_in_one(partition: str, ours: OurNames) -> Statement:
    # For names of 128 characters: hanging up a policy always tells iam:PolicyARN, the other actions never do, so one
    # statement says the same as two.
    resources = [*_policies(partition, ours), *_groups(partition, ours), _users(partition)]
    condition = {"ArnLikeIfExists": _may_hang(partition, ours)}
    return _allow(_making() + _hanging(), resources) | {"Condition": condition}


def _making() -> list[str]:
    return _actions(Use.WRITE, On.OUR_POLICIES) + _actions(Use.WRITE, On.OUR_GROUPS)


def _hanging() -> list[str]:
    return _actions(Use.WRITE, On.GROUP_BY_POLICY) + _actions(Use.WRITE, On.USER_BY_POLICY)


def _policies(partition: str, ours: OurNames) -> list[str]:
    return [f"arn:{partition}:iam::*:policy{policy}" for policy in ours.policies]


def _groups(partition: str, ours: OurNames) -> list[str]:
    return [f"arn:{partition}:iam::*:group{group}" for group in ours.groups]


def _users(partition: str) -> str:
    return f"arn:{partition}:iam::*:user/*"


def _may_hang(partition: str, ours: OurNames) -> dict[str, list[str]]:
    # A policy of our name that somebody else made may be hung on our group, whatever its path: it was found to say
    # the same (design.md#policy-documents). Nobody but its owner changes it.
    return {"iam:PolicyARN": [f"arn:{partition}:iam::*:policy*/{name}" for name in names_of(ours.policies)]}


def hop_policy(*, identified: bool = False, tagged: bool = False) -> str:
    """Return the policy of a session that only serves to enter further accounts, as whom, and with which tags."""
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
