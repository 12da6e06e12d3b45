"""Writes the inline session policy that limits every role session to the table of operations.

With it, `rollout` can do nothing else even through an administrator role (design.md#accounts,
aws-facts.md#roles-and-least-privilege).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rollout.awsapi.operations import OPERATIONS, On, Operation, Use
from rollout.domain.policy.our_arns import OurArns
from rollout.errors import BadSettings

Statement = dict[str, Any]

LONGEST = 2048
"""The most characters that STS accepts (aws-facts.md#quotas-and-rates)."""
FAMILIES = (
    "cloudtrail:Lookup",
    "iam:CreatePolicy",
    "iam:DeletePolicy",
    "iam:GenerateC",
    "iam:GetAccountAuth",
    "iam:GetAccountPass",
    "iam:GetPolicy",
    "iam:GetUser",
    "iam:ListSSH",
    "iam:ListServiceS",
    "iam:ListVirtual",
    "signin:GetC",
    "signin:GetRes",
)
"""Beginnings of actions of which there are no others than those in the table, `iam:GetUser*` for example."""


def session_policy(ours: OurArns, *, writing: bool, trail: bool = False) -> str:
    """Return the policy for reading one account, or for reading and writing, as JSON text; `trail`: CloudTrail, too.

    Its ARNs are whole: nothing of another account, at another path or with another name can be written to. Raises
    BadSettings when the names are too long for the policy to fit.
    """
    uses = (Use.READ, Use.TRAIL) if trail else (Use.READ,)
    if not writing:
        return _text([_reads(ours, *uses, Use.PROBE)])
    reads = _reads(ours, *uses)
    text = _text([reads, *_writes(ours)])
    if len(text) > LONGEST:
        short = [reads, _writes_in_one(ours), *_detaching(ours)]
        text = _text([_in_short(statement) for statement in short])
    if len(text) > LONGEST:
        raise BadSettings(
            f"the session policy for these names has {len(text)} characters; AWS allows {LONGEST}",
            cure="choose shorter names for policy.name and policy.group",
        )
    return text


def widest_policy(ours: OurArns, usual: OurArns, *, writing: bool, trail: bool = False) -> str:
    """Return the policy for all that is ours, or for what is `usual` and as much of the rest as there is room for.

    What the journal names has no end where somebody else wrote into it, and nobody may stay under the policy for that.
    Raises BadSettings as `session_policy` does.
    """
    try:
        return session_policy(ours, writing=writing, trail=trail)
    except BadSettings:
        text = session_policy(usual, writing=writing, trail=trail)
    fits = usual
    more = (
        *(("policies", arn) for arn in ours.policies if arn not in usual.policies),
        *(("groups", arn) for arn in ours.groups if arn not in usual.groups),
        *(("adopted", arn) for arn in ours.adopted),
    )
    for kind, arn in more:
        changed: dict[str, Any] = {kind: (*getattr(fits, kind), arn)}
        try:
            fits = replace(fits, **changed)
            text = session_policy(fits, writing=writing, trail=trail)
        except BadSettings:
            return text
    return text


def _reads(ours: OurArns, *uses: Use) -> Statement:
    actions = [action for use in uses for action in _actions(use, On.ANYTHING)]
    # Other partitions have no console authorization to read (aws-facts.md#doors-and-credentials-found-later).
    wanted = [action for action in actions if ours.partition == "aws" or not action.startswith("signin:")]
    return _allow(wanted, "*")


def _in_short(statement: Statement) -> Statement:
    # For names of 128 characters. The guard refuses what is not in the table in any case.
    kept = [action for action in statement["Action"] if not action.startswith(FAMILIES)]
    families = [
        f"{family}*"
        for family in FAMILIES
        if any(action.startswith(family) for action in statement["Action"])
    ]
    return statement | {"Action": [*kept, *families]}


def _writes(ours: OurArns) -> tuple[Statement, ...]:
    # Two statements instead of four, since each repeats ARNs of up to 200 characters. An action only applies to its own
    # kind of resource, so this allows nothing more.
    attaching = _allow(_attaching(), [*ours.groups, ours.arn("user/*")])
    return (
        _allow(_creating(), [*ours.policies, *ours.groups]),
        attaching | {"Condition": {"ArnEquals": {"iam:PolicyARN": [*ours.policies]}}},
        *_detaching(ours),
    )


def _writes_in_one(ours: OurArns) -> Statement:
    # For names of 128 characters: attaching a policy always sets iam:PolicyARN and the other actions never do, so one
    # statement means the same as two.
    resources = [*ours.policies, *ours.groups, ours.arn("user/*")]
    condition = {"ArnEqualsIfExists": {"iam:PolicyARN": [*ours.policies]}}
    return _allow(_creating() + _attaching(), resources) | {"Condition": condition}


def _detaching(ours: OurArns) -> tuple[Statement, ...]:
    # What an earlier version attached of somebody else's may be detached, from our groups and from users, and no more
    # (design.md#policy-documents).
    if not ours.adopted:
        return ()
    detaching = _allow(["iam:DetachGroupPolicy", "iam:DetachUserPolicy"], [*ours.groups, ours.arn("user/*")])
    return (detaching | {"Condition": {"ArnEquals": {"iam:PolicyARN": [*ours.adopted]}}},)


def _creating() -> list[str]:
    return _actions(Use.WRITE, On.OUR_POLICIES) + _actions(Use.WRITE, On.OUR_GROUPS)


def _attaching() -> list[str]:
    return _actions(Use.WRITE, On.GROUP_BY_POLICY) + _actions(Use.WRITE, On.USER_BY_POLICY)


def hop_policy(roles: Sequence[str], *, identified: bool = False, tagged: bool = False) -> str:
    """Return the policy of a hop session, as JSON text: it may only assume these roles, given by ARN.

    `identified` also allows setting a source identity, `tagged` also allows session tags.
    """
    passing = ["sts:SetSourceIdentity"] * identified + ["sts:TagSession"] * tagged
    return _text([_allow(["sts:AssumeRole", *passing], [*roles])])


def _text(statements: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _actions(use: Use, on: On) -> list[str]:
    wanted = [operation for operation in OPERATIONS if _is(operation, use, on)]
    return sorted({action for operation in wanted for action in operation.actions})


def _is(operation: Operation, use: Use, on: On) -> bool:
    return operation.use is use and operation.on is on


def _allow(actions: list[str], resource: str | list[str]) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}
