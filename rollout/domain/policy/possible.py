"""Tells changes that this tool can have made from those that only a forged or foreign journal can name."""

from __future__ import annotations

import re

from rollout.domain.policy.changes import Change, user_of

# IAM's own rules for names (aws-facts.md#names-paths-arns-tags).
_ACCOUNT = re.compile(r"[0-9]{12}")
_GROUP = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_USER = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_USER_ID = re.compile(r"\w{1,128}", re.ASCII)
_POLICY = re.compile(
    r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):policy(/[!-~]*)?/[\w+=,.@-]{1,128}", re.ASCII
)


def why_impossible(change: Change) -> str:
    """Say why this tool cannot have made a change; empty if it can.

    It writes to policies, groups and users of the account that it has entered, and to nothing else.
    """
    account_id = change.account_id
    if not _ACCOUNT.fullmatch(account_id):
        return "the account ID is not one of AWS"
    group, arn, user = getattr(change, "group", None), getattr(change, "policy_arn", None), user_of(change)
    if group is not None and not _GROUP.fullmatch(group):
        return "no group can have this name"
    if arn is not None:
        policy = _POLICY.fullmatch(arn)
        if policy is None:
            return "this is not the ARN of a policy"
        if policy["account"] != account_id:
            return "the policy is in another account"
    if user is not None:
        if not (_USER.fullmatch(user.name) and _USER_ID.fullmatch(user.id)):
            return "no user can have this name or ID"
        if user.account_id != account_id:
            return "the user is in another account"
    return ""
