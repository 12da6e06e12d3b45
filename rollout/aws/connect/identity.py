"""Asks AWS once who the caller is, and keeps the time that AWS sent with the response."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.endpoints import date_of
from rollout.awsapi.failures import CallFailed, fatal_error_of
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection, partition_of
from rollout.domain.people.organization import Caller


@dataclass(frozen=True, slots=True)
class CallerResponse:
    """The caller, AWS's time from the response's `Date` header, and when the response came, by our monotonic clock."""

    caller: Caller
    aws_time: datetime | None
    received_at: float


class WhoAmI:
    """Calls `GetCallerIdentity` once and remembers the response; safe to share between threads."""

    def __init__(
        self, connection: Connection, retries: Retries, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep the arguments; make no call yet."""
        self._connection = connection
        self._calls = Calls("", CallerIdentity(), retries, retries.pace())
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._answer: CallerResponse | None = None

    def response(self) -> CallerResponse:
        """Call AWS the first time, then remember. Raises NoCredentials, ExpiredCredentials, AwsFailure."""
        with self._lock:
            if self._answer is None:
                self._answer = self._read_live()
            return self._answer

    def _read_live(self) -> CallerResponse:
        client = self._connection.sts()
        try:
            answer = self._calls.read(client.get_caller_identity)
        except CallFailed as failed:
            raise fatal_error_of(failed) from failed
        received_at = self._monotonic()
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        arn = answer["Arn"]
        caller = Caller(
            arn=arn,
            account_id=answer["Account"],
            partition=partition_of(arn),
            source_user_arn=arn if ":user/" in arn else self._source_user(),
        )
        return CallerResponse(caller, date_of(headers.get("date")), received_at)

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
