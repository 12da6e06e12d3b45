"""Asks AWS once who the caller is."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.failures import CallFailed, fatal_error_of
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection, partition_of
from rollout.domain.people.organization import Caller

if TYPE_CHECKING:
    from mypy_boto3_sts.type_defs import GetCallerIdentityResponseTypeDef


class WhoAmI:
    """Calls `GetCallerIdentity` once and remembers the response; safe to share between threads."""

    def __init__(self, connection: Connection, retries: Retries) -> None:
        """Make no call yet."""
        self._connection = connection
        self._calls = Calls("", CallerIdentity(), retries, retries.pace())
        self._lock = threading.Lock()
        self._caller: Caller | None = None

    @property
    def retries(self) -> Retries:
        """What makes the calls, and keeps AWS's time from every response."""
        return self._calls.retries

    def caller(self) -> Caller:
        """Call AWS the first time, then remember. Raises NoCredentials, ExpiredCredentials, AwsFailure."""
        with self._lock:
            if self._caller is None:
                answer = self.ask()
                arn = answer["Arn"]
                self._caller = Caller(
                    arn=arn,
                    account_id=answer["Account"],
                    partition=partition_of(arn),
                    source_user_arn=arn if ":user/" in arn else self._source_user(),
                    user_id=answer["UserId"],
                )
            return self._caller

    def ask(self) -> GetCallerIdentityResponseTypeDef:
        """Call AWS now, even if the caller is known already. Raises NoCredentials, ExpiredCredentials, AwsFailure."""
        try:
            return self._calls.read(self._connection.sts().get_caller_identity)
        except CallFailed as failed:
            raise fatal_error_of(failed) from failed

    def _source_user(self) -> str | None:
        """Find the IAM user behind the profile's role; None when there is none, or when AWS does not tell."""
        keys = source_keys(self._connection.session.profile_name, self._connection.profiles())
        if keys is None:
            return None
        try:
            arn = self._connection.sts_with(keys).get_caller_identity()["Arn"]
        except (BotoCoreError, ClientError):
            return None
        return arn if ":user/" in arn else None


def source_keys(name: str, profiles: Mapping[str, Mapping[str, str]]) -> Mapping[str, str] | None:
    """Follow `source_profile` to the profile that holds keys; None when the chain does not end in one.

    Only the keys at the end are used, never the profiles in between, since those might ask for a token code.
    """
    seen = set()
    current = profiles.get(name, {})
    while name not in seen and "role_arn" in current and "source_profile" in current:
        seen.add(name)
        name = current["source_profile"]
        current = profiles.get(name, {})
    return current if seen and "aws_access_key_id" in current else None
