"""Counts the SSH keys for CodeCommit of the users who may have some: no bulk call tells them.

See aws-facts.md#doors-and-credentials-found-later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rollout.awsapi.calls import Calls
from rollout.domain.people.observations import Group, ManagedPolicy
from rollout.domain.people.users import User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_CODECOMMIT = "codecommit:"


def worth_asking(
    groups: Mapping[str, Group], policies: Mapping[str, ManagedPolicy]
) -> Callable[[User], bool]:
    """Decide by the groups and policies of an account for whom `ListSSHPublicKeys` is called.

    These are the users who would otherwise have no credential, and those of whom a policy names CodeCommit. A policy
    that allows everything says nothing about the use of CodeCommit, and would cost one call per administrator.
    """
    naming = {arn for arn, policy in policies.items() if policy.default and _names(policy.default.document)}
    through = {
        group.name
        for group in groups.values()
        if naming & set(group.attached) or any(_names(policy.document) for policy in group.inline)
    }

    def asked(user: User) -> bool:
        return (
            not user.has_credentials
            or bool(naming & set(user.attached))
            or bool(through & set(user.groups))
            or any(_names(policy.document) for policy in user.inline)
        )

    return asked


def read_ssh_keys(calls: Calls, client: IAMClient, user: User) -> int:
    """Count the active keys, by `ListSSHPublicKeys`. Raises CallFailed."""
    pages = calls.pages(client.list_ssh_public_keys, "Marker", UserName=user.name)
    return sum(key["Status"] == "Active" for page in pages for key in page.get("SSHPublicKeys", []))


def _names(document: Mapping[str, object] | str) -> bool:
    text = document if isinstance(document, str) else json.dumps(document, default=str)
    return _CODECOMMIT in text.casefold()
