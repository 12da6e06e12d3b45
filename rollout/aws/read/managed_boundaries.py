"""Reads AWS managed policies that are only permissions boundaries, which the bulk call may leave out.

See aws-facts.md#doors-and-credentials-found-later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from rollout.aws.read.authorization_details import path_and_name, policy_version
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.people.users import User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_OF_AWS = ":iam::aws:policy/"


class ManagedBoundaries:
    """Remembers what was read, for all accounts: AWS managed policies are the same in every account of a partition.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._read: dict[str, ManagedPolicy] = {}
        self._lock = threading.Lock()

    def missing(
        self,
        users: Iterable[User],
        listed: Collection[str],
        calls: Calls,
        client: IAMClient,
        say: Callable[[str], None],
    ) -> Iterator[ManagedPolicy]:
        """Yield the boundaries of these users that AWS manages and did not list; two calls for each, once.

        One that cannot be read is left out, so that evaluation counts it as unread, and `say` is told why.
        """
        wanted = {user.boundary_arn for user in users if user.boundary_arn and _OF_AWS in user.boundary_arn}
        for arn in sorted(wanted - set(listed)):
            with self._lock:
                try:
                    policy = self._read.get(arn) or _policy(arn, calls, client)
                except CallFailed as failed:
                    say(f"{failed.short}; the permissions boundary {arn} was not read")
                    continue
                self._read[arn] = policy
            yield policy


def _policy(arn: str, calls: Calls, client: IAMClient) -> ManagedPolicy:
    found = calls.read(client.get_policy, PolicyArn=arn)["Policy"]
    version = calls.read(client.get_policy_version, PolicyArn=arn, VersionId=found["DefaultVersionId"])
    path, name = path_and_name(arn)
    return ManagedPolicy(arn, name, path, (policy_version(version["PolicyVersion"]),))
